"""Is one system better than another on the same samples? Paired, video by video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvsl_core.errors import InputError
from tvsl_core.evaluation.metrics.bootstrap import paired_differences
from tvsl_core.evaluation.protocols import Protocol
from tvsl_core.evaluation.scoring import SourceRow
from tvsl_core.evaluation.summary import METRICS, same_class_rows, units_of


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredSystem:
    """What one evaluation left behind."""

    name: str
    benchmark: str
    protocol: Protocol
    rows: tuple[SourceRow, ...]
    """Of the system, without the floors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One metric of two systems on the samples that both answered."""

    metric: str
    classes: str
    first: float
    second: float
    difference: float
    """First minus second."""
    low: float
    """95 % interval of the difference by drawing whole videos; NaN with one video."""
    high: float
    p: float
    n: int
    """Units of the protocol that both were scored on."""
    videos: int
    unpaired: int
    """Rows that only one of the two has; they are left out."""


def compare(first: ScoredSystem, second: ScoredSystem, *, draws: int = 10_000, seed: int = 0) -> tuple[Comparison, ...]:
    """Compare two systems metric by metric.

    Raises: InputError: They were scored on different benchmarks or with different protocols, or share no sample.
    """
    for what in ("benchmark", "protocol"):
        one, two = getattr(first, what), getattr(second, what)
        if one != two:
            names = f"'{getattr(one, 'name', one)}' and '{getattr(two, 'name', two)}'"
            raise InputError(
                f"'{first.name}' and '{second.name}' cannot be compared: their {what}s are {names}.",
                hint=f"Score both on the same benchmark with the same --{what}.",
            )
    found: list[Comparison] = []
    for mode in dict.fromkeys(row.classes for row in first.rows):
        found += _compare_mode(first, second, mode, draws, seed)
    if not found:
        raise InputError(f"'{first.name}' and '{second.name}' have no scored sample in common.")
    return tuple(found)


def _compare_mode(first: ScoredSystem, second: ScoredSystem, mode: str, draws: int, seed: int) -> list[Comparison]:
    tables = [_by_source(system.rows, mode) for system in (first, second)]
    shared = [key for key in tables[0] if key in tables[1]]
    if not shared:
        return []
    units = [units_of([table[key] for key in shared], first.protocol) for table in tables]
    differences = paired_differences(units[0].values - units[1].values, units[0].videos, draws=draws, seed=seed)
    return [
        Comparison(
            metric=metric,
            classes=mode,
            first=float(units[0].values[:, column].mean()),
            second=float(units[1].values[:, column].mean()),
            difference=difference.value,
            low=difference.low,
            high=difference.high,
            p=difference.p,
            n=len(units[0].videos),
            videos=len(set(units[0].videos)),
            unpaired=len(tables[0]) + len(tables[1]) - 2 * len(shared),
        )
        for column, (metric, difference) in enumerate(zip(METRICS, differences, strict=True))
    ]


def _by_source(rows: Sequence[SourceRow], mode: str) -> dict[tuple[str, int], SourceRow]:
    plain, _ = same_class_rows([row for row in rows if row.classes == mode])
    return {(row.sample, row.source): row for row in plain}
