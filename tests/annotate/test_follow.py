"""A source is followed from frame to frame: its box moves with what it shows, not along a straight line."""

from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.scoring import SAMPLES
from tvsl_core import AnnotateOptions, annotate_video
from tvsl_core.annotate.objects.follow import Course, Sought, Trajectory, follow, moved_map
from tvsl_core.types import Box, Frame, LocalizationMap

WIDTH, HEIGHT, SIDE = 480, 240, 100
RATE = 20


def place_of(time_s):
    """Left edge of what moves: out and back again within a second."""
    return round(120 + 60 * np.sin(np.pi * time_s))


def box_at(left):
    return Box(x_min=left, y_min=70, x_max=left + SIDE, y_max=70 + SIDE)


def found(time_s, left=None):
    values = np.zeros((12, 24), np.float32)
    box = box_at(place_of(time_s) if left is None else left)
    values[box.y_min // 20 : box.y_max // 20, box.x_min // 20 : box.x_max // 20] = 1
    return time_s, box, LocalizationMap(values=values, frame_width=WIDTH, frame_height=HEIGHT)


def texture(seed, height, width):
    coarse = np.random.default_rng(seed).integers(0, 255, (height // 5, width // 5, 3), np.uint8)
    return np.kron(coarse, np.ones((5, 5, 1), np.uint8))


@pytest.fixture(scope="module")
def frames():
    """Half as large as the frame as shown; a patterned square moves before a patterned wall, for two seconds."""
    wall, thing = texture(1, HEIGHT // 2, WIDTH // 2) // 2, texture(2, SIDE // 2, SIDE // 2)
    shown = []
    for number in range(2 * RATE + 1):
        pixels = wall.copy()
        left = place_of(number / RATE) // 2
        pixels[35 : 35 + SIDE // 2, left : left + SIDE // 2] = thing
        shown.append(Frame(time=Fraction(number, RATE), pts=number, index=number, pixels=pixels))
    return shown


def course_through(frames, places, start_s=0.0, end_s=2.0):
    followed = follow(frames, [Sought(start_s=start_s, end_s=end_s, places=tuple(places))], width=WIDTH)
    return Course.through(places, followed.trajectories[0])


def box_of(course, time_s):
    return course.box(time_s, course.near(time_s))


def test_between_two_places_the_box_is_where_the_thing_is(frames):
    places = [found(0.0), found(1.0), found(2.0)]  # three times the same place, and far from it between them
    followed, straight = course_through(frames, places), Course.through(places)
    times = [0.3, 0.5, 0.7, 1.3, 1.5, 1.8]

    assert max(abs(box_of(followed, one).x_min - place_of(one)) for one in times) <= 10
    assert max(abs(box_of(straight, one).x_min - place_of(one)) for one in times) >= 50
    assert {box_of(followed, one).y_min for one in times} == {70}


def test_before_the_first_place_and_after_the_last_one_it_is_followed_too(frames):
    course = course_through(frames, [found(0.7), found(1.0)])

    assert [box_of(course, one).x_min for one in (0.1, 1.6)] == pytest.approx([place_of(0.1), place_of(1.6)], abs=10)


def test_the_map_moves_with_the_box(frames):
    places = [found(0.0), found(1.0)]
    course = course_through(frames, places)
    values = course.map(0.5, course.near(0.5), lambda place: places[place][2].values)

    columns = np.flatnonzero(values[5] > 0.5)
    assert columns[0] * 20 == pytest.approx(place_of(0.5), abs=20)
    assert columns[-1] * 20 + 20 == pytest.approx(place_of(0.5) + SIDE, abs=20)


def test_what_one_instant_got_wrong_shows_less(frames):
    places = [found(one, place_of(one) + wrong) for one, wrong in ((0, 0), (0.5, 24), (1.0, 0), (1.5, 0), (2.0, 0))]
    course = course_through(frames, places)

    assert abs(box_of(course, 0.5).x_min - place_of(0.5)) <= 18


def test_a_source_that_is_lost_is_taken_along_a_straight_line(frames):
    """A picture of something else in the middle, as flow over a cut sees it."""
    cut = [*frames[:10], *[Frame(time=one.time, pts=one.pts, index=one.index, pixels=texture(3 + one.index, 120, 240))
                           for one in frames[10:]]]  # fmt: skip
    places = [found(0.0, 20), found(2.0, 320)]
    trajectory = follow(cut, [Sought(start_s=0, end_s=2, places=tuple(places))], width=WIDTH).trajectories[0]

    assert trajectory.step(0.0, 2.0) == (0.0, 0.0)


def test_a_box_that_leaves_the_frame_is_cut_off_and_never_empty():
    away = Trajectory(times_s=np.array([0.0, 1.0]), travel=np.array([[0.0, 0.0], [-400.0, 50.0]]))
    course = Course.through([found(0.0, 60)], away)

    assert box_of(course, 1.0).corners == (0, 120, 1, 220)
    assert box_of(course, 0.25).corners == (0, 82, 60, 182)


def test_what_is_never_seen_comes_no_way(frames):
    followed = follow(frames, [Sought(start_s=0, end_s=2, places=())], width=WIDTH)

    assert followed.trajectories[0].step(0.0, 2.0) == (0.0, 0.0)
    assert [one.frame_index for one in followed.sights] == list(range(41))


def test_a_map_moves_by_parts_of_its_cells():
    values = np.zeros((2, 4), np.float32)
    values[:, 1] = 1

    assert moved_map(values, (50.0, 0.0), (400, 200))[0] == pytest.approx([0, 0.5, 0.5, 0])


def test_at_the_rate_of_the_video_every_frame_has_rows_and_the_instants_keep_theirs(model, tmp_path):
    options = AnnotateOptions(overlay="none", strips=False, end_s=1.5, video_rate=True)
    annotate_video(SAMPLES / "owl.mp4", out=tmp_path, options=options, model=model)
    rows = pq.read_table(tmp_path / "sources" / "owl.mp4.parquet").to_pylist()
    (event,) = pq.read_table(tmp_path / "events" / "owl.mp4.parquet").to_pylist()
    times = [row["time_s"] for row in rows if row["region"] == 0]

    assert len(times) == pytest.approx(25 * (min(1.5, event["end_s"]) - event["start_s"]), abs=1)
    assert times == sorted(set(times))
    assert 1.0 in times
    assert [row["frame_index"] for row in rows if row["region"] == 0] == [round(25 * one) for one in times]
    assert all(row["x_min"] is not None for row in rows)
