"""Success rates, their area, and averages with intervals."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.evaluation.metrics.bootstrap import averages
from tvsl_core.evaluation.metrics.success import LEVELS, auc, evaluate, success_curve, success_rate

CIOUS = st.lists(st.floats(0, 1), min_size=1, max_size=30)
QUICK = settings(max_examples=60, deadline=None)


@QUICK
@given(CIOUS)
def test_the_area_is_the_trapezoid_under_the_curve(cious):
    curve = [sum(value >= level for value in cious) / len(cious) for level in LEVELS]

    assert success_curve(cious).tolist() == pytest.approx(curve)
    assert auc(cious) == pytest.approx(sum((a + b) / 2 * 0.05 for a, b in pairwise(curve)))


@QUICK
@given(CIOUS)
def test_the_curve_falls_and_stays_in_range(cious):
    curve = success_curve(cious)

    assert (np.diff(curve) <= 0).all()
    assert curve[0] == 1
    assert all(0 <= value <= 1 for value in evaluate(cious).values())


def test_success_counts_sources_and_is_not_the_mean():
    scores = evaluate([0.3, 0.29, 1.0, 0.0])

    assert scores["cIoU@0.3"] == 0.5
    assert scores["mean cIoU"] == pytest.approx(0.3975)
    assert success_rate([0.5], 0.5) == 1


def test_perfect_and_hopeless_systems_frame_the_area():
    assert auc([1.0, 1.0]) == pytest.approx(1)
    assert auc([0.0]) == pytest.approx(0.025)  # everything passes at level 0


@pytest.mark.parametrize("cious", [[], [1.1], [float("nan")]])
def test_what_is_no_ciou_is_refused(cious):
    with pytest.raises(ValueError, match="ciou"):
        auc(cious)


def test_the_three_averages_weigh_sources_videos_and_classes():
    values = np.array([[1.0], [1.0], [1.0], [0.0]])
    (entry,) = averages(values, ["a", "a", "a", "b"], ["dog", "dog", "cat", "cat"])

    assert entry.units.value == 0.75
    assert entry.videos.value == 0.5
    assert entry.classes.value == 0.75


def test_an_interval_holds_its_value_and_comes_out_the_same_again():
    values = np.random.default_rng(0).random((200, 2))
    groups = [f"v{index // 4}" for index in range(200)]
    first, again = (averages(values, groups, groups, seed=7) for _ in range(2))

    assert first == again
    for entry in first:
        for part in (entry.units, entry.videos, entry.classes):
            assert part.low <= part.value <= part.high
            assert part.high - part.low < 0.2


def test_frames_of_one_video_are_not_independent():
    values = np.repeat([[1.0], [0.0], [1.0], [0.0]], 50, axis=0)
    clustered = averages(values, np.repeat(list("abcd"), 50).tolist(), ["x"] * 200)[0].units
    naive = averages(values, [str(index) for index in range(200)], ["x"] * 200)[0].units

    assert clustered.high - clustered.low > 3 * (naive.high - naive.low)


def test_one_video_gives_no_interval():
    (entry,) = averages(np.array([[0.5], [1.0]]), ["a", "a"], ["x", "x"])

    assert entry.units.value == 0.75
    assert np.isnan(entry.units.low)


def test_the_interval_is_as_wide_as_sampling_theory_says():
    rng = np.random.default_rng(5)
    hits = (rng.random((400, 1)) < 0.4).astype(float)
    part = averages(hits, [str(index) for index in range(400)], ["x"] * 400)[0].units

    assert part.high - part.low == pytest.approx(2 * 1.96 * np.sqrt(0.24 / 400), rel=0.15)
