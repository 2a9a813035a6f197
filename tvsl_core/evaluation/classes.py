"""Localization class by class: how well the sources of each class are found, beside the best floor of that class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tvsl_core.evaluation.protocols import Protocol
from tvsl_core.evaluation.scoring import SourceRow
from tvsl_core.evaluation.summary import METRICS, same_class_rows, units_of


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassPlaces:
    """How well one class is localized."""

    name: str
    classes: str
    """``oracle`` or ``predicted``."""
    n: int
    """Units of the protocol: sources, or frames that are led by this class."""
    values: Mapping[str, float]
    """By metric, in shares of 1."""
    floor: float
    """The best floor's mean ciou on the same units."""
    floor_name: str


def per_class_places(
    rows: Sequence[SourceRow], floor_rows: Mapping[str, Sequence[SourceRow]], protocol: Protocol
) -> tuple[ClassPlaces, ...]:
    """Average the rows of every class and mode.

    Args:
        rows: Of the system; samples whose sources share one class are left out.
        floor_rows: By floor.
        protocol: That both were scored with.

    Returns: By mode, then by name of the class.
    """
    floors = {name: _means(entries, protocol) for name, entries in floor_rows.items()}
    places = []
    for mode in dict.fromkeys(row.classes for row in rows):
        means = _means([row for row in rows if row.classes == mode], protocol)
        for klass, (count, values) in sorted(means.items()):
            mean_ciou = METRICS.index("mean cIoU")
            known = {name: float(found[klass][1][mean_ciou]) for name, found in floors.items() if klass in found}
            best = max(known, key=lambda name: known[name], default="")
            places.append(
                ClassPlaces(
                    name=klass,
                    classes=mode,
                    n=count,
                    values=dict(zip(METRICS, values.tolist(), strict=True)),
                    floor=known.get(best, float("nan")),
                    floor_name=best,
                )
            )
    return tuple(places)


def _means(rows: Sequence[SourceRow], protocol: Protocol) -> dict[str, tuple[int, np.ndarray]]:
    """Number of units and mean of each metric, by class."""
    plain, _ = same_class_rows(rows)
    if not plain:
        return {}
    units = units_of(plain, protocol)
    names = np.array(units.classes)
    return {str(name): (int((names == name).sum()), units.values[names == name].mean(axis=0)) for name in set(names)}
