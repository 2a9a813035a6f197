"""Places among frames that hold no source: a system must also know when nothing sounds in the picture.

Conventions: a clip has a ``confidence`` (any scale, higher is surer that something in the picture sounds) and a
``ciou``, None where nothing in the picture sounds. Above a confidence a clip without a source is a
false positive, one with a source a true positive if its ciou reaches the level, else a false positive too; below it, a
source is missed.

References: Mo and Morgado, "A Closer Look at Weakly-Supervised Audio-Visual Source Localization", NeurIPS 2022, section
5; where the released evaluator goes beyond the text it is followed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.5
"""Ciou from which a source counts as found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedClip:
    """What is known about one clip."""

    confidence: float
    ciou: float | None


def validate(clips: Sequence[JudgedClip]) -> None:
    """Check a list of clips.

    Raises: ValueError: It is empty or a confidence is NaN.
    """
    if not clips or any(np.isnan(clip.confidence) for clip in clips):
        raise ValueError("expected at least one clip, each with a confidence")


def precision_recall(clips: Sequence[JudgedClip], confidence: float, level: float = LEVEL) -> tuple[float, float]:
    """Precision and recall of the clips that are at least so sure; 1 where nothing was asked or said."""
    said = [clip for clip in clips if clip.confidence >= confidence]
    right = sum(clip.ciou is not None and clip.ciou >= level for clip in said)
    missed = sum(clip.ciou is not None and clip.confidence < confidence for clip in clips)
    return (right / len(said) if said else 1.0), (right / (right + missed) if right + missed else 1.0)


def average_precision(clips: Sequence[JudgedClip], level: float = LEVEL) -> float:
    """Area under the best precision at each recall, at about 200 confidences from the second highest down."""
    validate(clips)
    order = np.sort([clip.confidence for clip in clips])[:-1][:: -max(1, len(clips) // 200)]
    points = [precision_recall(clips, float(confidence), level) for confidence in order]
    best = [max(precision for precision, _ in points[index:]) for index in range(len(points))]
    return float(sum(best[index] * (points[index + 1][1] - points[index][1]) for index in range(len(points) - 1)))


def max_f1(clips: Sequence[JudgedClip], level: float = LEVEL) -> float:
    """The best F1 over about ten confidences, from the lowest up."""
    validate(clips)
    order = sorted(clip.confidence for clip in clips)[:: max(1, len(clips) // 10)]
    points = [precision_recall(clips, confidence, level) for confidence in order]
    return max(2 * one * two / (one + two) if one + two else 0.0 for one, two in points)


def loc_acc(clips: Sequence[JudgedClip], level: float = LEVEL) -> float:
    """Share of the clips with a source in which it is found, whatever the confidence; 0 without any."""
    found = [clip.ciou >= level for clip in clips if clip.ciou is not None]
    return float(np.mean(found)) if found else 0.0


def evaluate(clips: Sequence[JudgedClip]) -> dict[str, float]:
    """All metrics of this module."""
    return {"AP": average_precision(clips), "max-F1": max_f1(clips), "LocAcc": loc_acc(clips)}
