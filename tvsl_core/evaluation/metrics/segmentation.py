"""Masks: how well the outline of what sounds is met.

Conventions: ``reference`` is a mask, all False where nothing sounds; ``estimate`` a map stretched to [0, 1].

Metrics: mIoU over frames; the F-score with beta^2 = 0.3 at the best of 255 thresholds, chosen for all frames together.

References: Zhou et al., "Audio-Visual Segmentation", ECCV 2022, section 5 (the Jaccard index and F-score, M_J and M_F).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tvsl_core.evaluation.metrics.maps import FloatMap, Region

BETA_SQUARED = 0.3
STEPS = 255


def validate(reference: Region, estimate: NDArray[np.generic]) -> None:
    """Check one frame. Raises: ValueError: The two differ in shape."""
    if reference.shape != estimate.shape:
        raise ValueError(f"reference {reference.shape} and estimate {estimate.shape} must have the same pixels")


def mask_iou(reference: Region, estimate: Region) -> float:
    """Intersection over union; where nothing sounds, the share of pixels that are rightly left out."""
    validate(reference, estimate)
    if not reference.any():
        return float(1 - estimate.mean())
    return float(np.count_nonzero(reference & estimate) / np.count_nonzero(reference | estimate))


def f_curve(reference: Region, estimate: FloatMap) -> NDArray[np.float64]:
    """F-score of the pixels that are at least 0, 1/254, .. 1; ``[STEPS]``."""
    validate(reference, estimate)
    levels = np.linspace(0, 1 - 1e-10, STEPS)
    last = np.searchsorted(levels, estimate.ravel().astype(np.float64), side="right") - 1  # highest level reached
    said = np.bincount(last, minlength=STEPS)[::-1].cumsum()[::-1].astype(np.float64)
    hits = np.bincount(last[reference.ravel()], minlength=STEPS)[::-1].cumsum()[::-1].astype(np.float64)
    precision, recall = hits / np.maximum(said, 1), hits / np.maximum(np.count_nonzero(reference), 1)
    below = BETA_SQUARED * precision + recall
    return np.where(below > 0, (1 + BETA_SQUARED) * precision * recall / np.where(below > 0, below, 1), 0.0)


def evaluate(ious: Sequence[float], curves: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    """All metrics of this module.

    Args:
        ious: Of every frame.
        curves: Of the frames in which something sounds.
    """
    scores = {"mIoU": float(np.mean(ious))}
    if curves:
        scores["F-score"] = float(np.mean(curves, axis=0).max())
    return scores
