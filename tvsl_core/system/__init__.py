"""What a machine and its file system grant us.

- ``code``: what the code of some modules says, apart from how it is laid out and commented;
- ``files``: A file appears under its name only when it is whole;
- ``leases``: who works on what: leases, so that processes that share an output folder never do one thing twice;
- ``machine``: what the process that we run in grants us: how many processor cores, and who ends the programs that we
  start.
"""
