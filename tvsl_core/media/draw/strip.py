"""A thumbnail strip: the strongest moment of each source of a video, side by side in one JPEG."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.errors import OutputError
from tvsl_core.media.draw.colours import Rgb
from tvsl_core.media.draw.frame import ACCENT, Heat, HeatStyle, draw_heat
from tvsl_core.media.draw.labels import (
    FAINT_INK,
    glyph_sprite,
    line_height,
    paste,
    rounded_mask,
    shorten,
    text_sprite,
    text_width,
)
from tvsl_core.media.draw.surface import Surface
from tvsl_core.system.files import write_bytes
from tvsl_core.types import Box

NOTHING_FOUND = "no sounding source found"
"""What stands under the frame of a video in which nothing was found."""

QUALITY = 70
"""Of the JPEG, to 100: letters stay crisp, at a tenth of the bytes of a PNG."""
_BACKGROUND: Rgb = (22, 23, 28)
_CELL_PIXELS = 440 * 248
_LONGEST_SIDE = 560
_NARROWEST = 236
_MARGIN = 28
_GAP = 20
_TITLE_TEXT, _NAME_TEXT, _NOTE_TEXT = 24, 20, 15
_CORNER = 10.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class StripCell:
    """One moment of a video."""

    pixels: NDArray[np.uint8]
    """The frame, RGB ``[height width 3]``."""
    time_s: float
    """When it is shown, on the video's timeline."""
    heat: Heat | None = None
    """What sounds in it, in pixels of the frame; None when nothing does."""
    frame_size: tuple[int, int] | None = None
    """Width and height of the frame where ``pixels`` are a smaller copy of it."""

    @property
    def note(self) -> str:
        """The small second line."""
        minutes, seconds = divmod(max(0.0, self.time_s), 60)
        clock = f"{int(minutes)}:{math.floor(seconds * 10) / 10:04.1f}"
        return f"at {clock}, offscreen" if self.heat is not None and self.heat.is_offscreen else f"at {clock}"


