"""What is drawn on: a picture in RGB, or the luma and chroma that videos are coded in.

Whatever is drawn hides a share of what lies under it and adds a colour of its own. The step from RGB to luma and chroma
is linear, so both give the same picture, but for rounding and the coarser grid of chroma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from tvsl_core.media.read.planes import ColourStandard

_LUMA_WEIGHTS = {"bt709": (0.2126, 0.0722), "smpte170m": (0.299, 0.114)}
"""Of red and blue. Source: ITU-R BT.709-6, section 3, and BT.601-7, section 2.5."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Plane:
    """One array of a picture."""

    pixels: NDArray[np.uint8]
    """``[row column]`` or ``[row column channel]``; drawn on in place."""
    step: int
    """Pixels of the picture, across and down, that one value stands for: 1, or 2 for chroma."""
    mixing: NDArray[np.float32]
    """``[channel 4]``: from red, green, blue and opacity, all to 255 and multiplied by the opacity, to its values."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Surface:
    """A picture that is drawn on, in place."""

    width: int
    height: int
    planes: tuple[Plane, ...]

    @classmethod
    def of_rgb(cls, pixels: NDArray[np.uint8]) -> Self:
        """A picture in RGB, ``[height width 3]``."""
        plane = Plane(pixels=pixels, step=1, mixing=np.eye(3, 4, dtype=np.float32))
        return cls(width=pixels.shape[1], height=pixels.shape[0], planes=(plane,))

    @classmethod
    def of_planes(cls, planes: Sequence[NDArray[np.uint8]], standard: ColourStandard) -> Self:
        """Luma and two planes of chroma, ``[row column]`` each, the latter half as wide and half as high."""
        luma = planes[0]
        height, width = luma.shape
        rows = _from_rgb(standard)
        steps = (1, 2, 2)
        return cls(
            width=width,
            height=height,
            planes=tuple(
                Plane(pixels=pixels, step=step, mixing=row[None])
                for pixels, step, row in zip(planes, steps, rows, strict=True)
            ),
        )


@cache
def _from_rgb(standard: ColourStandard) -> NDArray[np.float32]:
    """Rows for Y', Cb and Cr of 8 bits in [16, 235] and [16, 240] (ITU-R BT.709-6, section 3.5; BT.601-7, 2.5.3)."""
    red, blue = _LUMA_WEIGHTS[standard]
    luma = np.array([red, 1 - red - blue, blue])
    towards_blue = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    towards_red = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    rows = np.stack([219 * luma, 224 * towards_blue, 224 * towards_red]) / 255
    return np.hstack([rows, np.array([[16], [128], [128]]) / 255]).astype(np.float32)


def lay_ink(surface: Surface, ink: MatLike, *, x: int, y: int) -> None:
    """Lay a piece of drawing over a picture, in place; what lies outside the picture is cut off.

    Args:
        surface: Drawn on.
        ink: RGB and opacity, ``[height width 4]``, the colours multiplied by the opacity.
        x: Column of the piece's left edge.
        y: Row of the piece's upper edge.
    """
    left, top = max(0, x), max(0, y)
    right, bottom = min(surface.width, x + ink.shape[1]), min(surface.height, y + ink.shape[0])
    if right <= left or bottom <= top:
        return
    ink = ink[top - y : bottom - y, left - x : right - x]
    coarse: MatLike | None = None
    for plane in surface.planes:
        if plane.step == 1:
            _blend(plane, ink, left, top)
            continue
        coarse = _halved(ink, left % 2, top % 2) if coarse is None else coarse
        _blend(plane, coarse, left // 2, top // 2)


def _halved(ink: MatLike, left: int, top: int) -> MatLike:
    """The same on the grid of chroma, which begins ``left`` columns and ``top`` rows before it."""
    right, bottom = (left + ink.shape[1]) % 2, (top + ink.shape[0]) % 2
    even = cv2.copyMakeBorder(ink, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
    size = even.shape[1] // 2, even.shape[0] // 2
    return cv2.resize(even, size, interpolation=cv2.INTER_AREA)


def _blend(plane: Plane, ink: MatLike, x: int, y: int) -> None:
    part = plane.pixels[y : y + ink.shape[0], x : x + ink.shape[1]]
    rest = cv2.bitwise_not(cv2.extractChannel(ink, 3))
    if part.ndim == 3:
        rest = cv2.cvtColor(rest, cv2.COLOR_GRAY2BGR)
    cv2.multiply(part, rest, dst=part, scale=1 / 255)
    cv2.add(part, cv2.transform(ink, plane.mixing), dst=part)
