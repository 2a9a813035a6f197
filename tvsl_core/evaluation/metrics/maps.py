"""Maps become regions: resampling to the grid on which pixels are counted, and the threshold.

Conventions: a map is scores on a grid that covers the whole frame, higher is likelier; its scale and offset carry no
meaning. The field counts pixels on a square of 224 x 224 whatever the shape of the frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatMap = NDArray[np.float32]
Region = NDArray[np.bool_]

GRID = 224
"""Rows, and columns of each tile, on which pixels are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Threshold:
    """Which pixels of a map count as sounding."""

    kind: Literal["top", "above-top", "stretched", "of-maximum", "adaptive"]
    """``top``: at least the value at this share of the sorted pixels, with all pixels that tie with it. ``above-top``:
    more than that value, or the highest one. ``stretched``: at least this value after the map is stretched to [0, 1].
    ``of-maximum``: above this share of the highest value. ``adaptive``: above the value at the rank that leaves as many
    pixels as the source has, or above the middle one when it has none."""
    value: float
    """In (0, 1); for ``adaptive`` the share that stands for a source without pixels."""
    flat: float = math.inf
    """A map without contrast is marked everywhere when its value is at least this, and nowhere otherwise. Not for
    ``of-maximum``, which needs no rule of its own."""

    def __post_init__(self) -> None:
        if not 0 < self.value < 1:
            raise ValueError(f"a threshold lies in (0, 1), got {self.value}")

    @property
    def words(self) -> str:
        """For tables and pages."""
        meaning = {
            "top": "top {:.0%} of pixels and what ties with them",
            "above-top": "top {:.0%} of pixels without ties",
            "stretched": "min-max then {:g}",
            "of-maximum": "{:g} of the maximum",
            "adaptive": "as many pixels as the source has",
        }
        return meaning[self.kind].format(self.value)


@lru_cache(maxsize=64)
def _neighbours(size: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatMap]:
    """For each new cell the two old ones around its centre, and the share of the second.

    Beyond the outer centres values stay.
    """
    position = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    low = np.floor(position).astype(np.int64)
    return low, np.minimum(low + 1, size - 1), (position - low).astype(np.float32)


def resize_map(estimate: FloatMap, *, height: int, width: int) -> FloatMap:
    """Resample a map bilinearly.

    Args:
        estimate: ``[row column]``.
        height: Rows of the result.
        width: Columns of the result.

    Returns: ``[height width]``; the map itself when it already has that size.
    """
    rows, columns = estimate.shape
    if (rows, columns) == (height, width):
        return np.asarray(estimate, dtype=np.float32)
    values = np.asarray(estimate, dtype=np.float32)
    # Not as a matrix product: threaded BLAS on matrices this small loses more by waiting than it gains.
    above, below, share = _neighbours(rows, height)
    stretched = values[above] + share[:, None] * (values[below] - values[above])
    left, right, share = _neighbours(columns, width)
    resized: FloatMap = stretched[:, left] + share * (stretched[:, right] - stretched[:, left])
    return resized


def binarize(estimate: FloatMap, threshold: Threshold, wanted: int = 0) -> Region:
    """Decide which pixels sound.

    Args:
        estimate: ``[height width]``, finite.
        threshold: The rule; what it makes of a map without contrast is its ``flat``.
        wanted: Pixels of the source, for ``adaptive``.
    """
    low, high = float(estimate.min()), float(estimate.max())
    if threshold.kind == "of-maximum":
        return estimate > threshold.value * high if high > 0 else np.zeros(estimate.shape, dtype=bool)
    if not high > low:
        return np.full(estimate.shape, low >= threshold.flat)
    if threshold.kind == "stretched":
        return np.greater_equal(estimate, low + threshold.value * (high - low))
    rank = int(estimate.size * (1 - threshold.value))
    if threshold.kind == "adaptive" and wanted:
        rank = estimate.size - wanted
    ranked = np.partition(estimate.ravel(), rank)[rank]
    reaching: Region = estimate >= ranked
    above: Region = estimate > ranked
    if threshold.kind == "top":
        return reaching
    return above if threshold.kind == "adaptive" else above | (estimate == high)
