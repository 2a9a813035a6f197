"""``tvsl models``: weights on this machine, and fitting them.

- ``app``: ``tvsl models``: the weights that tvsl uses;
- ``calibrate``: ``tvsl models calibrate``: fit the scorer of events on held-out material;
- ``score``: ``tvsl models score``: what a model gets right on scenes from held-out material;
- ``weights``: ``tvsl models list | download | verify | path | remove | import``: published weights on this machine.
"""
