"""What a system says about a sample: its maps, or its boxes drawn as maps, with the class and certainty of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.boxes import draw_boxes
from tvsl_core.data.benchmarks.sample import CornerBox, Sample

MAX_MAP_SIDE = 4096
"""Larger maps are refused: nothing is gained from them and much memory is lost."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prediction:
    """What a system says about one sample.

    The grid of every map covers the whole frame of the sample (all its tiles); higher means more likely the source.
    """

    classes: tuple[str, ...]
    """The class of each source."""
    maps: NDArray[np.float32]
    """``[source row column]``, finite, any scale."""
    scores: tuple[float, ...]
    """How sure the system is that each source sounds; any scale, higher is surer."""
    detected: tuple[bool, ...]
    """Whether the system reports the source by itself. A map that exists only because its class was given is False."""
    regions: bool = False
    """The maps are boxes: every value above 0 counts, and no threshold is applied."""

    def __post_init__(self) -> None:
        count = len(self.classes)
        if self.maps.ndim != 3 or (count and 0 in self.maps.shape):
            raise ValueError(f"maps are [source row column], got shape {self.maps.shape}")
        if not self.maps.shape[0] == len(self.scores) == len(self.detected) == count:
            raise ValueError(
                f"{self.maps.shape[0]} maps, {count} classes, {len(self.scores)} scores and {len(self.detected)} "
                "detected flags do not belong together"
            )
        if max(self.maps.shape[1:]) > MAX_MAP_SIDE:
            raise ValueError(f"maps may have at most {MAX_MAP_SIDE} rows and columns, got {self.maps.shape[1:]}")
        if not np.isfinite(self.maps).all():
            raise ValueError("maps hold NaN or infinite values")
        if not np.isfinite(np.asarray(self.scores, dtype=np.float64)).all():
            raise ValueError("scores hold NaN or infinite values")


NOTHING = Prediction(classes=(), maps=np.zeros((0, 1, 1), dtype=np.float32), scores=(), detected=())
"""A system that reports no source."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Predictions:
    """The predictions found in one place."""

    kind: str
    """``maps``, ``table`` or ``coco``."""
    ids: frozenset[str]
    """Every sample that something is said about."""
    read: Callable[[Sample], Prediction | None]
    """The prediction for a sample; None when there is none. Raises ManifestError when it cannot be used."""


def boxes_as_prediction(
    boxes: Sequence[tuple[str, CornerBox, float]], *, tiles: int = 1, side: int = 224
) -> Prediction:
    """Draw boxes as maps: one map for each class, each box at its score.

    Args:
        boxes: Class, corners in shares of the whole frame, and score in [0, 1].
        tiles: How many tiles the frame has.
        side: Pixels of a tile in the maps.
    """
    classes = tuple(dict.fromkeys(name for name, _, _ in boxes))
    maps = np.zeros((len(classes), side, side * tiles), dtype=np.float32)
    scores = [0.0] * len(classes)
    for name, corners, score in boxes:
        row = classes.index(name)
        inside = draw_boxes([corners], height=side, width=side * tiles)
        maps[row][inside] = np.maximum(maps[row][inside], max(score, 1e-6))
        scores[row] = max(scores[row], score)
    if not classes:
        return NOTHING
    return Prediction(classes=classes, maps=maps, scores=tuple(scores), detected=(True,) * len(classes), regions=True)
