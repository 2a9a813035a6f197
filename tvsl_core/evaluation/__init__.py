"""Scores of anybody's predictions; numpy only, never our model. ``metrics`` holds one measure a file.

- ``classes``: localization class by class: how well the sources of each class are found, beside the best floor;
- ``compare``: is one system better than another on the same samples? Paired, video by video;
- ``floors``: what doing nothing would score: fixed maps that see neither picture nor sound;
- ``measures``: what some benchmarks measure besides: negatives, masks, and pictures whose objects sound in turn;
- ``protocols``: what a score's name must say: threshold, scope, matching and unit;
- ``published``: results that papers report, to print beside ours with that label;
- ``run``: score a whole benchmark: floors, predictions or a model, one sample after the other;
- ``scene``: A sample as pixels: which of them each source covers;
- ``scoring``: one sample against one prediction: a row for each source;
- ``summary``: from rows to named scores: value, number, interval, floor and margin.
"""
