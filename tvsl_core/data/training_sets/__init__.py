"""What a model learns from: public lists, own videos, material.

- ``catalog``: the training lists by name: what each is, which files it needs, and where a user gets them;
- ``custom``: training clips of one's own: a folder of videos per class, or a CSV table;
- ``fetch``: what is still to be fetched of a list: addresses, starts and ends, for the user's own downloader;
- ``lists``: training lists as they are published: every line becomes a clip with its classes, its video and its
  instant;
- ``prepare``: cut what training and scoring read from videos: of every clip one frame (JPEG) and 5 s of sound (WAV);
- ``samples``: the sample videos as a training set: a first training on a machine that has nothing else;
- ``sets``: A training set by name or path: its files as a pool, and what one should know about it before training;
- ``wanted``: which clips a list needs, whether it is to train on, to score on, or one's own.
"""
