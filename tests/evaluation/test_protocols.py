"""What protocols have in common; ``test_presets`` compares each with the arithmetic that it names."""

import numpy as np
import pytest

from tvsl_core.data.benchmarks.sample import SAME_CLASS, Benchmark, Sample, Source
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.errors import InputError, ManifestError
from tvsl_core.evaluation.protocols import PROTOCOLS, find_protocol
from tvsl_core.evaluation.run import evaluate, evaluate_floors
from tvsl_core.evaluation.scene import draw_scene
from tvsl_core.evaluation.scoring import score_sample

NAMES = ("dog", "cat", "owl", "cow")


def duets(number, seed=0):
    """Pairs side by side, and maps that are noise, blobs, or blobs in the wrong place."""
    rng = np.random.default_rng(seed)
    samples, predictions = [], {}
    for index in range(number):
        names = rng.choice(NAMES, 2, replace=False).tolist()
        sources = []
        for tile, name in enumerate(names):
            left, top = rng.random(2) * 0.5
            right, bottom = np.array([left, top]) + 0.2 + rng.random(2) * 0.3
            boxes = ((float(left), float(top), float(right), float(bottom)),)
            sources.append(Source(name=name, boxes=boxes, tile=tile))
        one = Sample(id=f"s{index}", video=f"v{index // 2}", sources=tuple(sources), clips=(f"a{index}", f"b{index}"))
        samples.append(one)
        maps = rng.random((3, 7, 14)).astype(np.float32)
        for row, (source, shift) in enumerate(zip(sources, rng.integers(0, 2, 2), strict=True)):
            box = source.boxes[0]
            column = int((source.tile + box[0]) * 7) - 3 * int(shift)
            maps[row, int(box[1] * 7) : int(box[3] * 7) + 1, max(column, 0) : max(column, 0) + 2] += 1.5
        predictions[one.id] = Prediction(
            classes=(*names, "tuba"),
            maps=maps - (1 if index % 3 else 0),
            scores=tuple(rng.random(3).tolist()),
            detected=tuple((rng.random(3) > 0.3).tolist()),
        )
    benchmark = Benchmark(name="made", samples=tuple(samples), classes=NAMES)
    return benchmark, lambda sample: predictions.get(sample.id)


def test_perfect_maps_reach_the_top_and_beat_every_floor():
    benchmark, _ = duets(8)

    def perfect(sample):
        scene = draw_scene(sample)
        return Prediction(
            classes=scene.names, maps=scene.references.astype(np.float32), scores=(1.0, 1.0), detected=(True, True)
        )

    found = evaluate(benchmark, perfect, PROTOCOLS["strict"], draws=20)

    for score in found.scores:
        if score.classes in ("oracle", "predicted"):
            assert score.value == pytest.approx(1)
            assert score.margin is not None
            assert score.margin > 0
    assert found.detection["F1"] == 1


def test_the_order_of_maps_does_not_matter():
    benchmark, predict = duets(6)

    def turned(sample):
        one = predict(sample)
        return Prediction(
            classes=one.classes[::-1], maps=one.maps[::-1], scores=one.scores[::-1], detected=one.detected[::-1]
        )

    for name in PROTOCOLS.keys() - {"noprior"}:  # which goes through the maps in their order
        scene = draw_scene(benchmark.samples[0])
        straight, back = (score_sample(scene, one(benchmark.samples[0]), PROTOCOLS[name]) for one in (predict, turned))
        assert straight == back


def test_a_source_that_is_not_reported_scores_zero_only_when_classes_are_not_given():
    benchmark, predict = duets(1)
    (sample,) = benchmark.samples
    one = predict(sample)
    silent = Prediction(classes=one.classes, maps=one.maps, scores=one.scores, detected=(False, False, False))
    found = evaluate(benchmark, lambda _sample: silent, PROTOCOLS["strict"], draws=5)

    oracle, predicted = found.find("mean cIoU", "oracle"), found.find("mean cIoU", "predicted")
    assert oracle is not None
    assert oracle.value > 0
    assert predicted is not None
    assert predicted.value == 0


