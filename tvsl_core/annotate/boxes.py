"""Stage 4 of annotation: a localization map becomes boxes in source-frame pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.types import Box, LocalizationMap

FINE = 8
"""Sub-patches along each side of a patch; boxes end between patches, not only on their edges."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoxOptions:
    """How bold a region must be to become a box."""

    threshold: float = 0.5
    """Least share of the map's maximum that counts as the source."""
    min_area: float = 0.004
    """Least share of the frame that a region covers; smaller ones are dropped."""
    second_region: float = 0.75
    """Least peak of a further region, as a share of the map's maximum."""
    max_regions: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ValueError(f"threshold must lie in (0, 1], got {self.threshold}")
        if not 0 <= self.min_area < 1:
            raise ValueError(f"min_area must lie in [0, 1), got {self.min_area}")


def find_boxes(localization: LocalizationMap, options: BoxOptions) -> tuple[Box, ...]:
    """Box every sounding region of a map, the strongest first.

    Bold cells that share an edge form one region. A map with no contrast shows nothing in particular, so it gives no
    box. Scale does not matter: a map and its double give the same boxes.
    """
    fine = refine(localization.values)
    peak = float(fine.max())
    if not np.isfinite(peak) or peak <= 0 or np.ptp(fine) < 1e-6 * peak:
        return ()
    bold = (fine >= options.threshold * peak).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bold, connectivity=4)
    regions: list[tuple[float, Box]] = []
    for label in range(1, count):
        inside = fine[labels == label]
        if stats[label, cv2.CC_STAT_AREA] < options.min_area * fine.size or inside.max() < options.second_region * peak:
            continue
        regions.append((float(inside.sum()), _to_pixels(stats[label], fine.shape, localization, inside / peak)))
    regions.sort(key=lambda region: -region[0])
    return tuple(box for _, box in regions[: options.max_regions])


def refine(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """``[row column]`` to ``[row * FINE, column * FINE]``, smoothly."""
    rows, columns = values.shape
    size = (columns * FINE, rows * FINE)
    return np.asarray(cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _to_pixels(
    stats: NDArray[np.int32], grid: tuple[int, ...], localization: LocalizationMap, inside: NDArray[np.float32]
) -> Box:
    rows, columns = grid
    left, top = int(stats[cv2.CC_STAT_LEFT]), int(stats[cv2.CC_STAT_TOP])
    right, bottom = left + int(stats[cv2.CC_STAT_WIDTH]), top + int(stats[cv2.CC_STAT_HEIGHT])
    width, height = localization.frame_width, localization.frame_height
    x_min, y_min = left * width // columns, top * height // rows
    return Box(
        x_min=x_min,
        y_min=y_min,
        x_max=max(x_min + 1, -(-right * width // columns)),
        y_max=max(y_min + 1, -(-bottom * height // rows)),
        score=min(1.0, float(inside.mean())),
    )
