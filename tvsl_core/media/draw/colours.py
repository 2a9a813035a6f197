"""Colours for heat and for telling sources apart. All colours are RGB, 0 to 255."""

from __future__ import annotations

from functools import lru_cache
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.draw.style import ColourMap

Rgb = tuple[int, int, int]
"""Red, green, blue; each in [0, 255]."""

COLOUR_MAPS: tuple[ColourMap, ...] = get_args(ColourMap)

SOURCE_COLOURS: tuple[Rgb, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
    (0, 114, 178),
)
"""One colour a source, told apart by colour-blind viewers too.

Source: Okabe and Ito, "Color Universal Design", 2008; without black, the ones that stand out on a picture first.
"""

_LIGHT: Rgb = (255, 255, 255)
_DARK: Rgb = (17, 17, 20)


def source_colour(source_id: int) -> Rgb:
    """The colour of a source in a combined picture.

    The palette has seven colours; later sources get them again, each round lighter than the one before, and from the
    third round on they repeat.

    Args:
        source_id: From 0.

    Raises: ValueError: ``source_id`` is negative.
    """
    if source_id < 0:
        raise ValueError(f"source ids count from 0, got {source_id}")
    turn, place = divmod(source_id, len(SOURCE_COLOURS))
    return mix(SOURCE_COLOURS[place], _LIGHT, 0.45 if turn % 2 else 0.0)


def mix(first: Rgb, second: Rgb, share: float) -> Rgb:
    """``first`` at share 0, ``second`` at share 1, and in between their blend."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def contrast(first: Rgb, second: Rgb) -> float:
    """Contrast ratio of two colours, from 1 (the same) to 21 (black on white); text wants at least 4.5.

    Source: W3C, "Web Content Accessibility Guidelines 2.2", definition of contrast ratio.
    """
    dim, bright = sorted((_luminance(first), _luminance(second)))
    return (bright + 0.05) / (dim + 0.05)


@lru_cache(maxsize=16)
def map_ramp(name: ColourMap) -> NDArray[np.uint8]:
    """The colours of a map from cold to hot: uint8 ``[256 3]``, read-only.

    Raises: ValueError: There is no such map.
    """
    if name not in COLOUR_MAPS:
        raise ValueError(f"unknown colour map {name!r}, choose one of {', '.join(COLOUR_MAPS)}")
    steps = np.arange(256, dtype=np.uint8)[:, None]
    colours = cv2.applyColorMap(steps, getattr(cv2, f"COLORMAP_{name.upper()}"))[:, 0, ::-1].astype(np.uint8)
    colours.setflags(write=False)
    return colours


@lru_cache(maxsize=64)
def colour_ramp(colour: Rgb) -> NDArray[np.uint8]:
    """From a deep shade of one colour over the colour to a light tint of it: uint8 ``[256 3]``, read-only."""
    stops = np.array([mix(colour, _DARK, 0.55), colour, mix(colour, _LIGHT, 0.35)], np.float64)
    places = np.linspace(0, 2, 256)
    channels = [np.interp(places, (0, 1.2, 2), stops[:, channel]) for channel in range(3)]
    colours = np.stack(channels, axis=1).round().astype(np.uint8)
    colours.setflags(write=False)
    return colours


def _luminance(colour: Rgb) -> float:
    """Relative luminance in [0, 1] (the same source as ``contrast``)."""
    levels = [value / 255 for value in colour]
    red, green, blue = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
