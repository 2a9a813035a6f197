"""Small pieces of lettering: pills with a class name, legend rows, badges. Made once, then pasted many times.

A sprite is uint8 ``[height width 4]``: RGB with alpha, the colour not multiplied by it.
"""

from __future__ import annotations

from functools import lru_cache
from threading import Lock
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.draw.colours import Rgb
from tvsl_core.media.draw.surface import Surface, lay_ink

Glyph = Literal["dot", "speaker"]
"""What stands before the words: a dot in the source's colour, or a loudspeaker in it."""

SMALLEST_TEXT = 9
"""Height in pixels below which lettering is not readable and is left out."""
PANEL: Rgb = (16, 17, 22)
PANEL_ALPHA = 205
INK: Rgb = (255, 255, 255)
FAINT_INK: Rgb = (196, 200, 208)
_OVERSAMPLING = 4
_WEIGHT, _BOLD = 400, 560
_CAPITALS = 0.7
"""Height of capital letters, in text heights, in the font that comes with OpenCV."""
_drawing_text = Lock()
"""OpenCV's font keeps its own state between calls; one thread at a time may ask it."""


def paste(surface: Surface, sprite: NDArray[np.uint8], *, x: int, y: int, opacity: float = 1.0) -> None:
    """Lay a sprite over a picture, in place; what lies outside the picture is cut off.

    Args:
        surface: Drawn on.
        sprite: ``[height width 4]``.
        x: Column of the sprite's left edge.
        y: Row of the sprite's upper edge.
        opacity: In [0, 1].
    """
    alpha = cv2.convertScaleAbs(cv2.extractChannel(sprite, 3), alpha=opacity)
    ink = cv2.multiply(sprite, cv2.merge((alpha, alpha, alpha, alpha)), scale=1 / 255)
    lay_ink(surface, cv2.insertChannel(alpha, ink, 3), x=x, y=y)


@lru_cache(maxsize=512)
def pill(
    name: str, value: str, *, text_height: int, widest: int, colour: Rgb, glyph: Glyph
) -> NDArray[np.uint8] | None:
    """A dark rounded label: glyph, class name, score.

    A long name is shortened with an ellipsis; when even that does not fit, the value goes, then the glyph.

    Args:
        name: Any words in any script.
        value: Beside the name, fainter; may be empty.
        text_height: Of the letters, in pixels.
        widest: Room there is, in pixels.
        colour: Of the glyph.
        glyph: Before the name.

    Returns: A sprite at most ``widest`` wide, or None when nothing readable fits.
    """
    if text_height < SMALLEST_TEXT:
        return None
    pad = max(2, round(text_height * 0.5))
    mark = round(text_height * (1.15 if glyph == "speaker" else 0.62))
    gap = max(2, round(text_height * 0.42))
    for shown_value, shown_mark in ((value, mark), ("", mark), ("", 0)):
        value_width = text_width(shown_value, text_height) + gap if shown_value else 0
        rest = widest - 2 * pad - value_width - (shown_mark + gap if shown_mark else 0)
        short = shorten(name, text_height, rest, bold=True)
        if short:
            return _draw_pill(short, shown_value, text_height, (pad, shown_mark, gap), colour, glyph)
    return None


@lru_cache(maxsize=4096)
def text_width(text: str, text_height: int, *, bold: bool = False) -> int:
    """Width of one line of text, in pixels."""
    if not text:
        return 0
    with _drawing_text:
        x, _, width, _ = cv2.getTextSize(
            (0, 0), _drawable(text), (0, 0), _font(), text_height, _BOLD if bold else _WEIGHT
        )
    return int(x + width)


@lru_cache(maxsize=512)
def text_sprite(text: str, *, text_height: int, ink: Rgb = INK, bold: bool = False) -> NDArray[np.uint8]:
    """One line of text on nothing, as high as its line: ``line_height(text_height)`` pixels; read-only.

    Any script can be written: the font that OpenCV brings along knows Latin, Greek, Cyrillic, Arabic, Chinese,
    Japanese and Korean letters.
    """
    width, height = text_width(text, text_height, bold=bold) + 2, line_height(text_height)
    baseline = round((height + _CAPITALS * text_height) / 2)
    mask = np.zeros((height, width, 3), np.uint8)
    with _drawing_text:
        weight = _BOLD if bold else _WEIGHT
        cv2.putText(mask, _drawable(text), (1, baseline), (255, 255, 255), _font(), text_height, weight)
    sprite = np.empty((height, width, 4), np.uint8)
    sprite[..., :3], sprite[..., 3] = ink, mask[..., 0]
    sprite.setflags(write=False)
    return sprite


def line_height(text_height: int) -> int:
    """Height of a line of text, in pixels."""
    return max(4, round(text_height * 1.3))


def panel(width: int, height: int, *, radius: float, alpha: int = PANEL_ALPHA) -> NDArray[np.uint8]:
    """A dark rounded rectangle."""
    sprite = np.empty((height, width, 4), np.uint8)
    sprite[..., :3] = PANEL
    mask = rounded_mask(width, height, radius)
    sprite[..., 3] = cv2.convertScaleAbs(mask, alpha=alpha / 255)
    return sprite


