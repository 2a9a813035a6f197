"""Where a label goes: inside the picture, near what it names, and not over another one."""

from __future__ import annotations

from collections.abc import Sequence

Area = tuple[int, int, int, int]
"""``x_min, y_min, x_max, y_max`` in pixels, right and bottom excluded."""


def overlap(first: Area, second: Area) -> int:
    """Pixels that two areas share."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(0, width) * max(0, height)


def place_label(
    size: tuple[int, int], *, frame: tuple[int, int], anchor: Area | None, taken: Sequence[Area], margin: int
) -> Area:
    """The best free place for a label.

    Args:
        size: Width and height of the label, which fits into the frame with its margin.
        frame: Width and height of the picture.
        anchor: What the label names; None for the picture as a whole, whose labels stack in the upper right corner.
        taken: Areas of other labels.
        margin: Distance in pixels to keep from the border and from other labels.

    Returns: Always inside the frame; it overlaps the others as little as the candidates allow.
    """
    candidates = _corners(size, frame, margin) if anchor is None else _around(size, frame, anchor, margin)
    candidates += _dodging(candidates, size, frame, taken, margin)
    # min() takes the first of equals, so the order of the candidates is the order of preference.
    return min(candidates, key=lambda area: sum(overlap(area, other) for other in taken))


def _around(size: tuple[int, int], frame: tuple[int, int], anchor: Area, margin: int) -> list[Area]:
    """Above the anchor, inside its top, below it, inside its bottom; left, then right."""
    width, height = size
    gap = max(1, margin // 2)
    x_min, y_min, x_max, y_max = anchor
    above, below = y_min - gap - height, y_max + gap
    rows = [above] if above >= margin else []
    rows.append(y_min + margin)
    if below + height + margin <= frame[1]:
        rows.append(below)
    rows.append(y_max - margin - height)
    places = []
    for row in rows:
        inset = margin if y_min <= row < y_max else 0
        places += [(x_min + inset, row), (x_max - inset - width, row)]
    return [_inside(x, y, size, frame, margin) for x, y in places]


def _corners(size: tuple[int, int], frame: tuple[int, int], margin: int) -> list[Area]:
    right, bottom = frame[0] - margin - size[0], frame[1] - margin - size[1]
    places = [(right, margin), (margin, margin), (right, bottom), (margin, bottom)]
    return [_inside(x, y, size, frame, margin) for x, y in places]


def _dodging(
    candidates: Sequence[Area], size: tuple[int, int], frame: tuple[int, int], taken: Sequence[Area], margin: int
) -> list[Area]:
    """For each candidate that is taken: the places just under and just over whatever stands there."""
    gap = max(1, margin // 2)
    moved = []
    for area in candidates:
        for other in taken:
            if overlap(area, other):
                moved.append(_inside(area[0], other[3] + gap, size, frame, margin))
                moved.append(_inside(area[0], other[1] - gap - size[1], size, frame, margin))
    return moved


def _inside(x: int, y: int, size: tuple[int, int], frame: tuple[int, int], margin: int) -> Area:
    """Push an area into the frame; the margin yields before the frame does."""
    x = max(0, min(max(x, margin), frame[0] - margin - size[0]))
    y = max(0, min(max(y, margin), frame[1] - margin - size[1]))
    return x, y, x + size[0], y + size[1]
