"""Means with intervals, when samples of one video are not independent.

Conventions: ``values`` is ``[unit metric]``; ``groups`` names the video of each unit. Whole videos are drawn with
replacement, so ten thousand frames of six videos do not look like ten thousand observations.

References: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 8 and 13 (percentile interval).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A mean and where 95 % of the bootstrap means lie. With one group there is no interval: both ends are NaN."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Averages:
    """The three averages of one metric."""

    units: Interval
    """Over all units: every source counts the same."""
    videos: Interval
    """Over videos of the mean in each: every video counts the same."""
    classes: Interval
    """Over classes of the mean in each: every class counts the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """By how much the mean of one system is above that of another on the same units."""

    value: float
    low: float
    high: float
    p: float
    """Two-sided: how often the drawn differences lie on the other side of 0, both ends counted; NaN with one group."""


def paired_differences(
    differences: Numbers, groups: Sequence[str], *, draws: int = 10_000, seed: int = 0, confidence: float = 0.95
) -> tuple[Difference, ...]:
    """Compare two systems unit by unit, drawing whole videos with replacement.

    Args:
        differences: ``[unit metric]``, the first system minus the second.
        groups: ``[unit]``, the video of each.
        draws: Bootstrap samples; the smallest p is 2 / (draws + 1).
        seed: Of the random draws.
        confidence: Share of the draws that an interval covers.

    Returns: ``[metric]``.

    Raises: ValueError: There is no unit, or the lengths differ.

    Source: Efron and Tibshirani 1993, chapter 16, with the observed sample counted as one of the draws.
    """
    if differences.ndim != 2 or not len(differences) or len(differences) != len(groups):
        raise ValueError(f"differences {differences.shape} need as many groups, got {len(groups)}")
    group = _numbered(groups)
    count = int(group.max()) + 1
    sizes = np.bincount(group, minlength=count).astype(np.float64)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)
    results = []
    for column in differences.T:
        replicates = (drawn @ np.bincount(group, weights=column, minlength=count)) / (drawn @ sizes)
        interval = _interval(float(column.mean()), replicates, count, confidence)
        smaller = min(np.count_nonzero(replicates <= 0), np.count_nonzero(replicates >= 0))
        p = min(1.0, 2 * (smaller + 1) / (draws + 1)) if count > 1 else float("nan")
        results.append(Difference(value=interval.value, low=interval.low, high=interval.high, p=p))
    return tuple(results)


def averages(
    values: Numbers,
    groups: Sequence[str],
    classes: Sequence[str],
    *,
    draws: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[Averages, ...]:
    """Average each metric in three ways and give each an interval.

    Args:
        values: ``[unit metric]``.
        groups: ``[unit]``, the video of each.
        classes: ``[unit]``, the class of each.
        draws: Bootstrap samples.
        seed: Of the random draws; the same seed gives the same interval.
        confidence: Share of the draws that an interval covers.

    Returns: ``[metric]``.

    Raises: ValueError: There is no unit, or the lengths differ.
    """
    if values.ndim != 2 or not len(values) or not len(values) == len(groups) == len(classes):
        raise ValueError(f"values {values.shape} need as many groups ({len(groups)}) and classes ({len(classes)})")
    group = _numbered(groups)
    klass = _numbered(classes)
    n_groups, n_classes = int(group.max()) + 1, int(klass.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=draws)
    drawn = np.vstack([np.ones(n_groups, dtype=drawn.dtype), drawn]).astype(np.float32)  # row 0: the sample itself
    sizes = np.bincount(group, minlength=n_groups).astype(np.float64)
    cells = group * n_classes + klass
    occupied, inverse = np.unique(cells, return_inverse=True)
    cell_sizes = np.zeros((n_groups, n_classes), dtype=np.float32)
    cell_sizes.ravel()[occupied] = np.bincount(inverse)
    class_counts = drawn @ cell_sizes
    results = []
    for column in values.T:
        sums = np.bincount(group, weights=column, minlength=n_groups)
        cell_sums = np.zeros((n_groups, n_classes), dtype=np.float32)
        cell_sums.ravel()[occupied] = np.bincount(inverse, weights=column)
        with np.errstate(invalid="ignore"):
            per_class = (drawn @ cell_sums) / class_counts
        exact = (float(column.mean()), float((sums / sizes).mean()), _class_mean(column, klass))
        replicates = (
            (drawn[1:] @ sums) / (drawn[1:] @ sizes),
            (drawn[1:] @ (sums / sizes)) / n_groups,
            np.nanmean(per_class[1:], axis=1) if n_groups > 1 else per_class[1:, 0],
        )
        parts = [_interval(*pair, n_groups, confidence) for pair in zip(exact, replicates, strict=True)]
        results.append(Averages(units=parts[0], videos=parts[1], classes=parts[2]))
    return tuple(results)


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    """Each name's number, from 0."""
    return np.unique(np.asarray(names, dtype=np.str_), return_inverse=True)[1].astype(np.int64)


def _class_mean(column: Numbers, klass: NDArray[np.int64]) -> float:
    return float((np.bincount(klass, weights=column) / np.bincount(klass)).mean())


def _interval(value: float, replicates: NDArray[np.floating], groups: int, confidence: float) -> Interval:
    if groups < 2:
        return Interval(value=value, low=float("nan"), high=float("nan"))
    low, high = np.quantile(replicates, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(value=value, low=float(low), high=float(high))
