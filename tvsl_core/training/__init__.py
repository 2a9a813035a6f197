"""Fitting heads over frozen towers; never meets annotation.

- ``batch``: from scenes to the tensors of one step, the same for every number of processes;
- ``cache``: what frozen towers see and hear of every scene, on disk, so that it is computed once;
- ``cache_build``: building one side of a feature cache: every scene once through its tower, interrupted or not;
- ``checkpoint``: everything that a run needs to go on as if it had never stopped, in one file that is whole or
  absent;
- ``curves``: loss and scores along a run, as a picture and as a page;
- ``distributed``: several processes that compute what one would: everything is added up before it is divided;
- ``fit``: the loop: frozen features in, learned heads out;
- ``live``: scenes through the frozen towers as they are asked for: what the feature cache stores, and is compared
  with;
- ``log``: what a run says about itself: one JSON object a line, and one file about the whole;
- ``objective``: what is minimised: the losses of one batch, weighted, each divided by what all processes judged
  together;
- ``options``: what steers a training run;
- ``run``: A whole training run: features, heads, the loop, and the folder that holds everything that comes of it;
- ``sources``: from the name of a training set to scenes to learn from and scenes to validate on;
- ``speed``: how long a step takes, from a feature cache and without one, and how long a whole run would;
- ``tensorboard``: the same numbers as ``metrics.jsonl`` for TensorBoard, where it is installed;
- ``validate``: how good the heads are on scenes that they do not learn from.
"""
