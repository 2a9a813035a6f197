import numpy as np
import pytest

from tvsl_core.annotate.choose import ScoredEvent, choose_events
from tvsl_core.annotate.events import EventSpan
from tvsl_core.annotate.rules import DetectOptions

GUITAR, ELECTRIC, VIOLIN, CELLO, BASS = range(5)
ANCESTORS = np.zeros((5, 5), bool)
ANCESTORS[GUITAR, ELECTRIC] = ANCESTORS[GUITAR, BASS] = True


def event(klass: int, score: float, first: int = 0, stop: int = 10) -> ScoredEvent:
    span = EventSpan(klass=klass, first=first, stop=stop, peak=first, peak_probability=score, mean_probability=score)
    return ScoredEvent(span=span, score=score, in_view=1.0)


def told(*events: ScoredEvent, one_object: tuple[tuple[int, int], ...] = (), **changes: float) -> list[ScoredEvent]:
    same = np.eye(len(events), dtype=bool)
    for one, other in one_object:
        same[one, other] = same[other, one] = True
    return choose_events(events, ancestors=ANCESTORS, one_object=same, options=DetectOptions(**changes))


def names(events: list[ScoredEvent]) -> list[int]:
    return [one.span.klass for one in events]


def test_what_is_less_likely_than_not_is_not_told():
    assert names(told(event(VIOLIN, 0.51), event(CELLO, 0.49))) == [VIOLIN]


def test_the_specific_name_is_told_when_it_is_likely_enough():
    (one,) = told(event(GUITAR, 0.97), event(ELECTRIC, 0.6))

    assert (one.span.klass, one.score, one.alternatives) == (ELECTRIC, 0.6, ((GUITAR, 0.97),))


def test_the_generic_name_is_told_when_no_specific_one_is():
    (one,) = told(event(GUITAR, 0.9), event(ELECTRIC, 0.4))

    assert (one.span.klass, one.alternatives) == (GUITAR, ((ELECTRIC, 0.4),))


def test_a_specific_name_does_not_push_a_better_one_off_its_object():
    assert names(told(event(GUITAR, 0.97), event(ELECTRIC, 0.6), event(VIOLIN, 0.9), one_object=((1, 2), (0, 2)))) == [
        VIOLIN
    ]


def test_two_names_of_one_object_become_one_event():
    (one,) = told(event(VIOLIN, 0.8), event(CELLO, 0.7), one_object=((0, 1),))

    assert (one.span.klass, one.score) == (VIOLIN, 0.8)
    assert [klass for klass, _ in one.alternatives] == [CELLO]


def test_other_names_share_what_the_told_one_leaves():
    (one,) = told(event(VIOLIN, 0.7), event(CELLO, 0.6), event(GUITAR, 0.2), one_object=((0, 1), (0, 2)))

    assert one.score == 0.7
    assert one.alternatives == ((CELLO, pytest.approx(0.225)), (GUITAR, pytest.approx(0.075)))


def test_other_names_that_fit_beside_the_told_one_keep_their_probabilities():
    (one,) = told(event(VIOLIN, 0.7), event(CELLO, 0.2), one_object=((0, 1),))

    assert one.alternatives == ((CELLO, 0.2),)


def test_specific_names_share_the_probability_of_the_generic_one():
    (one,) = told(event(GUITAR, 0.6), event(ELECTRIC, 0.4), event(BASS, 0.4), one_object=((0, 1), (0, 2)))

    assert (one.span.klass, one.alternatives) == (GUITAR, ((ELECTRIC, 0.3), (BASS, 0.3)))


def test_a_name_that_nothing_is_left_for_is_not_told():
    (one,) = told(event(VIOLIN, 0.96), event(CELLO, 0.9), one_object=((0, 1),))

    assert one.alternatives == ()


def test_two_objects_keep_their_names():
    assert names(told(event(VIOLIN, 0.8), event(CELLO, 0.7))) == [VIOLIN, CELLO]


def test_names_at_different_times_do_not_compete():
    assert names(told(event(VIOLIN, 0.8, 0, 10), event(CELLO, 0.7, 10, 20), one_object=((0, 1),))) == [VIOLIN, CELLO]


def test_the_most_likely_events_at_a_time_are_told():
    events = [event(VIOLIN, 0.6), event(CELLO, 0.9), event(GUITAR, 0.7, 20, 30)]

    assert names(told(*events, max_sources=1)) == [CELLO, GUITAR]


def test_there_are_at_most_so_many_alternatives():
    (one,) = told(
        event(VIOLIN, 0.6), event(CELLO, 0.1), event(GUITAR, 0.2), one_object=((0, 1), (0, 2)), max_alternatives=1
    )

    assert one.alternatives == ((GUITAR, 0.2),)


def test_the_order_of_events_does_not_matter():
    events = [event(VIOLIN, 0.9), event(CELLO, 0.8), event(GUITAR, 0.7)]

    assert told(*events) == told(*reversed(events))


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="max-sources"):
        DetectOptions(max_sources=0)
