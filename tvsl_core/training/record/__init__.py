"""What a run leaves behind for people to look at.

- ``log``: what a run says about itself: one JSON object a line, and one file about the whole;
- ``curves``: loss and scores along a run, as a picture and as a page;
- ``loggers``: the same numbers as ``metrics.jsonl`` for the programs that follow runs, where they are installed.
"""
