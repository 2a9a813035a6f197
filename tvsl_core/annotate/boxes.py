"""Stage 4 of annotation: a localization map becomes boxes in source-frame pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.rules import BoxOptions
from tvsl_core.types import Box, LocalizationMap


def find_boxes(localization: LocalizationMap, options: BoxOptions) -> tuple[Box, ...]:
    """Box every sounding region of a map, the strongest first.

    Bold cells that share an edge form one region. A map with no contrast shows nothing in particular, so it gives no
    box. Scale does not matter: a map and its double give the same boxes.
    """
    fine = refine(localization.values, options.fine)
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


def refine(values: NDArray[np.float32], fine: int) -> NDArray[np.float32]:
    """``[row column]`` to ``[row * fine, column * fine]``, smoothly."""
    rows, columns = values.shape
    size = (columns * fine, rows * fine)
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
