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
