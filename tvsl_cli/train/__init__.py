"""``tvsl train``: ask, run, show progress.

- ``command``: ``tvsl train``: T-VSL's heads on one's own data, from one laptop to a cluster;
- ``paper``: what ``tvsl train --then evaluate`` does after the training;
- ``progress``: progress of a training run on standard error: moving bars on a terminal, plain lines everywhere else;
- ``request``: what ``tvsl train`` was asked, checked once: command line over file over defaults, or what an earlier
  run was;
- ``run``: doing what ``tvsl train`` was asked.
"""
