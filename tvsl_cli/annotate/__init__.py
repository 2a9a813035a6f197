"""``tvsl annotate``: ask, run, show progress, sum up.

- ``after``: what follows a run when it is asked for: other programs' formats, and pages;
- ``command``: ``tvsl annotate``: videos in; heatmap videos, tables and thumbnails out;
- ``heard``: what sounded when in a video, as people read it;
- ``progress``: progress on standard error: moving bars on a terminal, plain lines everywhere else;
- ``request``: what may be asked of ``tvsl annotate``; every option of the command is a field;
- ``run``: the run behind ``tvsl annotate``: find, annotate, show, and say with the exit code how it went;
- ``stdout``: standard output of ``tvsl annotate``: one line per table, or events and source rows as JSON, or
  events as CSV;
- ``summary``: what a batch came to: a table for people, and every failure with what to do about it;
- ``tally``: progress in numbers: how far, how fast (times real time) and how long it still takes.
"""
