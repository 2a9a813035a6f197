"""Many videos: which, in what order, by whom, and what became of each.

- ``batch``: many videos: what is done is skipped, what fails becomes a row, and the rest goes on, whatever happens;
- ``bench``: how fast a batch is on this machine, and what its processor and its GPU do meanwhile;
- ``check``: what an output folder holds before it is merged: its tables, and everything that is missing, double or
  mixed;
- ``inputs``: from what a user typed to the videos that are meant: files, folders, globs, lists and standard input;
- ``journal``: the journal of an output folder: what each run was to do, and what became of every video, written as it
  happens;
- ``keywords``: the options of an annotation as keywords of a call;
- ``merge``: many tables, one a video, become one sorted dataset with large row groups, and a manifest that vouches
  for it;
- ``queue``: what is left to do: hands out units one by one, and takes back what became of them;
- ``record_log``: what became of every video, kept in few files: one of all, and one of each run since;
- ``records``: what stands in the journal and in ``videos.parquet``, as values: parsed and checked here, and nowhere
  else;
- ``run``: one run over an output folder: its plan, its jobs, and what it writes about itself;
- ``shard``: many machines, one command: each takes a share of the same inputs, without talking to the others;
- ``single``: one video from Python: what ``tvsl annotate`` does for one file, and its rows as a table in memory;
- ``status``: how far the runs over an output folder are, from the journal alone; looking changes nothing;
- ``videos_table``: ``videos.parquet``: one row a video, and the last thing that became of it.
"""
