"""A room of a museum at night, drawn by arithmetic: a wall, pools of lamplight, and gilded frames."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

PAPER = (58, 34, 36)
"""RGB of the wall where no lamp shines on it."""
GOLD = (196, 152, 82)
BORDER = 0.075
"""Width of a frame, as a share of its picture's height."""


def draw_wall(width: int, height: int, lamps: Sequence[float], *, seed: int = 1) -> NDArray[np.uint8]:
    """Draw an empty wall.

    Args:
        width: In pixels.
        height: In pixels.
        lamps: Columns above which a lamp hangs.
        seed: Fixes the pattern of the wall.

    Returns:
        RGB ``[height width 3]``.
    """
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    stripes = 1 + 0.05 * np.sign(np.sin(x * 2 * np.pi / (height / 12)))
    fine = random.normal(0, 1, (height, width)).astype(np.float32)
    weave = 1 + 0.015 * fine + 0.35 * cv2.GaussianBlur(fine, (0, 0), 9.0)
    light = np.full((height, width), 0.55, np.float32)
    for column in lamps:
        spread = height * (0.16 + 0.5 * y / height)
        light += 1.5 * np.exp(-(((x - column) / spread) ** 2)) * np.exp(-y / (0.75 * height))
    wall = np.array(PAPER, np.float32) * (stripes * weave * light)[..., None]
    skirting = y > 0.93 * height
    wall[skirting] *= np.array([0.62, 0.62, 0.62], np.float32)
    edge = np.exp(-(((y - 0.93 * height) / 2.5) ** 2))[..., None]
    return np.asarray((wall * (1 + 0.9 * edge)).round().clip(0, 255), np.uint8)


def hang(wall: NDArray[np.uint8], picture: NDArray[np.uint8], left: int, top: int) -> None:
    """Hang a picture on a wall, in a frame that throws a shadow.

    Args:
        wall: RGB; drawn upon.
        picture: RGB, at the size at which it hangs.
        left: Of the picture's edge inside of the frame, in pixels of the wall.
        top: The same, of its upper edge.
    """
    height, width = picture.shape[:2]
    border = round(BORDER * height)
    rows, columns = slice(top - border, top + height + border), slice(left - border, left + width + border)
    shade = np.zeros(wall.shape[:2], np.float32)
    shade[rows, columns] = 1
    shade = np.asarray(cv2.GaussianBlur(np.roll(shade, (border // 2, border // 5), (0, 1)), (0, 0), border * 0.45))
    wall[:] = (wall * (1 - 0.75 * shade[..., None])).astype(np.uint8)
    wall[rows, columns] = _frame(width, height, border)
    wall[top : top + height, left : left + width] = picture


def _frame(width: int, height: int, border: int) -> NDArray[np.uint8]:
    """A mitred frame around a picture of a size: two ridges and a hollow, lit from above."""
    y, x = np.mgrid[0 : height + 2 * border, 0 : width + 2 * border].astype(np.float32)
    edges = np.stack([y, x, y[::-1], x[:, ::-1]])
    side, depth = edges.argmin(axis=0), edges.min(axis=0) / border
    relief = 0.32 * np.cos(2 * np.pi * 1.5 * depth) + 0.1 * np.cos(2 * np.pi * 7 * depth)
    facing = np.array([1.0, 0.25, -0.85, -0.25], np.float32)[side]
    lit = np.array([1.0, 0.86, 0.7, 0.78], np.float32)[side]
    bright = lit * (0.72 + relief * facing)
    bright = np.where((depth < 0.06) | (depth > 0.92), 0.3, bright)
    grain = np.random.default_rng(width).normal(1, 0.05, bright.shape).astype(np.float32)
    gold = np.array(GOLD, np.float32) * (bright * cv2.GaussianBlur(grain, (0, 0), 0.8))[..., None]
    return np.asarray((gold + 60 * np.clip(bright - 0.85, 0, 1)[..., None]).round().clip(0, 255), np.uint8)
