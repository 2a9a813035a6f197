"""``tvsl evaluate``: score a model or anybody's predictions.

- ``command``: ``tvsl evaluate``: score maps and boxes on a benchmark, beside what doing nothing would score;
- ``compare``: ``tvsl evaluate --compare A B``: two results of one benchmark, paired video by video;
- ``request``: what ``tvsl evaluate`` was asked: command line over configuration file over defaults;
- ``run``: run one evaluation: ask the library, print, write;
- ``tables``: tables of ``tvsl evaluate`` on standard output, and its progress on standard error.
"""
