"""The pages in which people look through results.

- ``data``: what the pages show, as plain values;
- ``build``: the pages, which need no server and no network; ``assets`` holds their template, style and script;
- ``serve``: the same behind a small server on this machine.
"""
