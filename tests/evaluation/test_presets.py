"""Every preset beside its published arithmetic, written again step by step: sort, compare, count.

Nothing here is shared with the code under test but the samples. The maps have the size of the reference grid, so that
no resampling blurs the comparison. Continuous, binary, flat and tied maps: it is on ties that evaluators differ.
"""

import itertools
import math

import numpy as np
import pytest

from tvsl_core.data.benchmarks.sample import Benchmark, Sample, Source
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.evaluation.protocols import PROTOCOLS
from tvsl_core.evaluation.run import evaluate

SIDE = 224
KINDS = ("continuous", "binary", "mostly bright", "flat", "tied", "tiles of their own")
UNITS = {"dsol": "frames", "noprior": "maps"}


def duet(number, kind, rng):
    names = rng.permutation(["dog", "cat", "owl", "cow"])[:2].tolist()
    sources = []
    for tile, name in enumerate(names):
        left, top = rng.integers(0, 100, 2) / SIDE
        width, height = rng.integers(40, 120, 2) / SIDE
        box = (float(left), float(top), float(left + width), float(top + height))
        sources.append(Source(name=name, boxes=(box,), tile=tile))
    clips = (f"l{number}", f"r{number}")
    sample = Sample(id=f"s{number}", video=f"v{number // 2}", sources=tuple(sources), clips=clips)
    maps = np.stack([draw(kind, sources, row, rng) for row in range(3)]).astype(np.float32)
    detected = tuple((rng.random(3) > 0.25).tolist())
    scores = tuple(rng.random(3).tolist())
    return sample, Prediction(classes=(*names, "tuba"), maps=maps, scores=scores, detected=detected)


