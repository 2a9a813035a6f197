"""Second step of a mixture: where everything stands in the frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from tvsl_core.data.scenes.cast import weighted
from tvsl_core.data.scenes.options import LAYOUTS, MixtureOptions

PixelBox = tuple[int, int, int, int]
"""``x_min, y_min, x_max, y_max``, right and bottom excluded."""
TRIES = 30
"""Places that are tried for an object before it is made smaller."""
WIDEST = 0.95
"""A placed object is at most so wide, as a share of the frame's width."""
INSETS = (0.28, 0.45)
"""Sides of an inset, as shares of the frame's."""
_LEAST_OBJECTS = {"placed": 1, "side-by-side": 2, "collage": 2, "inset": 2, "whole": 1}
_MOST_OBJECTS = {"placed": 99, "side-by-side": 4, "collage": 4, "inset": 3, "whole": 1}


def draw_layout(options: MixtureOptions, objects: int, *, placeable: bool, rng: np.random.Generator) -> str:
    """One of the layouts that so many objects allow.

    Args:
        options: Their weights.
        objects: How many are in the picture; none makes ``empty``.
        placeable: Whether every one of them can be cut out.
        rng: Of the scene.
    """
    if objects == 0:
        return "empty"
    weights = [
        weight if _LEAST_OBJECTS[name] <= objects <= _MOST_OBJECTS[name] and (placeable or name != "placed") else 0.0
        for name, weight in zip(LAYOUTS, options.layouts, strict=True)
    ]
    if sum(weights) <= 0:
        return "whole" if objects == 1 else "side-by-side"
    return LAYOUTS[weighted(weights, rng)]


def draw_tiles(layout: str, objects: int, size: tuple[int, int], rng: np.random.Generator) -> list[PixelBox]:
    """One rectangle for each object, from the back to the front.

    Args:
        layout: ``whole``, ``side-by-side``, ``collage`` or ``inset``.
        objects: How many.
        size: Of the frame, (width, height).
        rng: Of the scene.
    """
    width, height = size
    if layout == "whole":
        return [(0, 0, width, height)]
    if layout == "side-by-side":
        edges = [round(width * number / objects) for number in range(objects + 1)]
        return [(left, 0, right, height) for left, right in pairwise(edges)]
    if layout == "inset":
        return [(0, 0, width, height), *_corner_tiles(objects - 1, size, rng)]
    across = round(width * rng.uniform(0.4, 0.6))
    down = round(height * rng.uniform(0.4, 0.6))
    if objects == 2 and rng.random() < 0.5:
        return [(0, 0, width, down), (0, down, width, height)]
    cells = [(0, 0, across, down), (across, 0, width, down), (0, down, across, height), (across, down, width, height)]
    return [cells[int(number)] for number in rng.permutation(4)[:objects]]


def _corner_tiles(number: int, size: tuple[int, int], rng: np.random.Generator) -> list[PixelBox]:
    """Insets in different corners."""
    width, height = size
    found = []
    for corner in rng.permutation(4)[:number]:
        side = rng.uniform(*INSETS)
        margin = rng.uniform(0.0, 0.05)
        across, down, gap = round(width * side), round(height * side), round(height * margin)
        left = gap if corner % 2 == 0 else width - across - gap
        top = gap if corner < 2 else height - down - gap
        found.append((left, top, left + across, top + down))
    return found


def turned_size(size: tuple[int, int], degrees: float) -> tuple[float, float]:
    """Width and height of the box around a rectangle that leans."""
    cosine, sine = abs(math.cos(math.radians(degrees))), abs(math.sin(math.radians(degrees)))
    return size[0] * cosine + size[1] * sine, size[0] * sine + size[1] * cosine


def place_objects(
    shapes: Sequence[tuple[float, float]], options: MixtureOptions, size: tuple[int, int], rng: np.random.Generator
) -> list[PixelBox]:
    """Boxes for objects that stand before a background, from the back to the front, none hidden behind the others.

    Args:
        shapes: Width and height of each, in any unit: only the ratio counts.
        options: Heights, overlap and overhang.
        size: Of the frame, (width, height).
        rng: Of the scene.
    """
    boxes: list[PixelBox] = []
    for across, down in shapes:
        box = None
        shrink = 1.0
        while box is None:
            box = _free_place(across / down, boxes, options, size, shrink, rng)
            shrink *= 0.8
        boxes.append(box)
    return boxes


def _free_place(
    ratio: float,
    boxes: Sequence[PixelBox],
    options: MixtureOptions,
    size: tuple[int, int],
    shrink: float,
    rng: np.random.Generator,
) -> PixelBox | None:
    """A place that leaves the others and itself visible; None when none was found at this size."""
    width, height = size
    least, most = options.heights
    for _ in range(TRIES):
        tall = height * least * (most / least) ** rng.random()
        tall = max(4.0, min(tall, WIDEST * width / ratio) * (shrink if boxes else 1.0))
        wide = max(2.0, tall * ratio)
        over = options.overhang * wide
        left = rng.uniform(-over, width - wide + over) if wide < width + 2 * over else -over
        top = rng.uniform(0, height - tall) if tall < height else 0.0
        box = (round(left), round(top), round(left) + max(2, round(wide)), round(top) + max(4, round(tall)))
        if all(covered(box, other) <= options.overlap and covered(other, box) <= options.overlap for other in boxes):
            return box
    return boxes[-1] if shrink < 0.01 else None  # unreachable with an overlap over 0: a dot fits somewhere


def covered(box: PixelBox, other: PixelBox) -> float:
    """The share of a box that lies in another one, in [0, 1]."""
    across = min(box[2], other[2]) - max(box[0], other[0])
    down = min(box[3], other[3]) - max(box[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    return across * down / ((box[2] - box[0]) * (box[3] - box[1]))
