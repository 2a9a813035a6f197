"""Thumbnail strips: one moment per source, side by side."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from tvsl_core.errors import OutputError
from tvsl_core.media.draw.frame import Heat
from tvsl_core.media.draw.strip import StripCell, draw_strip, write_strip
from tvsl_core.types import Box


def cell(*, size=(320, 180), name="dog", colour=(90, 90, 200), time_s=3.25, boxes=True, found=True):
    values = np.zeros((5, 8), np.float32)
    values[2, 4] = 1
    where = (Box(x_min=size[0] // 4, y_min=size[1] // 4, x_max=size[0], y_max=size[1]),) if boxes else ()
    heat = Heat(name=name, score=0.9, values=values if boxes else None, boxes=where)
    pixels = np.full((size[1], size[0], 3), colour, np.uint8)
    return StripCell(pixels=pixels, time_s=time_s, heat=heat if found else None)


def share_of(strip, colour):
    return float((np.abs(strip.astype(int) - colour).max(2) <= 1).mean())


def test_every_source_has_its_frame_in_the_strip():
    colours = [(200, 40, 40), (40, 160, 40), (40, 40, 200)]
    strip = draw_strip([cell(colour=colour) for colour in colours], title="clip.mp4")

    for colour in colours:
        assert share_of(strip, colour) > 0.05
    order = [int(np.argwhere(np.abs(strip.astype(int) - colour).max(2) <= 1)[:, 1].min()) for colour in colours]
    assert order == sorted(order)


def test_more_sources_than_fit_begin_a_new_row():
    four, five = (draw_strip([cell()] * count, title="clip.mp4", per_row=4) for count in (4, 5))

    assert four.shape[1] == five.shape[1]
    assert five.shape[0] > 1.6 * four.shape[0]
    assert draw_strip([cell()] * 4, title="clip.mp4", per_row=2).shape[1] < four.shape[1]


def test_a_video_without_sources_shows_its_frame_without_heat():
    silent = draw_strip([cell(found=False)], title="clip.mp4")
    sounding = draw_strip([cell()], title="clip.mp4")

    assert share_of(silent, (90, 90, 200)) > share_of(sounding, (90, 90, 200))
    assert silent.shape == sounding.shape


def test_a_video_without_any_frame_still_has_a_strip():
    assert draw_strip([], title="clip.mp4").std() > 0


@pytest.mark.parametrize("size", [(1, 1), (17, 31), (2000, 40), (40, 2000), (1080, 1920), (640, 360)])
def test_cells_of_any_shape_have_a_sensible_size(size):
    strip = draw_strip([cell(size=size)], title="clip.mp4")

    assert 150 < strip.shape[1] < 700
    assert 150 < strip.shape[0] < 800


def test_a_smaller_copy_of_a_frame_looks_like_the_frame():
    whole = cell(size=(1280, 720))
    copy = replace(whole, pixels=whole.pixels[::2, ::2], frame_size=(1280, 720))

    assert np.abs(draw_strip([copy], title="").astype(int) - draw_strip([whole], title="")).max() <= 1


def test_frames_of_different_shapes_share_a_strip():
    assert draw_strip([cell(size=(640, 360)), cell(size=(360, 640))], title="clip.mp4").ndim == 3


def test_heat_is_drawn_where_it_is_in_the_frame():
    strip = draw_strip([cell(size=(1280, 720), colour=(128, 128, 128))], title="")
    # The cell is 440 pixels wide and begins at the margin; the hot cell's centre is at 9/16 of it.
    frame = strip[:, 28:468].astype(int)
    warm = np.argwhere(frame[..., 0] - frame[..., 2] > 100)

    assert abs(warm[:, 1].mean() / 440 - 9 / 16) < 0.06


def test_captions_name_class_score_time_and_offscreen():
    assert cell(time_s=63.25).note == "at 1:03.2"
    assert cell(time_s=59.99).note == "at 0:59.9"
    assert cell(boxes=False).note == "at 0:03.2, offscreen"
    one, other = (draw_strip([cell(name=name)], title="clip.mp4") for name in ("dog", "cat"))
    assert not np.array_equal(one, other)


def test_long_titles_and_names_stay_inside():
    strip = draw_strip([cell(name="a very long class name " * 5)], title="a very long file name " * 9 + ".mp4")

    assert (strip[:, -20:] == strip[0, 0]).all()


def test_the_file_is_a_jpeg_that_looks_like_what_was_drawn_at_a_tenth_of_a_png(tmp_path):
    rng = np.random.default_rng(0)
    noise = cv2.GaussianBlur(rng.integers(0, 255, (360, 640, 3)).astype(np.uint8), (0, 0), 2)
    cells = [cell(colour=(200, 40, 40)), StripCell(pixels=noise, time_s=1.0)]
    path = write_strip(tmp_path / "Geräusch -1.jpg", cells, title="clip.mp4")

    drawn = draw_strip(cells, title="clip.mp4")
    read = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert path.read_bytes().startswith(b"\xff\xd8\xff")
    assert read.shape == drawn.shape
    assert np.abs(read.astype(int) - drawn).mean() < 3
    assert path.stat().st_size < 0.2 * len(cv2.imencode(".png", drawn)[1])
    assert list(tmp_path.iterdir()) == [path]


def test_a_strip_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="folder does not exist"):
        write_strip(tmp_path / "missing" / "a.jpg", [cell()], title="clip.mp4")


def test_per_row_must_make_sense():
    with pytest.raises(ValueError, match="per_row"):
        draw_strip([cell()], title="", per_row=0)
