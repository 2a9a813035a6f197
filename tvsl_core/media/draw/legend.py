"""The legend of a picture with several sources: colour, class, score bar, per cent."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.draw.colours import Rgb
from tvsl_core.media.draw.labels import (
    FAINT_INK,
    SMALLEST_TEXT,
    glyph_sprite,
    lay,
    line_height,
    panel,
    rounded_mask,
    text_sprite,
    text_width,
)

LegendRow = tuple[str, int, Rgb, bool]
"""Class, score in per cent, colour, and whether it is off-screen."""
_TRACK: Rgb = (70, 72, 82)


@lru_cache(maxsize=256)
def legend_panel(rows: tuple[LegendRow, ...], letters: int, widest: int, highest: int) -> NDArray[np.uint8] | None:
    """Draw a legend.

    Args:
        rows: From top to bottom; those that do not fit are left out.
        letters: Text height in pixels.
        widest: Room there is, in pixels.
        highest: Room there is, in pixels.

    Returns: A sprite, read-only, or None when no row fits.
    """
    pad, step = max(3, round(letters * 0.6)), line_height(letters) + max(1, letters // 5)
    rows = rows[: max(0, (highest - 2 * pad) // step)]
    if not rows or letters < SMALLEST_TEXT:
        return None
    mark, gap, bar = round(letters * 0.95), max(2, letters // 2), round(letters * 3.2)
    names = max(text_width(row[0], letters, bold=True) for row in rows)
    percents = text_width("100 %", letters)
    width = 2 * pad + mark + gap + names + gap + bar + gap + percents
    if width > widest * 0.75:  # the bar only repeats the number
        bar, width = 0, width - bar - gap
    if width > widest:
        return None
    sprite = panel(width, 2 * pad + len(rows) * step, radius=pad)
    for index, row in enumerate(rows):
        _draw_row(sprite, row, pad + index * step, (letters, pad, mark, gap, names, bar, step))
    sprite.setflags(write=False)
    return sprite


def _draw_row(
    sprite: NDArray[np.uint8], row: LegendRow, y: int, sizes: tuple[int, int, int, int, int, int, int]
) -> None:
    name, percent, colour, is_offscreen = row
    letters, pad, mark, gap, names, bar, step = sizes
    glyph = glyph_sprite("speaker", mark, colour) if is_offscreen else glyph_sprite("dot", mark * 7 // 10, colour)
    inset = (mark - glyph.shape[0]) // 2
    lay(sprite, glyph, x=pad + inset, y=y + (step - glyph.shape[0]) // 2)
    line_y = y + (step - line_height(letters)) // 2
    x = pad + mark + gap
    lay(sprite, text_sprite(name, text_height=letters, bold=True), x=x - 1, y=line_y)
    x += names + gap
    if bar:
        thick = max(2, round(letters * 0.3))
        bar_y = y + (step - thick) // 2
        lay(sprite, _bar(bar, thick, _TRACK), x=x, y=bar_y)
        lay(sprite, _bar(max(thick, round(bar * percent / 100)), thick, colour), x=x, y=bar_y)
        x += bar + gap
    value = text_sprite(f"{percent} %", text_height=letters, ink=FAINT_INK)
    lay(sprite, value, x=sprite.shape[1] - pad - value.shape[1] + 1, y=line_y)


def _bar(width: int, thick: int, colour: Rgb) -> NDArray[np.uint8]:
    bar = np.empty((thick, width, 4), np.uint8)
    bar[..., :3], bar[..., 3] = colour, rounded_mask(width, thick, thick / 2)
    return bar
