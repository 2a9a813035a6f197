"""What is seen in one shot says nothing about the next."""

import math

from hypothesis import given
from hypothesis import strategies as st

from tvsl_core.annotate.events import EventSpan
from tvsl_core.annotate.objects.shots import Shots

HOP_S = 0.1


def span(first, stop, *, peak=None):
    peak = first if peak is None else peak
    return EventSpan(klass=0, first=first, stop=stop, peak=peak, peak_probability=0.9, mean_probability=0.8)


def pieces(shots, event, *, shortest_s=0.2):
    return [(one.first, one.stop, one.peak) for one in shots.split(event, hop_s=HOP_S, shortest_s=shortest_s)]


def test_without_cuts_everything_is_one_shot():
    assert Shots().number(0) == Shots().number(1e6) == 0
    assert Shots().bounds(3) == (-math.inf, math.inf)
    assert pieces(Shots(), span(3, 90)) == [(3, 90, 3)]


def test_a_cut_belongs_to_the_shot_that_begins_with_it():
    shots = Shots(cuts_s=(2.0, 5.0))

    assert [shots.number(time) for time in (0, 1.99, 2.0, 4.9, 5.0)] == [0, 0, 1, 1, 2]
    assert shots.bounds(2.0) == (2.0, 5.0)


def test_a_shot_that_no_instant_saw_belongs_to_the_one_before_it():
    assert Shots.seen((1.1, 1.3, 2.2), (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)).cuts_s == (1.3, 2.2)
    assert Shots.seen((0.0, 3.0), (0.0, 0.5)).cuts_s == ()


def test_shots_of_one_place_are_known_also_where_a_shot_between_them_was_not_seen():
    assert [Shots(cuts_s=(2.0, 5.0), places=(0, 1, 0)).place(time) for time in (0, 3, 6)] == [0, 1, 0]
    assert [Shots(cuts_s=(2.0, 5.0)).place(time) for time in (0, 3, 6)] == [0, 1, 2]
    unseen = Shots.seen((1.1, 1.3, 2.2), (0.0, 0.5, 1.0, 1.5, 2.0, 2.5), (0, 1, 2, 0))
    assert unseen.places == (0, 2, 0)


@given(st.lists(st.floats(0, 10), max_size=12).map(sorted))
def test_every_shot_that_was_seen_has_an_instant(cuts):
    times = [0.5 * number for number in range(20)]
    shots = Shots.seen(cuts, times)

    assert {shots.number(time) for time in times} == set(range(len(shots.cuts_s) + 1))


def test_an_event_is_split_at_cuts_and_its_pieces_are_the_whole():
    shots = Shots(cuts_s=(2.0, 5.0))
    found = pieces(shots, span(10, 80, peak=30))

    assert [(first, stop) for first, stop, _ in found] == [(10, 20), (20, 50), (50, 80)]
    assert found[1][2] == 30
    assert found[0][2] == found[0][1] - 1
    assert found[2][2] == found[2][0]


def test_a_piece_that_is_too_short_stays_with_the_rest():
    shots = Shots(cuts_s=(2.0,))

    assert len(pieces(shots, span(19, 80), shortest_s=0.5)) == 1
    assert len(pieces(shots, span(2, 22), shortest_s=0.5)) == 1
    assert len(pieces(shots, span(2, 40), shortest_s=0.5)) == 2