def test_pairs_of_one_class_are_reported_apart():
    benchmark, predict = duets(4)
    first = benchmark.samples[0]
    same = Sample(
        id=first.id, video=first.video, clips=first.clips, sources=first.sources, tags=frozenset({SAME_CLASS})
    )
    marked = Benchmark(name="made", samples=(same, *benchmark.samples[1:]), classes=NAMES)
    found = evaluate(marked, predict, PROTOCOLS["strict"], draws=5)
    main = found.find("AUC", "oracle")

    assert main is not None
    assert main.n == 6
    assert {score.n for score in found.apart if score.average == "sources"} == {2}


def test_what_is_missing_is_listed_and_never_replaced():
    benchmark, predict = duets(4)

    def partly(sample):
        if sample.id == "s1":
            return None
        if sample.id == "s2":
            raise ManifestError("it holds NaN.")
        return predict(sample)

    found = evaluate(benchmark, partly, PROTOCOLS["strict"], draws=5)
    score = found.find("AUC", "oracle")

    assert [problem.id for problem in found.missing] == ["s1"]
    assert [problem.id for problem in found.unusable] == ["s2"]
    assert not found.complete
    assert score is not None
    assert score.n == 4
    assert all(len(rows) == 4 for rows in found.floor_rows.values())  # floors on the same samples
    with pytest.raises(ManifestError, match="none of the 4"):
        evaluate(benchmark, lambda _sample: None, PROTOCOLS["strict"])


def test_a_misspelled_protocol_names_the_nearest():
    with pytest.raises(InputError, match="strict"):
        find_protocol("stric")


FIGURES = [
    ("vggsound-single", "lvs", "centred-gaussian", {"cIoU@0.5": 34.0, "AUC": 37.4}),
    ("vggsound-duet", "lvs", "centred-gaussian", {"cIoU@0.3": 60.2, "AUC": 37.5}),
    ("vggsound-duet", "noprior-frame", "gaussian-per-tile", {"cIoU@0.3": 28.9, "AUC": 20.7}),
    ("music-duet-short", "strict", "side-boxes", {"cIoU@0.3": 46.0, "AUC": 30.2}),
    ("music-solo", "lvs", "centred-gaussian", {"cIoU@0.5": 21.1}),
]


@pytest.mark.parametrize(("name", "protocol", "floor", "figures"), FIGURES)
def test_floors_of_the_specification_follow_from_the_annotations(benchmarks, name, protocol, floor, figures):
    from tvsl_core.data.benchmarks.catalog import ENTRIES

    found = evaluate_floors(ENTRIES[name].load(benchmarks), PROTOCOLS[protocol], draws=5)

    for metric, expected in figures.items():
        score = found.find(metric, floor)
        assert score is not None
        assert 100 * score.value == pytest.approx(expected, abs=0.1)


def test_the_margin_is_over_the_best_floor():
    benchmark, predict = duets(8)
    found = evaluate(benchmark, predict, PROTOCOLS["strict"], draws=5)

    for score in found.scores:
        if score.classes == "oracle":
            floors = [found.find(score.metric, name, score.average) for name in found.floor_rows]
            best = max(floor.value for floor in floors if floor is not None)
            assert score.floor == best
            assert score.margin == pytest.approx(score.value - best)


def test_classes_that_were_only_given_do_not_help_detection():
    benchmark, predict = duets(8)

    def deaf(sample):
        one = predict(sample)
        return Prediction(classes=one.classes[:2], maps=one.maps[:2], scores=(1.0, 1.0), detected=(False, False))

    found = evaluate(benchmark, deaf, PROTOCOLS["strict"], draws=5)
    chance = float(np.mean([row.sounding / 8 for row in found.per_class]))

    assert found.detection["recall"] == 0
    assert found.detection["mAP"] == pytest.approx(chance)
