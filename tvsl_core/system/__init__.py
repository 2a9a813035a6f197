"""What a machine and its file system grant us.

- ``arrow``: pyarrow for programs that only read and write tables;
- ``cache``: the user's cache folder, and small facts in it that take longer to find out than to look up;
- ``code``: what the code of some modules says, apart from how it is laid out and commented;
- ``files``: A file appears under its name only when it is whole;
- ``leases``: who works on what: leases, so that processes that share an output folder never do one thing twice;
- ``machine``: what the process that we run in grants us: how many processor cores, and who ends the programs that we
  start;
- ``platforms``: what one operating system does otherwise than the next;
- ``progress``: how far a long loop is, for those who call the library: a bar of tqdm's, or a function of their own;
- ``results``: folders that tvsl has written: marked, so that a search for videos passes over what it made itself;
- ``suggest``: did you mean: the name that was probably meant by one that does not exist;
- ``usage``: how busy a machine is while something runs on it: its processor cores, and its GPU where there is one;
- ``versions``: which versions of which packages made a result.
"""
