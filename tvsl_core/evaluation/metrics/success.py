"""How many sources are found well enough.

Conventions: ``cious`` holds one value in [0, 1] for each source, 0 for a source that was missed. The field prints the
share of sources with ciou >= t as "cIoU@t"; some code prints the *mean* ciou under that name. Here ``success_rate`` is
the share and ``mean`` is the mean.

References: Senocak et al., CVPR 2018, section 5 (success rate and the area under it).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEVELS: NDArray[np.float64] = np.arange(21) / 20
"""0, 0.05, .. 1: where the success curve is read."""

Values = Sequence[float] | NDArray[np.float64]


def validate(cious: Values) -> NDArray[np.float64]:
    """Check the values and return them as an array.

    Raises: ValueError: There are none, or one leaves [0, 1].
    """
    values = np.asarray(cious, dtype=np.float64)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"expected at least one ciou, got shape {values.shape}")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("every ciou lies in [0, 1]")
    return values


def success_rate(cious: Values, level: float) -> float:
    """Share of sources with ciou >= level: the field's "cIoU@level"."""
    return float((validate(cious) >= level).mean())


def success_curve(cious: Values) -> NDArray[np.float64]:
    """Success rate at each of ``LEVELS``; falls from 1."""
    values = validate(cious)
    return np.array([(values >= level).mean() for level in LEVELS])


def auc(cious: Values) -> float:
    """Area under the success curve over [0, 1], by trapezoids."""
    return float(np.mean(auc_shares(validate(cious))))


def auc_shares(cious: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each source adds to the area: the area under its own step, so that their mean is ``auc``."""
    passed = cious[:, None] >= LEVELS
    halves = np.full(len(LEVELS), 2)  # counted in half steps, in whole numbers, so that a perfect source adds exactly 1
    halves[[0, -1]] = 1
    shares: NDArray[np.float64] = (passed @ halves) / halves.sum()
    return shares


def evaluate(cious: Values) -> dict[str, float]:
    """All metrics of this module."""
    values = validate(cious)
    return {
        "cIoU@0.3": success_rate(values, 0.3),
        "cIoU@0.5": success_rate(values, 0.5),
        "AUC": auc(values),
        "mean cIoU": float(values.mean()),
    }