def draw(kind, sources, row, rng):
    """A map of one kind, near its source more often than not."""
    source = sources[min(row, 1)]
    left, top, right, bottom = (round(value * SIDE) for value in source.boxes[0])
    shift, offset = int(rng.integers(0, 60)), SIDE * (source.tile if rng.random() < 0.7 else 1 - source.tile)
    near = np.zeros((SIDE, 2 * SIDE))
    near[top : bottom - shift // 2, offset + left + shift : offset + right] = 1
    if kind == "flat":
        return np.full((SIDE, 2 * SIDE), rng.choice([-0.5, 0.0, 0.4, 1.0, 3.0]))
    if kind == "binary":
        return near
    if kind == "mostly bright":  # the middle of the sorted pixels is the highest value
        return np.maximum(near, rng.random((SIDE, 2 * SIDE)) < 0.7)
    if kind == "tied":  # levels, most pixels on the lowest one
        return near * 2 + (rng.random(near.shape) < 0.1) - rng.integers(0, 2)
    if kind == "tiles of their own":  # a flat tile beside one that is not
        other = SIDE if offset == 0 else 0
        near[:, other : other + SIDE] = rng.choice([0.0, 0.5, 1.0])
        return near
    return near + rng.normal(size=near.shape) * 0.7 - rng.integers(0, 2)


def truth(sample, row):
    marks = np.zeros((SIDE, 2 * SIDE), dtype=bool)
    left, top, right, bottom = (int(value * SIDE) for value in sample.sources[row].boxes[0])
    offset = sample.sources[row].tile * SIDE
    marks[top:bottom, offset + left : offset + right] = True
    return marks


def min_max(values):
    return values if values.max() == values.min() else (values - values.min()) / (values.max() - values.min())


def middle(values):
    return sorted(values.ravel().tolist())[values.size // 2]


def lvs(values):
    """Turn over, stretch, turn back; above the middle becomes 1, what is below 1 becomes 0, then at least 0.5."""
    values = 1 - min_max(-values.astype(np.float64))
    limit = middle(values)
    values[values > limit] = 1
    values[values < 1] = 0
    return values >= 0.5


def noprior(values):
    values = min_max(values.astype(np.float64))
    limit = middle(values)
    values = np.where(values > limit, 1.0, values)
    return np.where(values < 1, 0.0, values) >= 0.5


def ezvsl(values):
    values = min_max(values.astype(np.float64))
    return values >= middle(values)


def stretched(level):
    def cut(values):
        if values.max() == values.min():  # ours: a map without contrast says nothing
            return np.zeros(values.shape, dtype=bool)
        return values >= values.min() + np.float32(level) * (values.max() - values.min())

    return cut


def dsol(values):
    return values > 0.2 * float(values.max())


def adaptive(values, marks):
    """Above the value at the rank that leaves as many pixels as the source has."""
    return values > sorted(values.ravel().tolist())[values.size - int(marks.sum())]


CUTS = {
    "strict": stretched(0.5),
    "lvs": lvs,
    "ezvsl": ezvsl,
    "avgn": ezvsl,
    "avgn-released": ezvsl,
    "noprior": noprior,
    "noprior-frame": stretched(0.3),
    "dsol": dsol,
}
ON_TILES = ("alignment", "lvs", "ezvsl", "avgn", "avgn-released", "noprior")


def overlap(chosen, marks):
    """0 / 0 is no number, as in the published code."""
    shared, either = int((chosen & marks).sum()), int(marks.sum()) + int((chosen & ~marks).sum())
    return shared / either if either else math.nan


def precision_of_ranking(labels, scores):
    """Precision at every distinct score from the top, weighted by the labels that it adds."""
    labels, scores = labels.ravel(), scores.ravel()
    if not labels.any():
        return 0.0
    order = np.lexsort((labels, -scores))
    total = before = 0.0
    labels, scores = labels[order], scores[order]
    found = np.cumsum(labels)
    for end in [*(np.nonzero(scores[1:] != scores[:-1])[0]).tolist(), len(scores) - 1]:
        total += (found[end] - before) / found[-1] * (found[end] / (end + 1))
        before = found[end]
    return float(total)


def ask(prediction, sample, mode):
    if mode == "oracle":
        return [index for index in range(3) if prediction.classes[index] in [one.name for one in sample.sources]]
    return [index for index in range(3) if prediction.detected[index]]


def frame_by_class(name, sample, prediction, mode):
    """Cious, CAP parts and PIAP parts of one frame: everything but the released test of NoPrior."""
    allowed = ask(prediction, sample, mode)
    cious, aps, turned = {}, {}, {}
    for row, index in itertools.product(range(2), allowed):
        values, marks = prediction.maps[index], truth(sample, row)
        if name in ON_TILES:
            part = slice(row * SIDE, (row + 1) * SIDE)
            values, marks = values[:, part], marks[:, part]
        chosen = adaptive(values, marks) if name == "alignment" else CUTS[name](values)
        cious[row, index] = overlap(chosen, marks)
        aps[row, index] = precision_of_ranking(marks, values)
        turned[row, index] = precision_of_ranking(chosen, marks.astype(float))
    own = [next((index for index in allowed if prediction.classes[index] == one.name), None) for one in sample.sources]

    def best(table):
        choices = itertools.permutations([*allowed, None, None], 2)
        return max(choices, key=lambda pair: sum(table.get(entry, 0) for entry in enumerate(pair)))

    chosen = best(cious) if name in ("avgn", "noprior-frame") else own
    permuted = [turned.get(entry, 0) for entry in enumerate(own)]
    if name != "avgn-released":
        permuted = [aps.get(entry, 0) for entry in enumerate(best(aps))]
    found = [cious.get(entry, 0) for entry in enumerate(chosen)]
    return [np.mean(found)] if name == "dsol" else found, [aps.get(entry, 0) for entry in enumerate(own)], permuted


def frame_map_by_map(sample, prediction, mode):
    """The released test of NoPrior: every map in turn takes the best tile and empties it."""
    allowed = ask(prediction, sample, mode)
    if not allowed:
        return [], [], None
    tiles = [slice(0, SIDE), slice(SIDE, 2 * SIDE)]
    left = [truth(sample, row)[:, tiles[row]] for row in range(2)]
    whole = np.concatenate(left, axis=1)
    added = sum(prediction.maps[index] for index in allowed)
    together = np.concatenate([noprior(added[:, tile]) for tile in tiles], axis=1)
    cious, aps = [], []
    for index in allowed:
        cuts = [noprior(prediction.maps[index][:, tile]) for tile in tiles]
        values = [overlap(cut, marks) for cut, marks in zip(cuts, left, strict=True)]
        taken = int(np.argmax(values))  # a value that is no number wins
        cious.append(values[taken])
        aps.append(precision_of_ranking(left[taken], cuts[taken].astype(float)))
        left[taken] = np.zeros_like(left[taken])
    short = max(0, 2 - len(allowed))
    return [*cious, *[0] * short], [*aps, *[0] * short], precision_of_ranking(whole, together.astype(float))


@pytest.mark.parametrize("mode", ["oracle", "predicted"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_a_preset_is_the_arithmetic_that_it_names(name, kind, mode):
    rng = np.random.default_rng(KINDS.index(kind))
    made = [duet(number, kind, rng) for number in range(8)]
    said = {sample.id: prediction for sample, prediction in made}
    benchmark = Benchmark(
        name="made", samples=tuple(sample for sample, _ in made), classes=("dog", "cat", "owl", "cow")
    )
    found = evaluate(benchmark, lambda sample: said[sample.id], PROTOCOLS[name], modes=(mode,), draws=5)
    cious, aps, permuted = [], [], []
    for sample, prediction in made:
        if name == "noprior":
            one = frame_map_by_map(sample, prediction, mode)
            permuted += [one[2]] * len(one[0])
        else:
            one = frame_by_class(name, sample, prediction, mode)
            permuted += one[2]
        cious += one[0]
        aps += one[1]
    with np.errstate(invalid="ignore"):
        curve = [np.mean([value >= level / 20 for value in cious]) for level in range(21)]
    expected = {
        "cIoU@0.3": curve[6],
        "cIoU@0.5": curve[10],
        "AUC": sum((one + two) / 40 for one, two in itertools.pairwise(curve)) + np.mean(np.isnan(cious)) / 40,
        "mean cIoU": np.nan_to_num(cious).mean(),
        "CAP": np.mean(aps),
        "PIAP": np.mean(permuted),
    }
    for metric, value in expected.items():
        score = found.find(metric, mode)
        assert score is not None
        assert score.name == f"{name}/{mode}/{metric}/{UNITS.get(name, 'sources')}"
        assert score.value == pytest.approx(value, abs=1e-6), metric
