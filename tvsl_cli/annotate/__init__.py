"""``tvsl annotate``: ask, run, show progress, sum up.

- ``command``: ``tvsl annotate``: videos in; heatmap videos, tables and thumbnails out;
- ``progress``: progress on standard error: moving bars on a terminal, plain lines everywhere else;
- ``request``: what may be asked of ``tvsl annotate``; every option of the command is a field;
- ``run``: the run behind ``tvsl annotate``: find, annotate, show, and say with the exit code how it went;
- ``stdout``: standard output of ``tvsl annotate``: one line per table, or one JSON object per source row;
- ``summary``: what a batch came to: a table for people, and every failure with what to do about it;
- ``tally``: progress in numbers: how far, how fast (times real time) and how long it still takes.
"""
