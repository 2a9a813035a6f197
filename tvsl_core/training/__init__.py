"""Fitting heads over frozen towers; never meets annotation.

- ``batch``: from scenes to the tensors of one step, the same for every number of processes;
- ``checkpoint``: everything that a run needs to go on as if it had never stopped, in one file that is whole or
  absent;
- ``deterministic``: the same numbers, bit for bit, in every run on one machine;
- ``distributed``: several processes that compute what one would: everything is added up before it is divided;
- ``features/``: what frozen towers see and hear of scenes: live, or from a cache on disk;
- ``fit``: the loop: frozen features in, learned heads out;
- ``objective``: what is minimised: the losses of one batch, weighted, each divided by what all processes judged
  together;
- ``options``: what steers a training run;
- ``prepare``: what a run begins with: features of its scenes, heads before the first step, and the losses;
- ``recipes/``: settings of whole runs that ship with tvsl;
- ``record/``: what a run leaves behind for people: metrics, curves, and loggers of other programs;
- ``run``: A whole training run: features, heads, the loop, and the folder that holds everything that comes of it;
- ``sources``: from the name of a training set to scenes to learn from and scenes to validate on;
- ``speed``: how long a step takes, from a feature cache and without one, and how long a whole run would;
- ``training_run``: what is trained, on what, and where it goes;
- ``validate``: how good the heads are on scenes that they do not learn from.
"""
