from dataclasses import fields, replace
from fractions import Fraction
from itertools import pairwise

import pytest

from tvsl_core.annotate.rules import TrackOptions
from tvsl_core.annotate.track import Linker
from tvsl_core.types import Box, Detection, LocalizedSource


def row(time, name="dog", x=0, *, offscreen=False, region=0, size=100):
    box = None if offscreen else Box(x_min=x, y_min=0, x_max=x + size, y_max=size)
    detection = Detection(
        klass=0,
        name=name,
        score=0.8,
        audio_score=0.5,
        image_score=0.5,
        verdict="offscreen" if offscreen else "sounding",
    )
    return LocalizedSource(
        time=Fraction(time), frame_index=0, pts=0, window_start_s=0, window_end_s=1, detection=detection,
        source_id=-1, region=region, box=box,
    )  # fmt: skip


def link(*instants, **options):
    linker = Linker(TrackOptions(**options))
    found = [done for instant in instants for done in linker.feed(list(instant))]
    return found + list(linker.finish())


def values(row):
    return {one.name: getattr(row, one.name) for one in fields(row)}


def half_seconds(count):
    return [Fraction(i, 2) for i in range(count)]


def test_a_slowly_moving_source_keeps_its_number():
    rows = link(*([row(t, x=10 * i)] for i, t in enumerate(half_seconds(12))))

    assert len(rows) == 12
    assert {r.source_id for r in rows} == {0}


def test_a_source_that_jumps_keeps_its_number_while_it_is_the_only_one_of_its_class():
    rows = link(*([row(t, x=0 if i < 3 else 600)] for i, t in enumerate(half_seconds(6))))

    assert {r.source_id for r in rows} == {0}


def test_every_row_comes_out_once_and_in_order():
    times = half_seconds(20)
    rows = link(*([row(t), row(t, "cat", 300)] for t in times))

    assert [r.time for r in rows if r.detection.name == "dog"] == times
    assert [r.time for r in rows if r.detection.name == "cat"] == times
    assert [r.time for r in rows] == sorted(r.time for r in rows)


def test_two_classes_are_two_sources():
    rows = link(*([row(t), row(t, "cat", 5)] for t in half_seconds(6)))

    assert len({(r.source_id, r.detection.name) for r in rows}) == 2


def test_two_regions_of_one_class_are_followed_apart_even_when_their_order_changes():
    instants = []
    for i, t in enumerate(half_seconds(8)):
        left, right = row(t, x=0, region=i % 2), row(t, x=500, region=1 - i % 2)
        instants.append([left, right])
    rows = link(*instants)

    for source in {r.source_id for r in rows}:
        assert len({r.box.x_min for r in rows if r.source_id == source}) == 1


def test_a_blip_of_one_instant_is_dropped():
    instants = [[row(t)] for t in half_seconds(8)]
    instants[3].append(row(Fraction(3, 2), "train", 400))

    assert {r.detection.name for r in link(*instants)} == {"dog"}


def test_a_video_of_one_instant_keeps_its_source():
    assert len(link([row(0)])) == 1


def test_a_short_gap_keeps_the_number_and_a_long_one_does_not():
    def numbers(gap):
        return {r.source_id for r in link([row(0)], [row(1)], [row(1 + gap)], [row(2 + gap)])}

    assert len(numbers(2)) == 1
    assert len(numbers(4)) == 2


def test_a_source_that_leaves_the_picture_keeps_its_number():
    rows = link([row(0)], [row(1)], [row(2, offscreen=True)], [row(3)])

    assert {r.source_id for r in rows} == {0}


def test_smoothing_damps_a_jumping_box():
    def travel(**options):
        rows = link(*([row(t, x=20 * (i % 2))] for i, t in enumerate(half_seconds(10))), **options)
        return sum(abs(a.box.x_min - b.box.x_min) for a, b in pairwise(rows))

    assert travel(smoothing=0.4) < 0.7 * travel(smoothing=1)


def test_memory_is_bounded_by_the_lookahead():
    linker = Linker(TrackOptions(lookahead=4))
    waiting = 0
    for i in range(100):
        waiting += 1 - len(list(linker.feed([row(Fraction(i, 2))])))
        assert waiting <= 4


def test_options_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="lookahead"):
        TrackOptions(min_instants=5, lookahead=2)


def test_numbers_count_from_zero_in_the_order_in_which_sources_come_out():
    rows = link(*([row(t), row(t, "cat", 300), row(t, "owl", 600)] for t in half_seconds(4)))

    assert [r.source_id for r in rows] == [0, 1, 2] * 4


def test_a_linked_row_is_the_row_that_was_found_but_for_its_number():
    found = [row(t, x=i) for i, t in enumerate(half_seconds(4))]

    rows = link(*([r] for r in found), smoothing=1)

    assert [values(r) for r in rows] == [values(replace(r, source_id=0)) for r in found]


