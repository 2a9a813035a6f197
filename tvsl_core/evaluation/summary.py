"""From rows to named scores: value, number, interval, floor and margin.

A score's name says everything that it depends on: ``strict/oracle/cIoU@0.3/videos`` is the share of sources with ciou
of at least 0.3 under the protocol ``strict`` with oracle classes, averaged over videos. Averages: ``sources`` (every
source counts the same; ``frames`` where the protocol's unit is the frame), ``videos`` and ``classes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tvsl_core.data.benchmarks.sample import SAME_CLASS
from tvsl_core.evaluation.metrics.bootstrap import Averages, Interval, Numbers, averages
from tvsl_core.evaluation.metrics.success import auc_shares
from tvsl_core.evaluation.protocols import Protocol
from tvsl_core.evaluation.scoring import SourceRow

METRICS = ("cIoU@0.3", "cIoU@0.5", "AUC", "mean cIoU", "CAP", "PIAP", "peak")
"""What is reported for place, in this order. All are means over units of a value in [0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One number that can be published."""

    name: str
    """Protocol, classes, metric and average, joined by ``/``."""
    metric: str
    protocol: str
    classes: str
    """``oracle``, ``predicted``, or the name of a floor."""
    average: str
    value: float
    low: float
    """95 % interval by drawing whole videos; NaN when there is one video only."""
    high: float
    n: int
    """Units that the average is over."""
    videos: int
    floor: float | None = None
    """The best floor's value of the same metric and average."""
    floor_name: str = ""

    @property
    def margin(self) -> float | None:
        """How far the score is above the best floor."""
        return None if self.floor is None else self.value - self.floor

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON; NaN becomes null."""
        values: dict[str, object] = {"metric": self.metric, "protocol": self.protocol, "classes": self.classes}
        values |= {"average": self.average, "value": self.value, "n": self.n, "videos": self.videos}
        values["interval"] = None if np.isnan(self.low) else [self.low, self.high]
        values |= {"floor": self.floor, "floor_name": self.floor_name, "margin": self.margin}
        return values


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Units:
    """Values ready to be averaged."""

    values: Numbers
    """``[unit metric]``, in the order of ``METRICS``."""
    videos: tuple[str, ...]
    classes: tuple[str, ...]


def units_of(rows: Sequence[SourceRow], protocol: Protocol) -> Units:
    """The observations of a protocol: sources, or frames with the means of their sources."""
    table = np.array([[row.ciou, row.ap, row.ap_permuted, row.peak] for row in rows], dtype=np.float64).reshape(-1, 4)
    videos, classes = [row.video for row in rows], [row.klass for row in rows]
    if protocol.unit == "frame" and rows:
        first: dict[str, int] = {}
        number = np.array([first.setdefault(row.sample, len(first)) for row in rows])
        count = np.bincount(number)
        table = np.stack([np.bincount(number, weights=column) / count for column in table.T], axis=1)
        leaders = np.unique(number, return_index=True)[1]
        videos, classes = [videos[index] for index in leaders], [classes[index] for index in leaders]
    cious = np.clip(table[:, 0], 0, 1)
    columns = [cious >= 0.3, cious >= 0.5, auc_shares(cious), cious, table[:, 1], table[:, 2], table[:, 3]]
    return Units(values=np.stack(columns, axis=1).astype(np.float64), videos=tuple(videos), classes=tuple(classes))


def summarize(
    rows: Mapping[str, Sequence[SourceRow]],
    floors: Mapping[str, Sequence[SourceRow]],
    protocol: Protocol,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[Score, ...]:
    """Average rows and set them against the floors.

    Args:
        rows: By class mode; samples whose sources share one class are left out (see ``same_class_rows``).
        floors: By floor name, over the same samples.
        protocol: That both were scored with.
        draws: Bootstrap samples.
        seed: Of the bootstrap.

    Returns: Scores of the rows first, then those of the floors.
    """
    floor_scores = [
        score for name, entries in floors.items() for score in _scores(name, entries, protocol, draws, seed)
    ]
    best: dict[tuple[str, str], Score] = {}
    for score in floor_scores:
        key = (score.metric, score.average)
        if key not in best or score.value > best[key].value:
            best[key] = score
    scores = [
        _with_floor(score, best.get((score.metric, score.average)))
        for mode, entries in rows.items()
        for score in _scores(mode, entries, protocol, draws, seed)
    ]
    return (*scores, *floor_scores)


def same_class_rows(rows: Sequence[SourceRow]) -> tuple[list[SourceRow], list[SourceRow]]:
    """Split rows into those that names can tell apart, and those of samples whose sources share one class."""
    plain = [row for row in rows if SAME_CLASS not in row.tag]
    return plain, [row for row in rows if SAME_CLASS in row.tag]


def _scores(label: str, rows: Sequence[SourceRow], protocol: Protocol, draws: int, seed: int) -> list[Score]:
    """All metrics and averages of one set of rows."""
    if not rows:
        return []
    units = units_of(rows, protocol)
    found = averages(units.values, units.videos, units.classes, draws=draws, seed=seed)
    counts = (len(units.videos), len(set(units.videos)), len(set(units.classes)))
    names = (f"{protocol.unit}s", "videos", "classes")
    scores = []
    for metric, entry in zip(METRICS, found, strict=True):
        for average, n, interval in zip(names, counts, _parts(entry), strict=True):
            scores.append(
                Score(
                    name=f"{protocol.name}/{label}/{metric}/{average}",
                    metric=metric,
                    protocol=protocol.name,
                    classes=label,
                    average=average,
                    value=interval.value,
                    low=interval.low,
                    high=interval.high,
                    n=n,
                    videos=counts[1],
                )
            )
    return scores


def _parts(entry: Averages) -> tuple[Interval, Interval, Interval]:
    return entry.units, entry.videos, entry.classes


def _with_floor(score: Score, floor: Score | None) -> Score:
    if floor is None:
        return score
    from dataclasses import replace

    return replace(score, floor=floor.value, floor_name=floor.classes)
