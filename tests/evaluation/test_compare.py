"""Two systems on the same samples: the difference, its interval and its p."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tvsl_core.errors import InputError
from tvsl_core.evaluation.classes import per_class_places
from tvsl_core.evaluation.compare import ScoredSystem, compare
from tvsl_core.evaluation.metrics.bootstrap import paired_differences
from tvsl_core.evaluation.protocols import PROTOCOLS
from tvsl_core.evaluation.scoring import SourceRow


def row(sample, ciou, *, klass="dog", source=0, video=None):
    return SourceRow(
        sample=f"s{sample}",
        video=video or f"v{sample}",
        klass=klass,
        source=source,
        classes="oracle",
        ciou=ciou,
        ap=ciou,
        ap_permuted=ciou,
        peak=ciou,
        answered=True,
        answered_by=klass,
    )


def system(name, cious, **changes):
    rows = tuple(row(number, value) for number, value in enumerate(cious))
    known = {"benchmark": "made", "protocol": PROTOCOLS["strict"], "rows": rows} | changes
    return ScoredSystem(name=name, **known)


def test_the_paired_bootstrap_is_all_draws_of_three_videos():
    differences = np.array([[-0.3], [-0.1], [0.2], [0.4]])
    groups = ["a", "a", "b", "c"]
    means = []
    for drawn in itertools.product("abc", repeat=3):  # every draw there is, each as likely as any other
        values = [v for one in drawn for (v,), group in zip(differences, groups, strict=True) if group == one]
        means.append(np.mean(values))
    (found,) = paired_differences(differences, groups, draws=40_000)

    def share(sign):  # of the draws that are 0 or have this sign
        return np.mean([sign * mean > -1e-12 for mean in means])

    assert found.value == pytest.approx(0.05)
    assert (found.low, found.high) == pytest.approx(np.quantile(np.repeat(means, 999), [0.025, 0.975]))
    assert found.p == pytest.approx(2 * min(share(-1), share(1)), abs=0.01)


def test_a_difference_that_is_always_there_has_a_small_p_and_none_has_a_large_one():
    rng = np.random.default_rng(0)
    base = rng.random(60) * 0.5
    better = compare(system("a", base + 0.2), system("b", base))
    same = compare(system("a", base), system("b", base[rng.permutation(60)]))
    mean = next(one for one in better if one.metric == "mean cIoU")

    assert mean.difference == pytest.approx(0.2)
    assert mean.low == pytest.approx(0.2)
    assert mean.p < 0.001
    assert next(one for one in same if one.metric == "mean cIoU").p > 0.1
    assert {one.p for one in compare(system("a", base), system("b", base))} == {1.0}


def test_turning_the_pair_round_turns_the_sign():
    one, two = system("a", [0.1, 0.6, 0.4]), system("b", [0.2, 0.3, 0.3])

    for there, back in zip(compare(one, two), compare(two, one), strict=True):
        assert there.difference == pytest.approx(-back.difference)
        assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
        assert there.p == back.p


def test_only_samples_that_both_answered_are_compared():
    found = compare(system("a", [0.1, 0.2, 0.3]), system("b", [0.1, 0.2]))

    assert {(one.n, one.unpaired) for one in found} == {(2, 1)}


def test_one_video_gives_neither_interval_nor_p():
    rows = tuple(row(number, 0.5, video="v") for number in range(4))
    (found, *_) = compare(system("a", [], rows=rows), system("b", [], rows=rows))

    assert np.isnan([found.low, found.high, found.p]).all()


@pytest.mark.parametrize("change", [{"benchmark": "other"}, {"protocol": PROTOCOLS["lvs"]}, {"rows": (row(77, 0.5),)}])
def test_what_cannot_be_compared_is_refused(change):
    with pytest.raises(InputError, match=r"compared|in common"):
        compare(system("a", [0.1, 0.2]), system("b", [0.1, 0.2], **change))


def test_classes_are_averaged_apart_with_the_best_floor_of_their_own():
    rows = [row(0, 0.2), row(1, 0.6), row(2, 0.9, klass="cat")]
    floors = {
        "low": [replace(one, ciou=0.1) for one in rows],
        "mixed": [replace(one, ciou=0.5 if one.klass == "cat" else 0.0) for one in rows],
    }
    cat, dog = per_class_places(rows, floors, PROTOCOLS["strict"])

    assert (cat.name, cat.n, cat.floor, cat.floor_name) == ("cat", 1, 0.5, "mixed")
    assert (dog.name, dog.n, dog.floor, dog.floor_name) == ("dog", 2, 0.1, "low")
    assert dog.values["mean cIoU"] == pytest.approx(0.4)
    assert dog.values["cIoU@0.3"] == 0.5
