"""A frame and what sounds in it become a picture that a person enjoys: glow, box, label, legend, badge.

    picture = draw_heat(pixels, [Heat(name="dog", score=0.91, values=map_values, boxes=(box,))])

A frame in which nothing sounds is returned as it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.draw.colours import Rgb, colour_ramp, map_ramp, mix
from tvsl_core.media.draw.heat import add_glow, fade, interpolate_maps, smooth_map
from tvsl_core.media.draw.labels import SMALLEST_TEXT, Glyph, paste, pill, text_width
from tvsl_core.media.draw.legend import legend_panel
from tvsl_core.media.draw.place import Area, overlap, place_label
from tvsl_core.media.draw.style import HeatStyle
from tvsl_core.media.draw.surface import Surface, lay_ink
from tvsl_core.media.read.planes import colour_standard, copied, planes_of
from tvsl_core.types import Box

if TYPE_CHECKING:
    from av import VideoFrame

__all__ = ["Heat", "HeatStyle", "draw_heat", "fade", "interpolate_maps"]

ACCENT: Rgb = (255, 186, 73)
"""Box and dot of a source that has no colour of its own; warm, as the hot end of the default colour map."""
_INVISIBLE = 1 / 128
_BIG_TEXT = 64
_SHADOW = 0.9
"""Times the blurred stroke is the darkness around a box."""
_PRESENCE_STEPS = 64
_LABEL_SHARE = 0.12
"""A label that would cover more of the picture than this is left out."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Heat:
    """One source at one instant, ready to be drawn."""

    name: str
    """Its class."""
    score: float
    """How sure we are that it sounds, in [0, 1]; shown as per cent."""
    strength: float = 1.0
    """How much of it is to be seen, in [0, 1]: 0 is nothing at all. For coming and going softly.

    Box and lettering are whole from a half on, so that a weak source can still be read.
    """
    values: NDArray[np.float32] | None = None
    """Localization map ``[row column]`` in [0, 1], covering the frame; None when it has none."""
    boxes: tuple[Box, ...] = ()
    """In pixels of the frame, the strongest first. None and no map: the source is off-screen and gets a badge."""
    colour: Rgb | None = None
    """Its own colour, for several sources in one picture; None takes the style's colour map."""

    def __post_init__(self) -> None:
        for name in ("score", "strength"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], got {value}")
        if self.values is not None and (self.values.ndim != 2 or 0 in self.values.shape):
            raise ValueError(f"a map is [row column] with at least one patch, got shape {self.values.shape}")

    @property
    def is_offscreen(self) -> bool:
        """Whether it is heard and not seen."""
        return self.values is None and not self.boxes

    @property
    def is_visible(self) -> bool:
        """Whether drawing it would change anything."""
        return self.strength > _INVISIBLE

    @property
    def presence(self) -> float:
        """Opacity of box and lettering, in [0, 1]."""
        return min(1.0, 2 * self.strength)

    @property
    def percent(self) -> str:
        """The score as people read it."""
        return f"{round(100 * self.score)} %"


def draw_heat(frame: NDArray[np.uint8], heats: Sequence[Heat], style: HeatStyle | None = None) -> NDArray[np.uint8]:
    """Draw all sources of one instant over a picture.

    Args:
        frame: RGB ``[height width 3]``; never changed.
        heats: What sounds; the later ones are drawn over the earlier ones.
        style: How it looks.

    Returns: A new picture of the same size, or ``frame`` itself when there is nothing to draw.
    """
    if not any(heat.is_visible for heat in heats):
        return frame
    picture = frame.copy(order="C")
    _draw(Surface.of_rgb(picture), heats, style or HeatStyle())
    return picture


def draw_heat_coded(frame: VideoFrame, heats: Sequence[Heat], style: HeatStyle | None = None) -> VideoFrame:
    """As :func:`draw_heat`, over a frame as a video codes it.

    Args:
        frame: In ``yuv420p``, of even size; never changed.
        heats: What sounds; the later ones are drawn over the earlier ones.
        style: How it looks.

    Returns: A new frame of the same size, or ``frame`` itself when there is nothing to draw.
    """
    if not any(heat.is_visible for heat in heats):
        return frame
    drawn = copied(frame)
    _draw(Surface.of_planes(planes_of(drawn), colour_standard(drawn)), heats, style or HeatStyle())
    return drawn


