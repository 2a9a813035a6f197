"""What a machine and its file system grant us.

- ``files``: A file appears under its name only when it is whole;
- ``leases``: who works on what: leases, so that processes that share an output folder never do one thing twice;
- ``machine``: what the process that we run in grants us: how many processor cores, and who ends the programs that we
  start;
- ``progress``: how far a long loop is, for those who call the library: a bar of tqdm's, or a function of their own.
"""
