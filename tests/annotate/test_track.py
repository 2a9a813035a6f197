"""Which events have one source, and how its box moves."""

import pytest

from tvsl_core.annotate.rules import TrackOptions
from tvsl_core.annotate.track import Linker, smooth
from tvsl_core.types import Box


def box(x, *, size=100):
    return Box(x_min=x, y_min=0, x_max=x + size, y_max=size)


def link(*events, **options):
    """Numbers of the sources of events (name, start, end, places from left)."""
    linker = Linker(TrackOptions(**options))
    return [
        linker.source_of(name, start_s=start, end_s=end, boxes=[box(x) for x in places])
        for name, start, end, places in events
    ]


def test_each_class_is_a_source_of_its_own_numbered_by_onset():
    assert link(("dog", 0, 1, [0]), ("cat", 0.5, 2, [0]), ("owl", 3, 4, [])) == [0, 1, 2]


def test_after_a_short_pause_it_is_the_same_source_wherever_it_is():
    assert link(("dog", 0, 1, [0]), ("dog", 3, 4, [500]), ("dog", 5, 6, [])) == [0, 0, 0]


def test_after_a_long_pause_it_is_the_same_source_only_where_it_was():
    assert link(("dog", 0, 1, [0, 300]), ("dog", 20, 21, [310])) == [0, 0]
    assert link(("dog", 0, 1, [300, 0]), ("dog", 20, 21, [310])) == [0, 1]
    assert link(("dog", 0, 1, []), ("dog", 20, 21, [])) == [0, 1]


def test_the_place_is_remembered_over_a_time_out_of_view():
    assert link(("dog", 0, 1, [0]), ("dog", 2, 3, []), ("dog", 20, 21, [5])) == [0, 0, 0]


def test_two_places_are_two_sources_and_each_is_found_again():
    assert link(("dog", 0, 1, [0]), ("dog", 9, 10, [500]), ("dog", 19, 20, [5]), ("dog", 29, 30, [505])) == [0, 1, 0, 1]


def test_what_is_seen_ends_with_its_shot_and_what_is_only_heard_goes_on():
    linker = Linker(TrackOptions())
    shots = [(0, [box(0)]), (1, [box(0)]), (1, []), (2, []), (1, [box(0)])]

    assert [
        linker.source_of("dog", start_s=time, end_s=time + 1, boxes=boxes, place=shot)
        for time, (shot, boxes) in enumerate(shots)
    ] == [0, 1, 1, 1, 1]


def test_speakers_are_known_again_when_their_place_is_shown_again():
    linker = Linker(TrackOptions())
    turns = [(0, 0, 0), (1, 0, 500), (0, 1, 0), (1, 0, 500), (0, 0, 0)]  # place, who of them there, where

    assert [
        linker.source_of("speech", start_s=time, end_s=time + 1, boxes=[box(x)], place=place, thing=thing)
        for time, (place, thing, x) in enumerate(turns)
    ] == [0, 1, 2, 1, 0]


def test_a_narrator_is_nobody_in_view_and_is_known_again():
    linker = Linker(TrackOptions())
    turns = [(-1, []), (0, [box(0)]), (-1, []), (1, [box(500)])]

    assert [
        linker.source_of("speech", start_s=time, end_s=time + 1, boxes=boxes, thing=thing)
        for time, (thing, boxes) in enumerate(turns)
    ] == [0, 1, 0, 2]


def test_equals_that_sound_at_once_are_two_sources_and_each_is_known_again():
    linker = Linker(TrackOptions())
    events = [(0, 1, 0, 0), (0, 1, 500, 1), (2, 3, 510, 1), (2, 3, 5, 0), (4, 5, 900, 1)]

    assert [
        linker.source_of("dog", start_s=start, end_s=end, boxes=[box(x)], thing=thing)
        for start, end, x, thing in events
    ] == [0, 1, 1, 0, 1]
    assert linker.source_of("dog", start_s=5.5, end_s=6, boxes=[box(0)]) == 0
    assert linker.source_of("dog", start_s=5.5, end_s=6, boxes=[box(2000)]) == 2


def test_how_long_a_pause_may_be_and_how_much_must_overlap_are_options():
    events = (("dog", 0, 1, [0]), ("dog", 4, 5, [60]))

    assert link(*events, max_gap_s=3) == [0, 0]
    assert link(*events, max_gap_s=2.9, min_iou=0.3) == [0, 1]
    assert link(*events, max_gap_s=2.9, min_iou=0.25) == [0, 0]  # 40 of 160 are shared


def test_a_box_is_drawn_towards_the_one_before_unless_it_jumped():
    places = [one.x_min for one in smooth([box(0), box(10), box(500)], TrackOptions(smoothing=0.6))]

    assert places == [0, 6, 500]
    assert [one.x_min for one in smooth([box(0), box(10)], TrackOptions(smoothing=1))] == [0, 10]
    assert smooth([], TrackOptions()) == []


@pytest.mark.parametrize("wrong", [{"smoothing": 0}, {"smoothing": 1.1}, {"max_gap_s": -1}, {"min_iou": 2}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).removesuffix("_s").replace("_", "-")):
        TrackOptions(**wrong)
