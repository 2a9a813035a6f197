import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvsl_core.evaluation.metrics.certainty import auroc, brier, calibration_error, evaluate, reliability

reports = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=40)


def arrays(pairs):
    return np.array([right for right, _ in pairs]), np.array([score for _, score in pairs])


def test_scores_that_keep_their_word_have_no_calibration_error():
    right = np.array([True] * 4 + [False] + [True] + [False] * 4)
    scores = np.array([0.8] * 5 + [0.2] * 5)

    assert calibration_error(right, scores) == pytest.approx(0)


def test_calibration_error_weighs_bins_by_their_counts():
    right, scores = np.array([True, True, True, False]), np.array([0.95, 0.95, 0.95, 0.55])

    assert calibration_error(right, scores) == pytest.approx(0.75 * 0.05 + 0.25 * 0.55)


def test_a_score_of_one_lies_in_the_last_bin():
    assert [one.count for one in reliability(np.array([True, False]), np.array([1.0, 0.1]))][-1] == 1


@given(reports)
def test_auroc_is_the_share_of_pairs_in_order(pairs):
    right, scores = arrays(pairs)
    if right.all() or not right.any():
        assert math.isnan(auroc(right, scores))
        return
    won = [(one > other) + 0.5 * (one == other) for one in scores[right] for other in scores[~right]]

    assert auroc(right, scores) == pytest.approx(np.mean(won))


@given(reports)
def test_brier_is_the_mean_squared_distance(pairs):
    right, scores = arrays(pairs)

    assert brier(right, scores) == pytest.approx(np.mean([(score - ok) ** 2 for ok, score in pairs]))


@given(reports)
def test_every_report_lies_in_one_bin(pairs):
    scores = evaluate(*arrays(pairs))

    assert sum(one.count for one in scores.reliability) == scores.count == len(pairs)


def test_nothing_reported_is_no_figure():
    scores = evaluate(np.zeros(0, bool), np.zeros(0))

    assert math.isnan(scores.calibration_error)
    assert math.isnan(scores.auroc)
    assert scores.count == 0


@pytest.mark.parametrize("score", [-0.1, 1.1, math.nan])
def test_a_score_that_is_no_probability_is_refused(score):
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        brier(np.array([True]), np.array([score]))
