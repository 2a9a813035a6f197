"""Whether a score means what it says: of what is reported at 0.8, four of five should be right.

Conventions: ``reference`` says of each report whether it is right, ``estimate`` is its score in [0, 1]; reference
first.

Metrics: expected calibration error in bins of equal width (Guo et al.), Brier score, AUROC of right against wrong, and
the bins themselves for a reliability diagram.

References: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017; Brier, "Verification of Forecasts
Expressed in Terms of Probability", 1950; Hanley and McNeil, "The Meaning and Use of the Area under a ROC Curve", 1982.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Bins of the calibration error, as in the literature."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """The reports whose scores lie in [``low``, ``high``); the last bin holds its end too."""

    low: float
    high: float
    count: int
    mean_score: float
    """nan in an empty bin."""
    share_right: float
    """nan in an empty bin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CertaintyScores:
    """How far scores can be believed; every figure is nan when there is nothing to judge."""

    count: int
    mean_score: float
    share_right: float
    calibration_error: float
    brier: float
    auroc: float
    """nan as well when all reports are right, or all are wrong."""
    reliability: tuple[ReliabilityBin, ...]


def validate(reference: NDArray[np.bool_], estimate: NDArray[np.float64]) -> None:
    """Check the arguments of every metric here.

    Raises: ValueError: The two are not vectors of one length, or a score is not in [0, 1].
    """
    if reference.ndim != 1 or reference.shape != estimate.shape:
        raise ValueError(f"there is one score for each report, got {reference.shape} and {estimate.shape}")
    if estimate.size and not ((estimate >= 0) & (estimate <= 1)).all():
        raise ValueError("scores lie in [0, 1]")


def reliability(
    reference: NDArray[np.bool_], estimate: NDArray[np.float64], *, bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """What is right among reports of like scores, from the least scores to the greatest."""
    validate(reference, estimate)
    if bins < 1:
        raise ValueError(f"there is at least one bin, got {bins}")
    place = np.minimum((estimate * bins).astype(int), bins - 1)
    found = []
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        found.append(
            ReliabilityBin(
                low=number / bins,
                high=(number + 1) / bins,
                count=count,
                mean_score=float(estimate[inside].mean()) if count else float("nan"),
                share_right=float(reference[inside].mean()) if count else float("nan"),
            )
        )
    return tuple(found)


def calibration_error(reference: NDArray[np.bool_], estimate: NDArray[np.float64], *, bins: int = BINS) -> float:
    """Expected calibration error: how far score and share of right ones lie apart, over the bins by their counts.

    Returns: In [0, 1]; 0 when every bin is as right as it says; nan without reports. Source: Guo et al., equation 3.
    """
    if len(reference) == 0:
        return float("nan")
    filled = [one for one in reliability(reference, estimate, bins=bins) if one.count]
    return sum(abs(one.mean_score - one.share_right) * one.count for one in filled) / len(reference)


def brier(reference: NDArray[np.bool_], estimate: NDArray[np.float64]) -> float:
    """Mean squared distance of the scores from what is true, in [0, 1]; nan without reports."""
    validate(reference, estimate)
    return float(np.mean((estimate - reference) ** 2)) if len(reference) else float("nan")


def auroc(reference: NDArray[np.bool_], estimate: NDArray[np.float64]) -> float:
    """The probability that a right report has a greater score than a wrong one; ties count half.

    Returns: In [0, 1]; nan unless there are right and wrong ones.
    """
    validate(reference, estimate)
    right, wrong = np.sort(estimate[reference]), estimate[~reference]
    if len(right) == 0 or len(wrong) == 0:
        return float("nan")
    below = np.searchsorted(right, wrong, side="right")  # right ones that do not exceed a wrong one
    ties = below - np.searchsorted(right, wrong, side="left")
    return float(1 - (below - ties / 2).sum() / (len(right) * len(wrong)))


def evaluate(reference: NDArray[np.bool_], estimate: NDArray[np.float64], *, bins: int = BINS) -> CertaintyScores:
    """All of the above."""
    table = reliability(reference, estimate, bins=bins)
    some = len(reference) > 0
    return CertaintyScores(
        count=len(reference),
        mean_score=float(estimate.mean()) if some else float("nan"),
        share_right=float(reference.mean()) if some else float("nan"),
        calibration_error=calibration_error(reference, estimate, bins=bins),
        brier=brier(reference, estimate),
        auroc=auroc(reference, estimate),
        reliability=table,
    )
