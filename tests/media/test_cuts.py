"""Where one shot ends and the next begins: cuts are found to the frame, and nothing else is taken for one."""

from fractions import Fraction

import numpy as np
import pytest

from tests.builders import make_clip
from tvsl_core.media.read.cuts import COLUMNS, NEAR, ROWS, CutFinder
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe


def scene(seed, *, columns=4 * COLUMNS):
    """A wide picture in which a camera can move."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(20, 230, (ROWS // 3, columns // 4))
    return np.kron(coarse, np.ones((3, 4))).astype(np.float32)


def shown(seed, count, *, step=0, brighter=None):
    """A shot: a window that moves over a picture."""
    picture = scene(seed)
    for number in range(count):
        window = picture[:, number * step : number * step + COLUMNS].copy()
        yield np.clip(window + 80, 0, 255) if number == brighter else window


def cuts_of(*shots):
    finder = CutFinder()
    for number, seen in enumerate(one for shot in shots for one in shot):
        finder.feed(Fraction(number), seen)
    return [int(cut) for cut in finder.cuts]


def places_of(*shots):
    finder = CutFinder()
    for number, seen in enumerate(one for shot in shots for one in shot):
        finder.feed(Fraction(number), seen)
    return finder.places()


def test_a_shot_that_shows_the_place_of_an_earlier_one_is_known():
    assert places_of(shown(1, 12), shown(2, 12), shown(1, 12), shown(3, 12), shown(2, 12)) == (0, 1, 0, 2, 1)
    assert places_of(shown(1, 20)) == (0,)
    assert places_of() == ()


def test_a_camera_that_has_moved_on_shows_another_place_and_black_shows_none():
    black = [np.zeros((ROWS, COLUMNS), np.float32)] * 12

    assert places_of(shown(1, 24, step=1), shown(2, 12), shown(1, 12)) == (0, 1, 2)
    assert places_of(black, shown(1, 12), black) == (0, 1, 2)


def test_a_cut_is_found_at_the_first_picture_of_the_new_shot():
    assert cuts_of(shown(1, 20), shown(2, 15), shown(3, 20)) == [20, 35]


def test_a_moving_camera_is_no_cut():
    assert cuts_of(shown(1, 30, step=3)) == []


def test_a_flash_is_no_cut_and_neither_is_one_damaged_picture():
    assert cuts_of(shown(1, 30, brighter=12)) == []
    assert cuts_of(shown(1, 12), shown(2, 1), shown(1, 12)) == []


def test_black_between_two_shots_begins_and_ends_with_a_cut():
    black = [np.zeros((ROWS, COLUMNS), np.float32)] * 12

    assert cuts_of(shown(1, 12), black, shown(2, 12)) == [12, 24]


def test_in_a_picture_without_anything_to_see_nothing_is_cut():
    assert cuts_of([np.full((ROWS, COLUMNS), level, np.float32) for level in range(0, 250, 10)]) == []


def test_light_that_fades_is_no_cut():
    assert cuts_of([scene(1)[:, :COLUMNS] * share for share in np.linspace(1, 0.1, 30)]) == []


def test_a_shot_has_a_least_length():
    assert cuts_of(shown(1, 20), shown(2, NEAR), shown(3, 20)) != [20, 20 + NEAR]


@pytest.mark.parametrize(("codec", "pix_fmt"), [("libx264", "yuv420p"), ("ffv1", "bgr0")])
def test_the_cut_of_a_file_is_the_time_of_its_picture_whatever_instants_are_asked_for(tmp_path, codec, pix_fmt):
    pictures = [
        np.kron(np.random.default_rng(seed).integers(0, 256, (9, 16, 3)), np.ones((8, 8, 1))) for seed in (1, 2)
    ]
    path = make_clip(
        tmp_path / "a.mkv", seconds=3, fps=25, size=(128, 72), codec=codec, pix_fmt=pix_fmt,
        picture=lambda _, time: pictures[time >= 1.6].astype(np.uint8),
    )  # fmt: skip
    finder = CutFinder()
    list(read_frames(probe(path), fps=1, on_picture=finder.look))

    assert [float(cut) for cut in finder.cuts] == pytest.approx([1.6], abs=0.002)