@pytest.mark.parametrize("smoothing", [0.25, 0.6])
def test_a_box_goes_its_share_of_the_way_from_where_the_source_was_drawn(smoothing):
    rows = link([row(0)], [row(1, x=40)], [row(2, x=40)], smoothing=smoothing)
    first = smoothing * 40

    assert [r.box.x_min for r in rows] == [0, round(first), round(first + smoothing * (40 - round(first)))]


def test_a_box_is_smoothed_from_the_least_overlap_on_and_jumps_below_it():
    # 100 wide, moved by 50: a third of the union is shared.
    def second(**options):
        return link([row(0)], [row(1, x=50)], smoothing=0.5, **options)[1].box.x_min

    assert second(min_iou=1 / 3) == 25
    assert second(min_iou=0.34) == 50


def test_a_further_region_needs_the_least_overlap_and_the_strongest_does_not():
    def numbers(region, **options):
        return [r.source_id for r in link([row(0)], [row(1, x=50, region=region)], min_instants=1, **options)]

    assert numbers(1, min_iou=1 / 3) == [0, 0]
    assert numbers(1, min_iou=0.34) == [0, 1]
    assert numbers(0, min_iou=0.34) == [0, 0]


def test_the_strongest_region_does_not_jump_when_there_are_two_to_choose_from():
    rows = link([row(0), row(0, x=300, region=1)], [row(1, x=900)], min_instants=1)

    assert [r.source_id for r in rows] == [0, 1, 2]


def test_a_region_goes_to_the_source_that_it_overlaps_most():
    rows = link([row(0), row(0, x=60, region=1)], [row(1, x=50)], smoothing=1, min_instants=1)

    assert [(r.source_id, r.box.x_min) for r in rows] == [(0, 0), (1, 60), (1, 50)]


def test_one_source_answers_for_one_region_of_an_instant():
    rows = link([row(0)], [row(1), row(1, x=10, region=1)], min_instants=1)

    assert len({r.source_id for r in rows if r.time == 1}) == 2


def test_the_strongest_region_chooses_first_whatever_the_order_of_the_rows():
    one = link([row(0)], [row(1, x=20, region=1), row(1, x=30, region=0)], min_instants=1, smoothing=1)
    strongest = [r for r in one if r.region == 0 and r.time == 1]

    assert [r.source_id for r in strongest] == [0]


def test_a_gap_is_counted_from_the_last_instant_of_the_source():
    rows = link(*([row(t)] for t in range(0, 12, 2)), max_gap_s=2)

    assert {r.source_id for r in rows} == {0}
    assert len({r.source_id for r in link(*([row(t)] for t in range(0, 12, 2)), max_gap_s=1.9, min_instants=1)}) == 6


def test_a_source_out_of_the_picture_is_where_it_was_when_it_comes_back():
    rows = link([row(0), row(0, x=500, region=1)], [row(1, offscreen=True)], [row(2, x=500), row(2, region=1)])

    assert len({r.source_id for r in rows if r.box and r.box.x_min == 500}) == 1
    assert [r.box for r in rows if r.time == 1] == [None]


def test_an_offscreen_source_keeps_one_number_and_takes_its_place_when_it_appears():
    rows = link([row(0, offscreen=True)], [row(1, offscreen=True)], [row(2, x=70)], [row(3, x=70)])

    assert {r.source_id for r in rows} == {0}
    assert [r.box and r.box.x_min for r in rows] == [None, None, 70, 70]


def test_rows_come_out_when_the_lookahead_is_full():
    linker = Linker(TrackOptions(lookahead=3))
    came = [[r.time for r in linker.feed([row(t)])] for t in range(6)]

    assert came == [[], [], [], [0], [1], [2]]
    assert [r.time for r in linker.finish()] == [3, 4, 5]


def test_a_source_is_kept_from_the_least_number_of_instants_on():
    def kept(times, **options):
        return len(link(*([row(t)] if t in times else [row(t, "cat", 300)] for t in range(8)), **options)) > 8 - len(
            times
        )

    assert kept({2, 3, 4}, min_instants=3, max_gap_s=9)
    assert not kept({2, 3}, min_instants=3, max_gap_s=9)
    assert not kept({2}) and kept({2, 4})


def test_a_second_of_its_kind_after_the_lookahead_comes_too_late():
    def rows(lookahead):
        times = {1, 6}
        instants = ([row(t, "cat", 300)] + [row(t)] * (t in times) for t in range(10))
        return [r.time for r in link(*instants, lookahead=lookahead, max_gap_s=9) if r.detection.name == "dog"]

    assert rows(5) == [1, 6]
    assert rows(4) == [6]


def test_instants_in_which_nothing_is_found_count_for_the_lookahead():
    linker = Linker(TrackOptions(lookahead=2))
    came = [len(list(linker.feed(rows))) for rows in ([row(0)], [row(1)], [], [])]

    assert came == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"smoothing": 0}, "smoothing"), ({"smoothing": 1.1}, "smoothing"), ({"min_instants": 0}, "min_instants")],
)
def test_numbers_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        TrackOptions(**options)


def test_the_ends_of_the_ranges_are_allowed():
    TrackOptions(smoothing=1, min_instants=1, lookahead=1)
