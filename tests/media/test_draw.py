"""What a drawn frame must look like, as properties that hold for any picture, map and size."""

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.media.draw.colours import (
    COLOUR_MAPS,
    SOURCE_COLOURS,
    colour_ramp,
    contrast,
    map_ramp,
    source_colour,
)
from tvsl_core.media.draw.frame import Heat, HeatStyle, draw_heat, fade, interpolate_maps, text_height
from tvsl_core.media.draw.heat import add_glow, smooth_map, stretch
from tvsl_core.media.draw.labels import PANEL, paste, pill, text_sprite, text_width
from tvsl_core.media.draw.legend import legend_panel
from tvsl_core.media.draw.place import overlap, place_label
from tvsl_core.media.draw.surface import Surface
from tvsl_core.types import Box

SIZES = [(320, 240), (1280, 720), (270, 480), (64, 48), (17, 31), (2, 200), (1, 1)]
NO_WORDS = HeatStyle(labels=False, boxes=False)


def photo(width=320, height=240, seed=0):
    """Something like a photograph: smooth, colourful, mid-tones."""
    noise = np.random.default_rng(seed).integers(40, 216, (8, 8, 3), dtype=np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def bump(rows=7, columns=9, *, row=3, column=4, peak=1.0):
    """A map with one round hill."""
    y, x = np.mgrid[:rows, :columns]
    return (peak * np.exp(-0.5 * ((y - row) ** 2 + (x - column) ** 2) / 1.5)).astype(np.float32)


def heat(**values):
    return Heat(**({"name": "dog", "score": 0.9, "values": bump()} | values))


def heat_over(values, *, width, height):
    """A map's heat at every pixel of a frame."""
    return stretch(smooth_map(values, width=width, height=height), width=width, height=height)


def change(picture, drawn):
    return np.abs(picture.astype(int) - drawn.astype(int))


def box(x_min, y_min, x_max, y_max):
    return Box(x_min=x_min, y_min=y_min, x_max=x_max, y_max=y_max)


@pytest.mark.parametrize("heats", [[], [heat(strength=0.0)], [Heat(name="dog", score=0.9, strength=0.0)]])
def test_a_frame_without_heat_is_returned_as_it_is(heats):
    picture = photo()

    assert draw_heat(picture, heats) is picture


@pytest.mark.parametrize("size", SIZES)
def test_any_size_is_drawn_and_the_original_is_left_alone(size):
    picture = photo(*size)
    before = picture.copy()
    heats = [
        heat(boxes=(box(0, 0, *size),), colour=source_colour(0)),
        heat(name="acoustic guitar", values=None, boxes=(), colour=source_colour(1)),
    ]
    for style in (HeatStyle(), HeatStyle(legend=True)):
        drawn = draw_heat(picture, heats, style)

        assert drawn.shape == picture.shape
        assert drawn.dtype == np.uint8
        assert np.array_equal(picture, before)
        assert change(picture, drawn).any() or min(size) < 20


def test_a_read_only_frame_and_a_view_can_be_drawn_on():
    wide = photo(640, 240)
    view = wide[:, ::2]
    wide.setflags(write=False)

    assert np.array_equal(draw_heat(view, [heat()]), draw_heat(view.copy(), [heat()]))


def test_drawing_twice_gives_the_same_picture():
    heats = [heat(boxes=(box(40, 40, 200, 180),)), Heat(name="Kätzchen", score=0.4)]

    assert np.array_equal(draw_heat(photo(), heats), draw_heat(photo(), heats))


@given(weak=st.floats(0.05, 0.9), more=st.floats(0.06, 0.5))
@settings(max_examples=15, deadline=None)
def test_a_stronger_source_changes_more(weak, more):
    picture = photo(160, 120)
    low, high = (
        change(picture, draw_heat(picture, [heat(strength=strength)], NO_WORDS)).sum()
        for strength in (weak, min(1.0, weak + more))
    )
    assert low < high


def test_a_weak_source_can_still_be_read():
    def lettering(strength):
        source = heat(values=None, boxes=(box(80, 60, 240, 180),), strength=strength)
        return draw_heat(photo(), [source])

    assert np.array_equal(lettering(0.5), lettering(1.0))
    assert 0 < change(photo(), lettering(0.1)).sum() < change(photo(), lettering(0.3)).sum()


def test_a_hotter_map_changes_more():
    picture = photo()
    sums = [
        change(picture, draw_heat(picture, [heat(values=bump(peak=peak))], NO_WORDS)).sum()
        for peak in (0.1, 0.3, 0.5, 0.7, 0.9)
    ]
    assert sums[0] == 0
    assert sums == sorted(sums)
    assert len(set(sums)) == 5


def test_cold_parts_stay_exactly_as_they_are():
    picture = photo()
    drawn = draw_heat(picture, [heat(values=bump(row=1, column=1))], NO_WORDS)

    changed = change(picture, drawn).max(2) > 0
    assert changed[:60, :60].all()
    assert not changed[150:].any()
    assert not changed[:, 200:].any()


def test_the_picture_shines_through_the_hottest_part():
    dark, bright = np.full((90, 160, 3), 40, np.uint8), np.full((90, 160, 3), 200, np.uint8)
    ones = np.ones((5, 5), np.float32)
    drawn_dark, drawn_bright = (draw_heat(frame, [heat(values=ones)], NO_WORDS) for frame in (dark, bright))

    difference = drawn_bright.astype(int) - drawn_dark
    assert difference.min() > 0.25 * 160


@pytest.mark.parametrize("size", [(640, 360), (333, 501), (50, 40)])
def test_the_glow_is_where_the_map_is(size):
    width, height = size
    for row, column in ((0, 0), (3, 4), (6, 8), (2, 7)):
        heated = heat_over(bump(row=row, column=column), width=width, height=height)
        y, x = np.unravel_index(heated.argmax(), heated.shape)

        assert abs((x + 0.5) / width * 9 - (column + 0.5)) < 0.75
        assert abs((y + 0.5) / height * 7 - (row + 0.5)) < 0.75


def test_a_single_hot_cell_has_no_rings_no_steps_and_keeps_its_peak():
    values = np.zeros((9, 9), np.float32)
    values[4, 4] = 0.8
    heated = heat_over(values, width=450, height=450).astype(int)

    middle = heated[225]
    assert abs(heated.max() - 0.8 * 255) <= 2
    assert (np.diff(middle[:225]) >= 0).all()
    assert (np.diff(middle[225:]) <= 0).all()
    assert np.abs(np.diff(middle)).max() < 10
    slopes = middle[10:] - middle[:-10]
    assert np.abs(slopes[10:] - slopes[:-10]).max() <= 23  # linear stretching alone gives 75, smoothed steps 26
    assert heated[:50].max() == 0


def test_an_even_map_stays_even_up_to_the_border():
    heated = heat_over(np.full((5, 7), 0.6, np.float32), width=320, height=240)

    assert heated.min() == heated.max() == round(0.6 * 255)


def test_values_that_no_map_should_have_do_no_harm():
    values = np.array([[np.nan, 2.0], [-1.0, 0.5]], np.float32)
    heated = heat_over(values, width=40, height=40)

    assert heated.max() == 255
    assert heated[0, 0] < 100


def test_a_map_finer_than_the_frame_keeps_its_peak():
    values = np.zeros((200, 200), np.float32)
    values[100:104, 100:104] = 1

    assert heat_over(values, width=20, height=20).max() == 255


def test_add_glow_is_the_blend_it_claims_to_be():
    picture = np.full((4, 256, 3), 100, np.uint8)
    warm = np.repeat(np.arange(256, dtype=np.uint8)[None], 4, 0)
    add_glow(Surface.of_rgb(picture), warm, np.full((256, 3), 200, np.uint8), strength=1.0, opacity=0.5)

    assert (picture[:, 0] == 100).all()
    assert np.abs(picture[:, 255].astype(int) - 150).max() <= 1
    assert (np.diff(picture[0, :, 0].astype(int)) >= -1).all()


@pytest.mark.parametrize("size", [(320, 240), (200, 160), (1280, 720), (270, 480)])
@pytest.mark.parametrize("place", ["top left", "bottom right", "whole", "beyond"])
def test_a_box_is_seen_on_dark_and_on_bright(size, place):
    width, height = size
    boxes = {
        "top left": box(0, 0, width // 3, height // 3),
        "bottom right": box(width // 2, height // 2, width, height),
        "whole": box(0, 0, width, height),
        "beyond": box(width // 2, height // 2, width + 50, height + 50),
    }
    for background in (0, 128, 255):
        picture = np.full((height, width, 3), background, np.uint8)
        drawn = draw_heat(picture, [heat(values=None, boxes=(boxes[place],))], HeatStyle(labels=False))
        changed = change(picture, drawn).max(2)

        assert (changed > 60).sum() > width // 3
        inside = changed[height * 5 // 8 : height * 6 // 8, width * 5 // 8 : width * 6 // 8]
        assert not inside.any()


def test_a_box_in_the_colour_of_its_background_is_seen_by_its_shadow():
    picture = np.full((240, 320, 3), 255, np.uint8)
    white = heat(values=None, boxes=(box(80, 60, 240, 180),), colour=(255, 255, 255))

    assert (change(picture, draw_heat(picture, [white], HeatStyle(labels=False))).max(2) > 20).sum() > 300


def test_a_tiny_box_does_not_crash():
    for at in ((0, 0), (319, 239), (100, 100)):
        for extent in ((1, 1), (2, 1), (3, 3), (1, 20)):
            tiny = box(*at, at[0] + extent[0], at[1] + extent[1])
            assert change(photo(), draw_heat(photo(), [heat(values=None, boxes=(tiny,))])).any()


def test_an_offscreen_source_is_a_badge_at_the_border_and_nothing_else():
    picture = photo(1280, 720)
    drawn = draw_heat(picture, [Heat(name="dog", score=0.71)])

    changed = np.argwhere(change(picture, drawn).max(2) > 0)
    assert changed[:, 0].max() < 720 * 0.12
    assert changed[:, 1].min() > 1280 * 0.5


def test_a_label_says_class_and_score():
    def drawn(**values):
        return draw_heat(photo(), [heat(boxes=(box(60, 60, 250, 200),), **values)])

    assert change(drawn(), drawn(name="cat")).any()
    assert change(drawn(), drawn(score=0.42)).any()
    assert not change(drawn(), drawn(score=0.9001)).any()


def test_lettering_is_left_out_where_it_would_hide_the_picture():
    picture = photo(64, 48)
    spoken, silent = (
        draw_heat(picture, [heat(boxes=(box(5, 5, 60, 40),))], HeatStyle(labels=labels)) for labels in (True, False)
    )
    assert np.array_equal(spoken, silent)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_labels_stay_in_the_picture_and_off_each_other(data):
    width, height = data.draw(st.integers(200, 2000)), data.draw(st.integers(200, 2000))
    taken = []
    for _ in range(4):
        size = data.draw(st.integers(20, 150)), data.draw(st.integers(10, 40))
        x, y = data.draw(st.integers(-50, width)), data.draw(st.integers(-50, height))
        anchor = data.draw(st.sampled_from([None, (x, y, x + 80, y + 80), (x, y, x + 1, y + 1)]))
        area = place_label(size, frame=(width, height), anchor=anchor, taken=taken, margin=5)

        assert area[0] >= 0 <= area[1]
        assert area[2] <= width
        assert area[3] <= height
        assert (area[2] - area[0], area[3] - area[1]) == size
        if len(taken) < 2:
            assert all(overlap(area, other) == 0 for other in taken)
        taken.append(area)


def test_two_sources_in_one_box_get_two_readable_labels():
    taken = []
    for _ in range(3):
        area = place_label((100, 20), frame=(640, 360), anchor=(200, 100, 400, 300), taken=taken, margin=5)

        assert all(overlap(area, other) == 0 for other in taken)
        taken.append(area)


def test_a_pill_never_is_wider_than_its_room():
    whole = pill("electric guitar", "91 %", text_height=20, widest=1000, colour=(255, 0, 0), glyph="dot")
    widths = set()
    for widest in range(10, 300, 7):
        sprite = pill("electric guitar", "91 %", text_height=20, widest=widest, colour=(255, 0, 0), glyph="dot")
        assert sprite is None or sprite.shape[1] <= widest
        widths.add(sprite is None or sprite.shape[1])
    assert whole.shape[1] < 300
    assert len(widths) > 5
    assert pill("dog", "", text_height=5, widest=1000, colour=(255, 0, 0), glyph="dot") is None


@pytest.mark.parametrize("words", ["dog", "Kätzchen", "кошка", "猫", "ギター", "قطة", "🎻?", "a\nb", ""])
def test_any_words_can_be_written(words):
    sprite = text_sprite(words, text_height=24)

    assert sprite.shape[1] >= text_width(words, 24)
    assert sprite[..., 3].any() == bool(words)


def test_letters_with_and_without_accents_differ():
    assert not np.array_equal(text_sprite("Gerausch", text_height=24), text_sprite("Geräusch", text_height=24))
    assert not np.array_equal(text_sprite("音", text_height=24), text_sprite("猫", text_height=24))


def test_words_read_well_on_their_panel():
    assert contrast((255, 255, 255), PANEL) > 10
    for number in range(14):
        assert contrast(source_colour(number), PANEL) > 3


def test_lettering_grows_with_the_frame():
    heights = [text_height(*size) for size in ((160, 120), (320, 240), (1280, 720), (1920, 1080), (3840, 2160))]

    assert heights == sorted(heights)
    assert heights[0] >= 9
    assert text_height(1080, 1920) == text_height(1920, 1080)


def test_a_legend_lists_what_fits_and_no_more():
    rows = tuple((f"class {n}", 90 - n, source_colour(n), n == 2) for n in range(6))
    full, short = legend_panel(rows, 16, 600, 600), legend_panel(rows, 16, 600, 80)

    assert full.shape[0] > short.shape[0]
    assert short.shape[0] <= 80
    assert legend_panel(rows, 16, 600, 20) is None
    assert legend_panel(rows, 16, 60, 600) is None


def test_a_legend_shows_each_sources_colour_and_score():
    def colours(percent):
        sprite = legend_panel((("dog", percent, (230, 159, 0), False),), 20, 600, 600)
        return int((sprite[..., :3] == (230, 159, 0)).all(2).sum())

    assert colours(90) > colours(40) > 0


def test_a_pasted_sprite_is_cut_at_the_border_and_blended():
    sprite = np.full((10, 10, 4), 255, np.uint8)
    picture = np.zeros((20, 20, 3), np.uint8)
    paste(Surface.of_rgb(picture), sprite, x=-5, y=15, opacity=0.5)

    assert (picture[15:, :5] == 128).all()
    assert picture.sum() == 128 * 25 * 3
    for far in ((30, 0), (0, -30), (-10, 0), (20, 0)):
        paste(Surface.of_rgb(picture), sprite, x=far[0], y=far[1])
    assert picture.sum() == 128 * 25 * 3


def test_interpolation_begins_at_the_first_map_and_ends_at_the_second():
    first, second = bump(peak=0.2), bump(row=1, peak=0.9)

    assert np.array_equal(interpolate_maps(first, second, 0), first)
    assert np.allclose(interpolate_maps(first, second, 1), second, atol=1e-6)
    assert np.allclose(interpolate_maps(first, second, 0.25), 0.75 * first + 0.25 * second, atol=1e-6)
    assert np.array_equal(interpolate_maps(first, second, 7), interpolate_maps(first, second, 1))
    assert interpolate_maps(first, bump(14, 18), 0.5).shape == first.shape


def test_fading_is_full_inside_gone_outside_and_steady():
    times = np.linspace(0, 4, 400)
    values = [fade(t, 1.0, 3.0, ramp_s=0.5) for t in times]

    assert fade(1.0, 1.0, 3.0) == fade(3.0, 1.0, 3.0) == 1.0
    assert fade(0.5, 1.0, 3.0, ramp_s=0.5) == fade(3.5, 1.0, 3.0, ramp_s=0.5) == 0.0
    assert np.abs(np.diff(values)).max() < 0.05
    assert fade(0.999, 1.0, 3.0, ramp_s=0) == 0.0


def test_source_colours_differ_and_wrap():
    assert len({source_colour(n) for n in range(14)}) == 14
    assert source_colour(0) == SOURCE_COLOURS[0] == source_colour(14)
    with pytest.raises(ValueError, match="count from 0"):
        source_colour(-1)


def test_contrast_matches_the_published_extremes():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((9, 9, 9), (9, 9, 9)) == 1


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colour_maps_are_rgb_ramps(name):
    ramp = map_ramp(name)

    assert ramp.shape == (256, 3)
    if name in ("inferno", "magma", "plasma", "viridis", "cividis"):
        grey = ramp @ np.array([0.2126, 0.7152, 0.0722])
        assert (np.diff(grey) > -1).all()
        assert grey[-1] - grey[0] > 100
    if name == "inferno":
        assert ramp[160, 0] > ramp[160, 2]


def test_a_colour_ramp_passes_through_its_colour():
    ramp = colour_ramp((0, 158, 115)).astype(int)

    assert np.abs(ramp - (0, 158, 115)).sum(1).min() <= 3
    assert (np.diff(ramp.sum(1)) >= -2).all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: heat(score=1.2),
        lambda: heat(strength=-0.1),
        lambda: heat(values=np.zeros((0, 3), np.float32)),
        lambda: HeatStyle(opacity=0),
        lambda: HeatStyle(text_scale=0),
        lambda: map_ramp("jet"),
    ],
)
def test_values_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must lie|is \[row column\]|unknown colour map"):
        wrong()


def test_style_switches_do_what_they_say():
    sources = [heat(boxes=(box(40, 40, 200, 180),), colour=source_colour(0))]
    drawn = [
        draw_heat(photo(), sources, dataclasses.replace(HeatStyle(), **switch))
        for switch in ({}, {"boxes": False}, {"labels": False}, {"legend": True}, {"opacity": 0.3}, {"text_scale": 1.5})
    ]
    for number, first in enumerate(drawn):
        for second in drawn[number + 1 :]:
            assert change(first, second).any()


def test_a_name_that_is_not_text_is_drawn_and_does_not_end_the_process():
    """OpenCV 5.0 crashes on a half of a character, which stands for a byte of a file name that is not UTF-8."""
    assert text_width("a\udcffb", 20) == text_width("a?b", 20)
    assert text_sprite("a\udcffb", text_height=20).any()
