"""Frames in the planes that videos are coded in: what may go on untouched, and what everything else becomes."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from tests.builders import make_clip
from tvsl_core.media.draw.colours import source_colour
from tvsl_core.media.draw.frame import Heat, HeatStyle, draw_heat, draw_heat_coded
from tvsl_core.media.read.frames import read_all_frames, read_coded
from tvsl_core.media.read.planes import PlanesConverter, colour_standard, copied, from_rgb, planes_of
from tvsl_core.media.read.probe import probe
from tvsl_core.types import Box

SIZE = (320, 180)


def photo(width=320, height=180, seed=0):
    noise = np.random.default_rng(seed).integers(40, 216, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def shown(frame):
    """What a player makes of a coded frame."""
    return VideoReformatter().reformat(frame, format="rgb24", src_colorspace=frame.colorspace).to_ndarray()


def heats(strength=1.0):
    values = np.exp(-0.5 * np.sum((np.mgrid[:10, :18] - np.array([5, 9])[:, None, None]) ** 2, 0) / 4)
    box = Box(x_min=101, y_min=53, x_max=222, y_max=141)
    return [
        Heat(name="dog", score=0.91, strength=strength, values=values.astype(np.float32), boxes=(box,),
             colour=source_colour(0)),
        Heat(name="trumpet", score=0.6, strength=strength, colour=source_colour(1)),
    ]  # fmt: skip


@pytest.mark.parametrize("standard", ["bt709", "smpte170m"])
@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_drawn_in_planes_it_looks_as_drawn_in_colours(standard, strength):
    style = HeatStyle(legend=True)
    coded = from_rgb(photo(), standard)
    in_colours = from_rgb(draw_heat(shown(coded), heats(strength), style), standard)
    in_planes = draw_heat_coded(coded, heats(strength), style)

    there_and_back = from_rgb(shown(coded), standard)  # costs a little by itself
    for pair in zip(*map(planes_of, (in_planes, coded, in_colours, there_and_back)), strict=True):
        drawn, plain, drawn_there, plain_there = (plane.astype(int) for plane in pair)
        apart = np.abs((drawn - plain) - (drawn_there - plain_there))
        assert apart.mean() < 1
        assert (apart > 5).mean() < 0.02  # chroma under thin strokes, which the two reduce otherwise
    assert np.abs(planes_of(in_planes)[0].astype(int) - planes_of(coded)[0]).mean() > 5 * strength


def test_nothing_to_draw_gives_the_very_frame_and_drawing_leaves_it_alone():
    coded = from_rgb(photo(), "bt709")
    before = [plane.copy() for plane in planes_of(coded)]

    assert draw_heat_coded(coded, []) is coded
    assert draw_heat_coded(coded, heats()) is not coded
    assert all(np.array_equal(one, other) for one, other in zip(before, planes_of(coded), strict=True))


@pytest.mark.parametrize("place", [(0, 0), (1, 0), (0, 1), (7, 5)])
def test_a_box_anywhere_leaves_chroma_beyond_it_alone(place):
    coded = from_rgb(photo(), "bt709")
    x, y = place
    box = Box(x_min=40 + x, y_min=30 + y, x_max=91 + x, y_max=77 + y)
    drawn = draw_heat_coded(coded, [Heat(name="dog", score=1.0, boxes=(box,))], HeatStyle(labels=False))

    for step, before, after in zip((1, 2, 2), planes_of(coded), planes_of(drawn), strict=True):
        rows, columns = np.nonzero(before != after)
        assert rows.size
        assert (columns.min() + 1) * step > 40 + x - 8
        assert columns.max() * step < 91 + x + 8
        assert (rows.min() + 1) * step > 30 + y - 8
        assert rows.max() * step < 77 + y + 8


@pytest.mark.parametrize("place", [(0, 0), (1, 0), (0, 1), (7, 5)])
def test_chroma_lies_where_luma_does(place):
    coded = from_rgb(np.full((180, 320, 3), 90, np.uint8), "bt709")
    x, y = place
    box = Box(x_min=40 + x, y_min=30 + y, x_max=91 + x, y_max=77 + y)
    drawn = draw_heat_coded(coded, [Heat(name="dog", score=1.0, boxes=(box,))], HeatStyle(labels=False))

    for step, before, after in zip((1, 2, 2), planes_of(coded), planes_of(drawn), strict=True):
        weight = np.abs(before.astype(int) - after)
        middle = [((np.arange(len(sums)) + 0.5) * step * sums).sum() / sums.sum() for sums in map(weight.sum, (0, 1))]
        assert middle == pytest.approx([65.5 + x, 53.5 + y], abs=0.4)


@pytest.mark.parametrize("standard", ["bt709", "smpte170m"])
def test_colours_survive_the_planes(standard):
    for colour in ((200, 30, 40), (20, 180, 60), (30, 60, 220), (250, 250, 250), (5, 5, 5)):
        frame = from_rgb(np.full((16, 16, 3), colour, np.uint8), standard)

        assert colour_standard(frame) == standard
        assert np.abs(shown(frame).astype(int) - colour).max() <= 3


def test_frames_that_fit_go_on_as_they_were_decoded(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=1, size=SIZE)
    with av.open(str(clip)) as container:
        frame = next(container.decode(video=0))

    assert PlanesConverter(*SIZE).convert(frame) is frame
    assert PlanesConverter(*SIZE, standard="bt709").convert(frame) is not frame
    assert PlanesConverter(SIZE[0] // 2, SIZE[1]).convert(frame).width == SIZE[0] // 2
    frame.color_range = 2
    assert PlanesConverter(*SIZE).convert(frame) is not frame
    frame.color_range, frame.colorspace = 1, 9
    assert PlanesConverter(*SIZE).convert(frame) is not frame


def test_a_copy_shares_nothing_and_keeps_its_standard():
    frame = from_rgb(photo(), "smpte170m")
    double = copied(frame)
    planes_of(double)[0][:] = 16

    assert colour_standard(double) == "smpte170m"
    assert planes_of(frame)[0].max() > 16


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"rotation": 90},
        {"rotation": 180},
        {"size": (65, 49), "codec": "ffv1", "container": "mkv"},
        {"codec": "mjpeg", "pix_fmt": "yuvj420p", "container": "mkv"},
        {"sample_aspect": Fraction(4, 3)},
        {"pix_fmt": "yuv444p"},
        {"pix_fmt": "yuv420p10le"},
        {"colour": "bt709"},
    ],
    ids=["plain", "turned", "upside down", "odd", "whole range", "anamorphic", "fine chroma", "10 bits", "bt709"],
)
def test_planes_show_what_the_colours_show(tmp_path, made):
    made = {"seconds": 0.4, "size": (64, 48), "picture": "arrow", **made}
    clip = make_clip(tmp_path / f"a.{made.pop('container', 'mp4')}", **made)
    info = probe(clip)

    for coded, frame in zip(read_coded(info), read_all_frames(info), strict=True):
        seen = shown(coded.frame)
        assert seen.shape[:2] == (info.height + info.height % 2, info.width + info.width % 2)
        assert coded.time == frame.time
        assert np.abs(seen[: info.height, : info.width].astype(int) - frame.pixels).mean() < 4
