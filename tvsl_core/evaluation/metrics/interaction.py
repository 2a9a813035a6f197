"""One picture with the sound of one of its objects at a time: a system must find all of them.

Conventions: ``pairs`` holds, for each picture, the ciou of every object with its own sound. A picture counts when
all of its objects reach the level.

References: Senocak et al., "Aligning Sight and Sound: Advanced Sound Source Localization Through Audio-Visual
Alignment", 2024 (interactive IoU).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tvsl_core.evaluation.metrics.success import auc, success_rate


def validate(pairs: Sequence[Sequence[float]]) -> None:
    """Check the pictures. Raises: ValueError: There is none, or one has no object."""
    if not pairs or not all(len(pair) for pair in pairs):
        raise ValueError("expected at least one picture, each with an object")


def iiou(pairs: Sequence[Sequence[float]], level: float = 0.5) -> float:
    """Share of pictures in which every object reaches the level."""
    validate(pairs)
    return success_rate([min(pair) for pair in pairs], level)


def iauc(pairs: Sequence[Sequence[float]]) -> float:
    """Area under ``iiou`` over the level."""
    validate(pairs)
    return auc([float(np.clip(min(pair), 0, 1)) for pair in pairs])


def evaluate(pairs: Sequence[Sequence[float]]) -> dict[str, float]:
    """All metrics of this module."""
    return {"IIoU@0.5": iiou(pairs), "IAUC": iauc(pairs)}