def _draw(surface: Surface, heats: Sequence[Heat], style: HeatStyle) -> None:
    heats = [heat for heat in heats if heat.is_visible]
    for heat in heats:
        if heat.values is not None:
            ramp = map_ramp(style.colour_map) if heat.colour is None else colour_ramp(heat.colour)
            glow = smooth_map(heat.values, width=surface.width, height=surface.height)
            add_glow(surface, glow, ramp, strength=heat.strength, opacity=style.opacity)
    if style.boxes:
        for heat in heats:
            for box in heat.boxes:
                _outline(surface, box, heat.colour or ACCENT, heat.presence)
    taken: list[Area] = []
    if style.legend:
        taken += _draw_legend(surface, heats, style)
    if style.labels:
        _draw_labels(surface, heats, style, taken)


def text_height(width: int, height: int, scale: float = 1.0) -> int:
    """Height of the lettering on a frame, in pixels: one size for all of it, growing with the frame."""
    usual = min(_BIG_TEXT, max(SMALLEST_TEXT + 1, 0.4 * math.pow(min(width, height), 0.62)))
    return round(usual * scale)


def _draw_legend(surface: Surface, heats: Sequence[Heat], style: HeatStyle) -> list[Area]:
    width, height = surface.width, surface.height
    letters = text_height(width, height, style.text_scale * 0.9)
    margin = max(2, letters // 2)
    rows = [(heat.name, round(100 * heat.score), heat.colour or ACCENT, heat.is_offscreen) for heat in heats]
    sprite = legend_panel(tuple(rows), letters, width * 3 // 5, height * 2 // 5)
    if sprite is None:
        return []
    x, y = margin, height - margin - sprite.shape[0]
    paste(surface, sprite, x=x, y=y, opacity=max(heat.presence for heat in heats))
    return [(x, y, x + sprite.shape[1], y + sprite.shape[0])]


def _draw_labels(surface: Surface, heats: Sequence[Heat], style: HeatStyle, taken: list[Area]) -> None:
    """Labels of the strongest region of each source, and badges; each at the best place that is free."""
    width, height = surface.width, surface.height
    letters = text_height(width, height, style.text_scale)
    margin = max(1, letters // 3)
    for heat in sorted(heats, key=lambda heat: (not heat.is_offscreen, -heat.score)):
        sprite = _label(heat, letters, width, height, margin)
        if sprite is None:
            continue
        anchor = None if heat.is_offscreen else _anchor(heat, width, height)
        size = sprite.shape[1], sprite.shape[0]
        area = place_label(size, frame=(width, height), anchor=anchor, taken=taken, margin=margin)
        if style.legend and any(overlap(area, other) for other in taken):
            continue  # the legend already says it, and two labels over each other say nothing
        taken.append(area)
        paste(surface, sprite, x=area[0], y=area[1], opacity=heat.presence)


def _label(heat: Heat, letters: int, width: int, height: int, margin: int) -> NDArray[np.uint8] | None:
    """The longest wording of a label that leaves enough of the picture to see; None when there is none."""
    pale = mix(heat.colour or ACCENT, (255, 255, 255), 0.15)
    glyph: Glyph = "speaker" if heat.is_offscreen else "dot"
    room = width - 2 * margin
    long = f"offscreen: {heat.name}"
    fits = heat.is_offscreen and text_width(long, letters, bold=True) < 0.7 * room
    for words in (long, heat.name) if fits else (heat.name,):
        sprite = pill(words, heat.percent, text_height=letters, widest=room, colour=pale, glyph=glyph)
        if sprite is not None and sprite.shape[0] * sprite.shape[1] <= _LABEL_SHARE * width * height:
            return sprite
    return None


def _anchor(heat: Heat, width: int, height: int) -> Area:
    """What a label belongs to: the strongest box, else the hottest cell of the map."""
    if heat.boxes:
        box = heat.boxes[0]
        return box.x_min, box.y_min, box.x_max, box.y_max
    assert heat.values is not None
    rows, columns = heat.values.shape
    row, column = divmod(int(np.argmax(heat.values)), columns)
    return (
        column * width // columns,
        row * height // rows,
        (column + 1) * width // columns,
        (row + 1) * height // rows,
    )


def _outline(surface: Surface, box: Box, colour: Rgb, presence: float) -> None:
    """A thin rounded frame with a soft shadow around it, in place.

    Only the four strips under the stroke are touched, so that a large box costs no more than its edge, and all large
    boxes are one small one with longer sides.
    """
    width, height = surface.width, surface.height
    stroke = max(1, round(min(width, height) / 300))
    reach = 3 * stroke + 1
    left, top = max(0, min(width - 1, box.x_min)), max(0, min(height - 1, box.y_min))
    right, bottom = max(left + 1, min(width, box.x_max)), max(top + 1, min(height, box.y_max))
    radius = min(round(min(width, height) / 60), (right - left) // 2, (bottom - top) // 2)
    enough = 2 * (radius + reach) + 1
    across, down = min(right - left, enough), min(bottom - top, enough)
    level = round(presence * _PRESENCE_STEPS)
    ink = _frame_ink(across, down, radius, stroke, colour, level)
    columns = _lengthened(ink.shape[1], right - left - across)
    rows = _lengthened(ink.shape[0], bottom - top - down)
    x, y = left - reach, top - reach
    edge, middle = 2 * reach, slice(2 * reach, max(2 * reach, len(rows) - 2 * reach))
    if len(rows) <= 2 * edge or len(columns) <= 2 * edge:
        lay_ink(surface, ink[rows][:, columns], x=x, y=y)
        return
    lay_ink(surface, ink[rows[:edge]][:, columns], x=x, y=y)
    lay_ink(surface, ink[rows[-edge:]][:, columns], x=x, y=y + len(rows) - edge)
    lay_ink(surface, ink[rows[middle], :edge], x=x, y=y + edge)
    lay_ink(surface, ink[rows[middle], -edge:], x=x + len(columns) - edge, y=y + edge)


def _lengthened(length: int, more: int) -> NDArray[np.intp]:
    """Indices of all of ``length``, that of its middle so many times more."""
    middle = length // 2
    return np.concatenate([np.arange(middle), np.full(more, middle), np.arange(middle, length)])


@lru_cache(maxsize=512)
def _frame_ink(across: int, down: int, radius: int, stroke: int, colour: Rgb, level: int) -> NDArray[np.uint8]:
    """The frame around a box of this size, with the shadow around it, for ``lay_ink``."""
    reach, presence = 3 * stroke + 1, level / _PRESENCE_STEPS
    line = np.zeros((down + 2 * reach, across + 2 * reach), np.uint8)
    _rounded_line(line, (reach, reach, reach + across, reach + down), radius, stroke)
    spread = (2 * stroke + 1, 2 * stroke + 1)
    shadow = cv2.convertScaleAbs(cv2.blur(cv2.blur(line, spread), spread), alpha=_SHADOW * presence)
    seen = cv2.convertScaleAbs(line, alpha=presence)
    tint = np.rint(np.arange(256)[:, None, None] / 255 * np.array(colour)).astype(np.uint8)
    # What is left of the picture under shadow and stroke; the shadow is black, so the stroke's colour is all ink.
    rest = cv2.multiply(cv2.bitwise_not(shadow), cv2.bitwise_not(seen), scale=1 / 255)
    return cv2.merge((*cv2.split(cv2.applyColorMap(seen, tint)), cv2.bitwise_not(rest)))  # type: ignore[return-value]


def _rounded_line(mask: NDArray[np.uint8], inner: Area, radius: int, stroke: int) -> None:
    """Draw the edge of a rounded rectangle in 255; the stroke lies inside it."""
    half = stroke // 2
    x0, y0, x1, y1 = inner[0] + half, inner[1] + half, inner[2] - 1 - half, inner[3] - 1 - half
    if x1 <= x0 or y1 <= y0:
        cv2.rectangle(mask, (inner[0], inner[1]), (inner[2] - 1, inner[3] - 1), 255, 1)
        return
    radius = max(0, min(radius, (x1 - x0) // 2, (y1 - y0) // 2))
    corners = ((x1 - radius, y1 - radius, 0), (x0 + radius, y1 - radius, 90), (x0 + radius, y0 + radius, 180))
    arcs = [
        cv2.ellipse2Poly((x, y), (radius, radius), 0, begin, begin + 90, 10)
        for x, y, begin in (*corners, (x1 - radius, y0 + radius, 270))
    ]
    cv2.polylines(mask, [np.concatenate(arcs).astype(np.int32)], True, 255, stroke, cv2.LINE_AA)
