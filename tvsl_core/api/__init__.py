"""From names to results: what a user asks for by the name of a benchmark, a training set, a folder or a model.

The rooms below take the things themselves (samples, scenes, towers); here they are found and loaded first. Each verb of
the command line has its request and its answer here; the command fills the request and prints the answer.

- ``calibrate``: fit the scorer of events on held-out material, and store it with the heads;
- ``embed``: videos and texts as points of one space;
- ``evaluate``: score a model, or anybody's predictions, on a benchmark;
- ``evaluate_data``: the samples that an evaluation asks about, and the clips that a model answers for;
- ``evaluate_events``: ask a model when things sound: long scenes of exact times;
- ``evaluate_request``: what an evaluation is asked, checked once;
- ``events``: the events of a results folder as one table in memory;
- ``localize``: one picture with its sound, in memory: what sounds, and where;
- ``remember``: from the material that heads were trained on to the features that keep them from forgetting it;
- ``reproduce``: from a recipe to the table of a paper: train, calibrate, score; once for each seed;
- ``score``: what a model gets right on scenes from held-out material;
- ``train``: from the name of a training set to trained heads;
- ``train_request``: what a training is asked, checked once, and how that stands in ``run.json``.
"""
