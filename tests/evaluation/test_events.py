import math

import numpy as np
import pytest

from tvsl_core.evaluation.metrics.events import HitCounts, SoundEvent, count_events, count_segments, evaluate


def random_recording(rng: np.random.Generator) -> list[SoundEvent]:
    """Events on a grid of an eighth of a second, which floats hold exactly; those of one class do not overlap."""
    events = []
    for name in ("dog", "cat", "owl"):
        edges = np.sort(rng.choice(np.arange(1, 100), size=2 * int(rng.integers(0, 4)), replace=False)) / 8
        events += [SoundEvent(name, float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return events


def shifted(events: list[SoundEvent], rng: np.random.Generator) -> list[SoundEvent]:
    """The same with edges that moved by up to 0.75 s, some left out."""
    moved = []
    for event in events:
        start, end = (max(0.0, edge + float(rng.integers(-6, 7)) / 8) for edge in event[1:])
        if start < end and rng.random() < 0.9:
            moved.append(SoundEvent(event.name, start, end))
    return moved


def test_both_metrics_agree_with_sed_eval():
    sed_eval = pytest.importorskip("sed_eval")
    rng = np.random.default_rng(3)
    recordings = [(true, shifted(true, rng)) for true in (random_recording(rng) for _ in range(40))]
    names = ["cat", "dog", "owl"]
    based = sed_eval.sound_event.EventBasedMetrics(
        event_label_list=names, t_collar=0.25, percentage_of_length=0.2, event_matching_type="optimal"
    )
    segmented = sed_eval.sound_event.SegmentBasedMetrics(event_label_list=names, time_resolution=0.125)
    for true, claimed in recordings:
        as_dicts = [
            [{"event_label": e.name, "onset": e.start_s, "offset": e.end_s, "file": "a"} for e in events]
            for events in (true, claimed)
        ]
        if as_dicts[0] or as_dicts[1]:
            based.evaluate(reference_event_list=as_dicts[0], estimated_event_list=as_dicts[1])
            segmented.evaluate(reference_event_list=as_dicts[0], estimated_event_list=as_dicts[1])

    # sed_eval has one tolerance for both edges, so ours for offsets is lowered; its segments of 0.1 s round
    ours, segments = HitCounts(), HitCounts()
    for true, claimed in recordings:
        ours = sum(count_events(true, claimed, offset_s=0.25).values(), ours)
        segments = sum(count_segments(true, claimed, segment_s=0.125).values(), segments)

    theirs = based.results_overall_metrics()["f_measure"]
    assert ours.f1 == pytest.approx(theirs["f_measure"])
    assert ours.precision == pytest.approx(theirs["precision"])
    theirs = segmented.results_overall_metrics()["f_measure"]
    assert segments.f1 == pytest.approx(theirs["f_measure"])
    assert segments.recall == pytest.approx(theirs["recall"])


def test_an_edge_at_its_tolerance_is_found_and_beyond_is_not():
    true = [SoundEvent("dog", 1.0, 2.0)]

    assert count_events(true, [SoundEvent("dog", 1.25, 2.5)])["dog"].hits == 1
    assert count_events(true, [SoundEvent("dog", 1.26, 2.0)])["dog"].hits == 0
    assert count_events(true, [SoundEvent("dog", 1.0, 2.51)])["dog"].hits == 0


def test_a_long_event_may_end_a_fifth_of_its_length_late():
    assert count_events([SoundEvent("dog", 0.0, 10.0)], [SoundEvent("dog", 0.0, 12.0)])["dog"].hits == 1


def test_one_true_event_answers_for_one_report():
    counts = count_events([SoundEvent("dog", 1.0, 2.0)], [SoundEvent("dog", 1.0, 2.0), SoundEvent("dog", 1.1, 2.0)])

    assert counts["dog"] == HitCounts(hits=1, missed=0, false=1)


def test_pairs_are_formed_so_that_as_many_as_possible_are_found():
    # The first true event could take either report; taking the second one's would leave that without any.
    true = [SoundEvent("dog", 1.0, 2.0), SoundEvent("dog", 1.2, 2.0)]
    claimed = [SoundEvent("dog", 1.2, 2.0), SoundEvent("dog", 0.8, 2.0)]

    assert count_events(true, claimed)["dog"].hits == 2


def test_names_are_not_mixed_up():
    counts = count_events([SoundEvent("dog", 1.0, 2.0)], [SoundEvent("cat", 1.0, 2.0)])

    assert counts == {"cat": HitCounts(false=1), "dog": HitCounts(missed=1)}


def test_segments_that_are_touched_count():
    counts = count_segments([SoundEvent("dog", 0.0, 0.3)], [SoundEvent("dog", 0.1, 0.35)])

    assert counts["dog"] == HitCounts(hits=2, missed=1, false=1)


def test_an_event_begins_in_the_segment_that_its_time_names():
    # 0.3 / 0.1 is 2.9999999999999996
    counts = count_segments([SoundEvent("dog", 0.3, 0.5)], [SoundEvent("dog", 0.0, 0.3)])

    assert counts["dog"] == HitCounts(missed=2, false=3)


def test_nothing_there_and_nothing_said_is_no_score():
    scores = evaluate([([], [])])

    assert math.isnan(scores.events.f1)
    assert math.isnan(scores.segments_macro_f1)


@pytest.mark.parametrize(
    "event", [SoundEvent("dog", 2.0, 1.0), SoundEvent("dog", -1.0, 1.0), SoundEvent("dog", 0, math.nan)]
)
def test_an_event_that_cannot_be_is_refused(event):
    with pytest.raises(ValueError, match="an event of the estimate"):
        count_events([], [event])