@lru_cache(maxsize=256)
def rounded_mask(width: int, height: int, radius: float) -> NDArray[np.uint8]:
    """255 inside a rounded rectangle that fills ``[height width]``, with smooth edges; read-only."""
    radius = min(radius, width / 2, height / 2)
    x = np.abs(np.arange(width) + 0.5 - width / 2) - (width / 2 - radius)
    y = np.abs(np.arange(height) + 0.5 - height / 2) - (height / 2 - radius)
    across, down = np.maximum(x, 0)[None, :], np.maximum(y, 0)[:, None]
    distance = np.hypot(across, down) - radius
    mask: NDArray[np.uint8] = (np.clip(0.5 - distance, 0, 1) * 255).round().astype(np.uint8)
    mask.setflags(write=False)
    return mask


@lru_cache(maxsize=128)
def glyph_sprite(glyph: Glyph, size: int, colour: Rgb) -> NDArray[np.uint8]:
    """A dot or a loudspeaker with two waves, drawn from shapes, ``[size size 4]``."""
    big = size * _OVERSAMPLING
    mask = np.zeros((big, big), np.uint8)
    if glyph == "dot":
        cv2.circle(mask, (big // 2, big // 2), round(big * 0.48), 255, -1)
    else:
        body = np.array([(0.04, 0.36), (0.22, 0.36), (0.46, 0.14), (0.46, 0.86), (0.22, 0.64), (0.04, 0.64)]) * big
        cv2.fillPoly(mask, [body.round().astype(np.int32)], 255)
        stroke = max(1, round(big * 0.085))
        for radius in (0.20, 0.40):
            axes = (round(big * radius), round(big * radius))
            cv2.ellipse(mask, (round(big * 0.52), big // 2), axes, 0, -48, 48, 255, stroke)
    sprite = np.empty((size, size, 4), np.uint8)
    sprite[..., :3] = colour
    sprite[..., 3] = cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA)
    return sprite


def _draw_pill(
    name: str, value: str, text_height: int, spaces: tuple[int, int, int], colour: Rgb, glyph: Glyph
) -> NDArray[np.uint8]:
    pad, mark, gap = spaces
    name_width = text_width(name, text_height, bold=True)
    width = 2 * pad + (mark + gap if mark else 0) + name_width + (gap + text_width(value, text_height) if value else 0)
    height = line_height(text_height) + 2 * max(1, round(text_height * 0.16))
    sprite = panel(width, height, radius=height * 0.34)
    x = pad
    if mark:
        lay(sprite, glyph_sprite(glyph, mark, colour), x=x, y=(height - mark) // 2)
        x += mark + gap
    line_y = (height - line_height(text_height)) // 2
    lay(sprite, text_sprite(name, text_height=text_height, bold=True), x=x - 1, y=line_y)
    if value:
        lay(sprite, text_sprite(value, text_height=text_height, ink=FAINT_INK), x=x + name_width + gap - 1, y=line_y)
    sprite.setflags(write=False)
    return sprite


def lay(under: NDArray[np.uint8], sprite: NDArray[np.uint8], *, x: int, y: int) -> None:
    """Lay a sprite over another one, in place: the colour by the upper's alpha, the alpha of the two together."""
    height, width = min(sprite.shape[0], under.shape[0] - y), min(sprite.shape[1], under.shape[1] - x)
    if x < 0 or y < 0:
        sprite = sprite[max(0, -y) :, max(0, -x) :]
        return lay(under, sprite, x=max(0, x), y=max(0, y))
    if width <= 0 or height <= 0:
        return None
    piece, place = sprite[:height, :width], under[y : y + height, x : x + width]
    over = piece[..., 3:].astype(np.float32) / 255
    place[..., :3] = (place[..., :3] * (1 - over) + piece[..., :3] * over + 0.5).astype(np.uint8)
    place[..., 3:] = (place[..., 3:] * (1 - over) + 255 * over + 0.5).astype(np.uint8)
    return None


def shorten(text: str, text_height: int, room: int, *, bold: bool = False) -> str:
    """A text, or its beginning with an ellipsis, at most ``room`` pixels wide; empty when fewer than 3 letters fit."""
    if text_width(text, text_height, bold=bold) <= room:
        return text
    few, many = 2, len(text) - 1
    while few < many:  # the longest beginning that fits lies in [few, many]; 2 stands for none
        middle = (few + many + 1) // 2
        fits = text_width(text[:middle].rstrip() + "…", text_height, bold=bold) <= room
        few, many = (middle, many) if fits else (few, middle - 1)
    return text[:few].rstrip() + "…" if few > 2 else ""


def _drawable(text: str) -> str:
    """The text without halves of characters, which stand for bytes of a file name that are not UTF-8.

    OpenCV (seen in 5.0) ends the process when it is given one.
    """
    return text.encode("utf-8", "replace").decode()


@lru_cache(maxsize=1)
def _font() -> cv2.FontFace:
    return cv2.FontFace("sans")