def draw_strip(
    cells: Sequence[StripCell], *, title: str, style: HeatStyle | None = None, per_row: int = 4
) -> NDArray[np.uint8]:
    """Draw the strip.

    Args:
        cells: The moments, in the order in which they stand; none draws the title and a sentence alone.
        title: Usually the video's file name; shortened to the strip's width.
        style: How the heat looks; labels and legend are left to the captions.
        per_row: At most so many side by side.

    Returns: RGB ``[height width 3]``.

    Raises: ValueError: ``per_row`` is below 1.
    """
    if per_row < 1:
        raise ValueError(f"per_row must be at least 1, got {per_row}")
    style = dataclasses.replace(style or HeatStyle(), labels=False, legend=False)
    pictures = [_thumbnail(cell, style) for cell in cells]
    cell_width = max([_NARROWEST, *(picture.shape[1] for picture in pictures)])
    columns = max(1, min(per_row, len(cells)))
    rows = math.ceil(len(cells) / columns)
    caption = line_height(_NAME_TEXT) + line_height(_NOTE_TEXT) + 14
    picture_height = max((picture.shape[0] for picture in pictures), default=-_GAP)
    top = _MARGIN + line_height(_TITLE_TEXT) + line_height(_NOTE_TEXT) + _GAP
    width = 2 * _MARGIN + columns * cell_width + (columns - 1) * _GAP
    height = top + rows * (picture_height + caption) + max(0, rows - 1) * _GAP + _MARGIN
    canvas = np.full((height, width, 3), _BACKGROUND, np.uint8)
    surface = Surface.of_rgb(canvas)
    _write_head(surface, title, cells)
    for index, (cell, picture) in enumerate(zip(cells, pictures, strict=True)):
        row, column = divmod(index, columns)
        x = _MARGIN + column * (cell_width + _GAP)
        y = top + row * (picture_height + caption + _GAP)
        offset = (picture_height - picture.shape[0]) // 2
        _paste_rounded(surface, picture, x + (cell_width - picture.shape[1]) // 2, y + offset)
        _write_caption(surface, cell, x, y + picture_height + 10, cell_width)
    return canvas


def write_strip(
    path: Path, cells: Sequence[StripCell], *, title: str, style: HeatStyle | None = None, per_row: int = 4
) -> Path:
    """Write the strip as a JPEG file; it appears under its name only when it is whole.

    Args:
        path: Where it will be; its folder must exist. Replaced when it exists.
        cells: The moments, in the order in which they stand.
        title: Usually the video's file name.
        style: How the heat looks.
        per_row: At most so many side by side.

    Returns: ``path``.

    Raises: OutputError: The disk is full, or the folder cannot be written to. Nothing is left behind.
    """
    canvas = draw_strip(cells, title=title, style=style, per_row=per_row)
    picture = cv2.cvtColor(canvas, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
    if not done:
        raise OutputError(f"Cannot write {path}: the picture cannot be encoded.", stage="write")
    write_bytes(path, data.tobytes())
    return path


def _thumbnail(cell: StripCell, style: HeatStyle) -> NDArray[np.uint8]:
    """The frame at the size of a cell, with its heat drawn at that size."""
    height, width = cell.pixels.shape[:2]
    scale = min(math.sqrt(_CELL_PIXELS / (width * height)), _LONGEST_SIDE / max(width, height))
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    small: NDArray[np.uint8] = cv2.resize(cell.pixels, (new_width, new_height), interpolation=method).astype(np.uint8)
    if cell.heat is None:
        return small
    across, down = cell.frame_size or (width, height)
    boxes = tuple(_scaled(box, new_width / across, new_height / down) for box in cell.heat.boxes)
    return draw_heat(small, [dataclasses.replace(cell.heat, boxes=boxes, strength=1.0)], style)


def _scaled(box: Box, across: float, down: float) -> Box:
    x_min, y_min = round(box.x_min * across), round(box.y_min * down)
    return Box(
        x_min=x_min,
        y_min=y_min,
        x_max=max(x_min + 1, round(box.x_max * across)),
        y_max=max(y_min + 1, round(box.y_max * down)),
        score=box.score,
    )


def _write_head(surface: Surface, title: str, cells: Sequence[StripCell]) -> None:
    room = surface.width - 2 * _MARGIN
    words = shorten(title, _TITLE_TEXT, room, bold=True)
    paste(surface, text_sprite(words, text_height=_TITLE_TEXT, bold=True), x=_MARGIN, y=_MARGIN - 6)
    found = sum(cell.heat is not None for cell in cells)
    summary = NOTHING_FOUND if found == 0 else "1 sounding source" if found == 1 else f"{found} sounding sources"
    line = text_sprite(summary, text_height=_NOTE_TEXT, ink=FAINT_INK)
    paste(surface, line, x=_MARGIN, y=_MARGIN - 2 + line_height(_TITLE_TEXT))


def _write_caption(surface: Surface, cell: StripCell, x: int, y: int, width: int) -> None:
    note = text_sprite(cell.note, text_height=_NOTE_TEXT, ink=FAINT_INK)
    heat = cell.heat
    if heat is None:
        paste(surface, note, x=x, y=y)
        return
    mark = round(_NAME_TEXT * (1.1 if heat.is_offscreen else 0.62))
    glyph = glyph_sprite("speaker" if heat.is_offscreen else "dot", mark, heat.colour or ACCENT)
    paste(surface, glyph, x=x, y=y + (line_height(_NAME_TEXT) - mark) // 2)
    percent_width = text_width(heat.percent, _NAME_TEXT)
    left = x + mark + 9
    name = shorten(heat.name, _NAME_TEXT, x + width - left - percent_width - 12, bold=True)
    paste(surface, text_sprite(name, text_height=_NAME_TEXT, bold=True), x=left, y=y)
    percent = text_sprite(heat.percent, text_height=_NAME_TEXT, ink=FAINT_INK)
    paste(surface, percent, x=left + text_width(name, _NAME_TEXT, bold=True) + 10, y=y)
    paste(surface, note, x=x, y=y + line_height(_NAME_TEXT) + 2)


def _paste_rounded(surface: Surface, picture: NDArray[np.uint8], x: int, y: int) -> None:
    height, width = picture.shape[:2]
    paste(surface, np.dstack([picture, rounded_mask(width, height, _CORNER)]), x=x, y=y)
