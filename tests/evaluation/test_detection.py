"""Which classes sound, and whether a system listens at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.evaluation.metrics import checks
from tvsl_core.evaluation.metrics.detection import Heard, average_precision, certainty, confusion, evaluate, per_class

NAMES = ("dog", "cat", "owl")


def clip(reference, reported=(), silent=(), **scores):
    return Heard(
        reference=tuple(reference),
        silent=tuple(silent),
        reported=tuple(reported),
        scored=tuple(scores.items()) or tuple((name, 1.0) for name in reported),
    )


def test_a_perfect_listener_scores_one():
    scores = evaluate([clip(["dog"], ["dog"], ["cat"]), clip(["cat", "owl"], ["Owl", "cat"])])

    assert scores == {"precision": 1, "recall": 1, "F1": 1, "mAP": 1, "exact set": 1, "silent reported": 0}


def test_precision_and_recall_count_all_reports():
    scores = evaluate([clip(["dog"], ["dog", "cat"]), clip(["cat", "owl"], [])])

    assert scores["precision"] == 0.5
    assert scores["recall"] == pytest.approx(1 / 3)
    assert scores["exact set"] == 0


def test_silent_objects_that_are_reported_are_counted():
    clips = [clip(["dog"], ["dog", "cat"], ["cat"]), clip(["dog"], ["dog"], ["cat", "owl"])]

    assert evaluate(clips)["silent reported"] == pytest.approx(1 / 3)
    assert "silent reported" not in evaluate([clip(["dog"])])


def test_a_score_without_report_counts_for_the_ranking_only():
    clips = [clip(["dog"], [], dog=0.9), clip(["cat"], [], dog=0.1, cat=0.5)]
    rows = {row.name: row for row in per_class(clips)}

    assert rows["dog"].average_precision == 1
    assert rows["dog"].recall == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=12))
def test_average_precision_agrees_with_a_loop_over_distinct_scores(pairs):
    truth, scores = np.array([pair[0] for pair in pairs]), np.array([float(pair[1]) for pair in pairs])
    if not truth.any():
        return
    expected = recall = 0.0
    for level in sorted(set(scores.tolist()), reverse=True):
        chosen = scores >= level
        hits = (chosen & truth).sum()
        expected += (hits / truth.sum() - recall) * hits / chosen.sum()
        recall = hits / truth.sum()

    assert average_precision(truth, scores) == pytest.approx(expected)


def test_confusion_pairs_what_was_missed_with_what_was_said_instead():
    table = confusion([clip(["dog"], ["cat"]), clip(["dog", "owl"], ["owl"]), clip([], ["cat"])])

    assert table == {("dog", "cat"): 1, ("owl", "owl"): 1, ("dog", ""): 1, ("", "cat"): 1}


def test_clips_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match="sound and be silent"):
        evaluate([clip(["dog"], [], ["Dog"])])
    with pytest.raises(ValueError, match="at least one"):
        evaluate([])
    with pytest.raises(ValueError, match="finite"):
        evaluate([clip(["dog"], [], dog=float("nan"))])


def test_silence_is_violated_by_any_report():
    assert checks.silence_violations([[], ["dog"], [], []]) == 0.25


def swap_material():
    left, right = np.zeros((4, 8), dtype=bool), np.zeros((4, 8), dtype=bool)
    left[:, :3], right[:, 4:] = True, True
    return left, right


def test_a_map_that_follows_the_sound_moves():
    left, right = swap_material()

    assert checks.swap_moves(left.astype(np.float32), right.astype(np.float32), left, right)


def test_a_map_of_salient_things_does_not_move():
    left, right = swap_material()
    same = left.astype(np.float32)

    assert not checks.swap_moves(same, same, left, right)
    assert not checks.swap_moves(np.zeros((4, 8), np.float32), same, left, right)
    assert not checks.swap_moves(same, np.zeros((4, 8), np.float32), left, right)
    assert checks.evaluate([["dog"]], [(same, same, left, right)]) == {"silence violated": 1, "swap moved": 0}


def test_a_swap_of_one_region_with_itself_is_refused():
    left, _ = swap_material()
    with pytest.raises(ValueError, match="pixels of its own"):
        checks.swap_moves(left.astype(np.float32), left.astype(np.float32), left, left)


def test_scores_are_judged_when_they_are_probabilities():
    clips = [clip(["dog"], ["dog"], dog=0.9), clip(["cat"], ["dog"], dog=0.3)]
    found = certainty(clips)

    assert found is not None
    assert (found.count, found.share_right, found.auroc) == (2, 0.5, 1.0)
    assert certainty([clip(["dog"], ["dog"], dog=7.0)]) is None
    assert certainty([clip(["dog"])]) is None
