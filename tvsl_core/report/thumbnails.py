"""Contact sheets: the best, the typical and the worst samples, with map and reference, as inline pictures."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.sample import Sample, class_key
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.evaluation.metrics.maps import GRID, FloatMap, resize_map
from tvsl_core.evaluation.scene import draw_scene
from tvsl_core.evaluation.scoring import SourceRow

Picture = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Thumbnail:
    """One source as a small picture: map in colour, reference outlined in white."""

    caption: str
    data_uri: str


def pick_rows(rows: Sequence[SourceRow], each: int = 6) -> dict[str, list[SourceRow]]:
    """The best, typical (around the median) and worst sources by ciou, of different samples."""
    one_each = {row.sample: row for row in rows}
    ordered = sorted(one_each.values(), key=lambda row: (-row.ciou, row.sample))
    middle = max(0, len(ordered) // 2 - each // 2)
    return {
        "best": ordered[:each],
        "typical": ordered[middle : middle + each],
        "worst": ordered[-each:][::-1] if len(ordered) > each else [],
    }


def draw(
    row: SourceRow, sample: Sample, prediction: Prediction, frame: Callable[[Sample], Picture | None]
) -> Thumbnail:
    """Draw one source.

    Args:
        row: Which source, and how it was scored.
        sample: The sample that it is in.
        prediction: Whose map is drawn; a source without a map gets an empty one.
        frame: The sample's picture, RGB uint8 ``[height width 3]``; None when its media are not at hand.
    """
    scene = draw_scene(sample)
    height, width = GRID, GRID * scene.tile_count
    values = np.zeros((height, width), dtype=np.float32)
    wanted = [index for index, name in enumerate(prediction.classes) if class_key(name) == class_key(row.answered_by)]
    if row.answered and wanted:
        values = _stretched(resize_map(prediction.maps[wanted[0]], height=height, width=width))
    picture = _blend(frame(sample), values)
    picture[_outline(scene.references[row.source])] = 255
    answer = f", map of {row.answered_by}" if row.answered and row.answered_by != row.klass else ""
    missed = "" if row.answered else ", missed"
    return Thumbnail(caption=f"{row.klass}{answer}{missed} · {row.ciou:.2f} · {row.sample}", data_uri=_png(picture))


def _stretched(values: FloatMap) -> FloatMap:
    low, high = float(values.min()), float(values.max())
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _blend(frame: Picture | None, values: FloatMap) -> Picture:
    """Dark where the map is low, warm where it is high, over the frame or over grey."""
    import cv2

    height, width = values.shape
    ground = np.full((height, width, 3), 70.0, dtype=np.float32)
    if frame is not None:
        ground = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    heat = cv2.applyColorMap((values * 255).astype(np.uint8), cv2.COLORMAP_TURBO)[:, :, ::-1].astype(np.float32)
    share = 0.25 + 0.45 * values[:, :, None]
    blended: Picture = (ground * (1 - share) + heat * share).clip(0, 255).astype(np.uint8)
    return blended


def _outline(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of a region that lie within two pixels of its edge."""
    inner = region.copy()
    for _ in range(2):
        padded = np.pad(inner, 1)
        inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:] & inner
    return region & ~inner


def _png(picture: Picture) -> str:
    import cv2

    _, encoded = cv2.imencode(".png", picture[:, :, ::-1])
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")
