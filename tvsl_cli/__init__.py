"""The command line: parses, calls ``tvsl_core``, prints, exits.

- ``app``: the commands, and the order in which the help shows them;
- ``clips``: ``tvsl clips``: every event as a file of its own;
- ``embed``: ``tvsl embed``: videos and texts become points of one space, for search and clustering;
- ``export``: ``tvsl export``: results in the formats of other programs;
- ``info``: ``tvsl info``: what is installed here and what this machine can do;
- ``labels``: ``tvsl import-labels``: what people corrected comes back;
- ``manual``: the command reference, docs/commands.md, written from the commands themselves;
- ``merge``: ``tvsl merge``: the tables of a batch become one dataset;
- ``report``: ``tvsl report`` and ``tvsl view``: results as pages;
- ``search``: ``tvsl search``: the moments of annotated videos that some words mean;
- ``status``: ``tvsl status``: how far a batch is, while it runs and afterwards;
- ``vocabulary``: ``tvsl vocabulary``: the classes that are looked for, and what speaks for each.
"""
