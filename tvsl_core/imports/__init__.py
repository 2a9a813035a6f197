"""What people corrected in other programs, brought back: one format a file. The mirror of ``exports``.

- ``labels``: what people say of one video, whichever program they said it in;
- ``cvat``: CVAT for video;
- ``label_studio``: Label Studio;
- ``tables``: comma-separated values, the columns of our own ``events.csv``;
- ``run``: find out what a file is, read it, and keep what it says beside the results;
- ``lists``: the labelled instants as a list to score on and a list to train on, with their frames and sounds;
- ``compare``: what people changed of what the model said.
"""
