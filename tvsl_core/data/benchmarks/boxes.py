"""Boxes of annotation files: their two forms, their damage, and their pixels.

The field's files write a box as two corners or as a corner and a size, and no file says which. Reading one as the other
does not fail, it only turns references empty or wrong: of the 2,124 boxes of MUSIC-Solo 1,648 have no pixel left when
their sizes are read as corners. So every loader names the form, and what it read is checked against the frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.sample import CornerBox
from tvsl_core.errors import ManifestError

BoxForm = Literal["xyxy", "xywh"]
"""``xyxy``: left, top, right, bottom. ``xywh``: left, top, width, height."""

TOLERANCE = 0.02
"""How far, in shares of the frame, an annotator's box may leave it before it counts as misread."""


def to_corners(box: Sequence[float], form: BoxForm) -> CornerBox | None:
    """Read one box.

    Args:
        box: Four numbers in shares of the frame.
        form: How the file writes boxes.

    Returns: Corners clipped to the frame; None for a box without area or with a coordinate that is no number.

    Raises: ManifestError: Not four numbers.
    """
    if len(box) != 4:
        raise ManifestError(f"a box has four numbers, got {list(box)!r}.")
    try:
        left, top, right, bottom = (float(value) for value in box)
    except (TypeError, ValueError):
        raise ManifestError(f"a box has four numbers, got {list(box)!r}.") from None
    if form == "xywh":
        right, bottom = left + right, top + bottom
    if not all(math.isfinite(value) for value in (left, top, right, bottom)):
        return None
    left, top, right, bottom = (min(max(value, 0.0), 1.0) for value in (left, top, right, bottom))
    return (left, top, right, bottom) if right > left and bottom > top else None


def read_boxes(boxes: Iterable[Sequence[float]], form: BoxForm) -> tuple[tuple[CornerBox, ...], int]:
    """Read the boxes of one source.

    Returns: The usable corners, and how many boxes were dropped because they have no area.
    """
    read = [to_corners(box, form) for box in boxes]
    kept = tuple(box for box in read if box is not None)
    return kept, len(read) - len(kept)


def misread_share(boxes: Sequence[Sequence[float]], form: BoxForm) -> float:
    """Share of boxes, in [0, 1], that make no sense when read in this form.

    As corners a box is senseless when its right edge is not right of its left edge (or bottom and top); as corner and
    size, when it leaves the frame by more than ``TOLERANCE``.
    """
    if not len(boxes):
        return 0.0
    values = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    if form == "xyxy":
        wrong = (values[:, 2] <= values[:, 0]) | (values[:, 3] <= values[:, 1])
    else:
        limit = 1 + TOLERANCE
        wrong = (values[:, 0] + values[:, 2] > limit) | (values[:, 1] + values[:, 3] > limit)
    return float(wrong.mean())


def check_form(boxes: Sequence[Sequence[float]], form: BoxForm, *, where: str, limit: float = 0.05) -> None:
    """Refuse boxes that were written in the other form.

    Args:
        boxes: All boxes of a file, in shares of the frame.
        form: The form that the file is read in.
        where: The file, for the message.
        limit: Share of senseless boxes, in [0, 1], that passes as ordinary annotation noise.

    Raises: ManifestError: More than ``limit`` are senseless in this form and fewer are in the other one.
    """
    other: BoxForm = "xywh" if form == "xyxy" else "xyxy"
    wrong, wrong_otherwise = misread_share(boxes, form), misread_share(boxes, other)
    if wrong > limit and wrong_otherwise < wrong:
        meaning = {"xyxy": "left, top, right, bottom", "xywh": "left, top, width, height"}
        raise ManifestError(
            f"{where}: {wrong:.0%} of the boxes make no sense as {form} ({meaning[form]}), but only "
            f"{wrong_otherwise:.0%} as {other} ({meaning[other]}).",
            hint=f"Say --box-form {other}, or correct the file.",
        )


def draw_boxes(boxes: Iterable[CornerBox], *, height: int, width: int) -> NDArray[np.bool_]:
    """Mark the pixels inside any of the boxes.

    Edges are cut to whole pixels, ``int(share * size)``, as the field's evaluators do.

    Returns: True inside, ``[height width]``.
    """
    region = np.zeros((height, width), dtype=bool)
    for left, top, right, bottom in boxes:
        region[int(top * height) : int(bottom * height), int(left * width) : int(right * width)] = True
    return region
