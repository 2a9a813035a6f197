import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tvsl_core.annotate.events import (
    EVENT_FEATURES,
    EventOptions,
    EventSpan,
    EventTracker,
    event_features,
    find_events,
    smoothed,
)

HOP = 0.1
PLAIN = EventOptions(onset=0.5, offset=0.3, gap_s=0.2, shortest_s=0.2)


def one_class(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def times(probabilities: np.ndarray, options: EventOptions = PLAIN) -> list[tuple[int, int]]:
    return [(span.first, span.stop) for span in find_events(probabilities, options, hop_s=HOP)]


def test_an_event_begins_at_the_onset_and_lasts_until_the_offset():
    assert times(one_class(0, 0.4, 0.6, 0.4, 0.4, 0.1, 0, 0, 0)) == [(2, 5)]


def test_what_never_reaches_the_onset_is_no_event():
    assert times(one_class(0.4, 0.4, 0.4, 0.4)) == []


def test_a_short_gap_is_bridged_and_a_long_one_is_not():
    assert times(one_class(0.9, 0.9, 0, 0, 0.9, 0.9)) == [(0, 6)]
    assert times(one_class(0.9, 0.9, 0, 0, 0, 0.9, 0.9)) == [(0, 2), (5, 7)]


def test_what_is_too_short_is_dropped():
    assert times(one_class(0, 0.9, 0, 0, 0, 0)) == []


def test_classes_do_not_disturb_each_other():
    both = np.stack([one_class(0.9, 0.9, 0.9, 0, 0, 0)[:, 0], one_class(0, 0, 0.9, 0.9, 0, 0)[:, 0]], axis=1)
    spans = find_events(both, PLAIN, hop_s=HOP)

    assert [(span.klass, span.first, span.stop) for span in spans] == [(0, 0, 3), (1, 2, 4)]


def test_peak_and_mean_are_those_of_the_event_without_its_silence():
    (span,) = find_events(one_class(0.5, 0.9, 0.4, 0.1, 0, 0, 0), PLAIN, hop_s=HOP)

    assert (span.peak, span.peak_probability) == (1, pytest.approx(0.9))
    assert span.mean_probability == pytest.approx(0.6)


def test_a_bridged_gap_counts_in_the_mean():
    (span,) = find_events(one_class(0.9, 0.9, 0.1, 0.9), PLAIN, hop_s=HOP)

    assert span.mean_probability == pytest.approx(0.7)


def test_seconds_reach_half_a_hop_around_the_centres():
    span = EventSpan(klass=0, first=3, stop=5, peak=3, peak_probability=1.0, mean_probability=1.0)

    assert span.seconds(HOP) == (pytest.approx(0.25), pytest.approx(0.45))


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=60), st.integers(1, 7))
def test_pieces_of_any_size_give_the_same_events(values, size):
    probabilities = one_class(*values)
    tracker = EventTracker(PLAIN, hop_s=HOP)
    pieces = [
        span for start in range(0, len(values), size) for span in tracker.feed(probabilities[start : start + size])
    ]

    assert sorted(pieces + tracker.close(), key=lambda span: span.first) == find_events(probabilities, PLAIN, hop_s=HOP)


def test_a_tracker_forgets_what_is_over():
    tracker = EventTracker(PLAIN, hop_s=HOP)
    tracker.feed(one_class(*([0.9, 0.9, 0.9, 0, 0, 0, 0] * 50)))

    assert tracker.close() == []


def test_a_single_position_is_smoothed_away():
    assert smoothed(one_class(0, 0, 1, 0, 0, 1, 1, 0)).ravel().tolist() == [0, 0, 0, 0, 0, 1, 1, 0]


def test_options_that_contradict_themselves_are_refused():
    with pytest.raises(ValueError, match="offset <= onset"):
        EventOptions(onset=0.3, offset=0.5)


NAMES = ("sound_pooled", "untrained_most", "over_rival_pooled", "rank_pooled", "look", "look_broad",
         "look_over_plausible", "look_of_rival", "look_most", "trained")  # fmt: skip


def span_of(klass: int, first: int, stop: int, mean: float = 0.5) -> EventSpan:
    return EventSpan(klass=klass, first=first, stop=stop, peak=first, peak_probability=mean, mean_probability=mean)


def test_an_event_knows_its_rivals_and_its_kin():
    kin = np.eye(3, dtype=bool)
    kin[0, 2] = kin[2, 0] = True
    spans = [span_of(0, 0, 10), span_of(1, 5, 20, mean=0.8), span_of(2, 0, 2, mean=0.9)]
    rows = event_features(spans, np.zeros((30, 3, 10), np.float32), NAMES, np.arange(3), kin, hop_s=HOP)
    value = dict(zip(EVENT_FEATURES, rows[0].tolist(), strict=True))

    assert value["rivals"] == 1
    assert value["rival_share"] == pytest.approx(0.5)
    assert value["rival"] == pytest.approx(np.log(4), abs=1e-4)
    assert value["kin_share"] == pytest.approx(0.2)


def test_features_of_an_event_are_means_over_it_alone():
    features = np.zeros((6, 1, 10), np.float32)
    features[2:4, 0, NAMES.index("look")] = (1, 3)
    features[4:, 0] = 100
    row = event_features([span_of(0, 2, 4)], features, NAMES, np.arange(1), np.eye(1, dtype=bool), hop_s=HOP)

    assert row[0, EVENT_FEATURES.index("look")] == pytest.approx(2)
