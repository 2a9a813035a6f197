"""When and how surely, by hand."""

import math

import pytest

from tvsl_core.evaluation.metrics.events import SoundEvent
from tvsl_core.evaluation.metrics.recordings import JudgedRecording, ToldEvent, evaluate, figures

TRUE = (SoundEvent("dog", 1.0, 3.0), SoundEvent("cello", 2.0, 6.0))
ALL = frozenset({("dog", "dog"), ("puppy", "dog"), ("cello", "cello")})


def judged(*told: ToldEvent, reference=TRUE) -> JudgedRecording:
    return JudgedRecording(reference, told, ALL, 30.0)


def test_what_is_told_when_it_sounds_is_right():
    scores = evaluate([judged(ToldEvent("dog", 1.0, 3.0, 0.9), ToldEvent("cello", 2.0, 6.0, 0.8))])

    assert scores.all.events.f1 == scores.all.segments.f1 == 1.0
    assert scores.false_seconds == 0.0 and scores.certainty.share_right == 1.0


def test_a_more_specific_name_counts_as_the_true_one():
    scores = evaluate([judged(ToldEvent("puppy", 1.0, 3.0, 0.9))])

    assert (scores.all.events.hits, scores.all.events.missed, scores.all.events.false) == (1, 1, 0)
    assert scores.certainty.share_right == 1.0


def test_classes_that_were_not_found_do_not_count_in_when():
    scores = evaluate([judged(ToldEvent("dog", 1.0, 2.0, 0.9), ToldEvent("organ", 0.0, 6.0, 0.6))])

    assert (scores.found.segments.hits, scores.found.segments.missed, scores.found.segments.false) == (10, 10, 0)
    assert scores.all.segments.missed == 50 and scores.all.segments.false == 60
    assert scores.false_seconds == pytest.approx(12.0)


def test_a_class_of_a_recording_is_one_report_with_its_greatest_score():
    scores = evaluate(
        [judged(ToldEvent("dog", 1.0, 2.0, 0.3), ToldEvent("dog", 2.5, 3.0, 0.9), ToldEvent("organ", 0, 1, 0.4))]
    )

    assert scores.certainty.count == 2
    assert scores.certainty.mean_score == pytest.approx(0.65) and scores.certainty.auroc == 1.0


def test_lines_hold_what_they_were_counted_on():
    lines = {line.name: line for line in figures(evaluate([judged(ToldEvent("dog", 1.0, 3.0, 0.95))]))}

    assert lines["events: F1, of classes found"].value == 1.0 and lines["events: F1, of classes found"].number == 1
    assert lines["events: F1, of all"].value == pytest.approx(2 / 3) and math.isnan(lines["events: F1, of all"].low)
    assert lines["right at 0.9 to 1.0"].number == 1 and lines["right at 0.9 to 1.0"].high == 1.0
    assert "right at 0.0 to 0.1" not in lines


def test_nothing_told_of_nothing_is_no_number():
    scores = evaluate([judged(reference=())])

    assert math.isnan(scores.all.events.f1) and math.isnan(scores.certainty.auroc) and scores.false_seconds == 0.0
    assert math.isnan(evaluate([]).false_seconds)
