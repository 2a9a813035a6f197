"""When a class sounds: reported events against true ones.

Conventions: an event is a class with its onset and offset in seconds; ``reference`` is what sounds in one recording
and ``estimate`` what is reported for it; reference first. Counts of recordings add up before any ratio is taken.

Metrics: event based (one true event answers for one report; the onset must lie within 0.25 s, the offset within 0.5 s
or a fifth of the true length, whichever is more) and segment based (every 0.1 s is asked which classes sound in it),
each as precision, recall and F1, over all events and as the mean over classes.

References: Mesaros, Heittola and Virtanen, "Metrics for Polyphonic Sound Event Detection", Applied Sciences 6(6), 2016.
The package sed_eval is the oracle of our tests.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ONSET_S = 0.25
OFFSET_S = 0.5
OFFSET_SHARE = 0.2
SEGMENT_S = 0.1


class SoundEvent(NamedTuple):
    """A class that sounds from ``start_s`` to ``end_s``."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class HitCounts:
    """What was found, what was missed and what was made up; counts of recordings can be added."""

    hits: int = 0
    missed: int = 0
    false: int = 0

    def __add__(self, other: HitCounts) -> HitCounts:
        return HitCounts(hits=self.hits + other.hits, missed=self.missed + other.missed, false=self.false + other.false)

    @property
    def precision(self) -> float:
        """Share of the reports that are true; nan without reports."""
        return _ratio(self.hits, self.hits + self.false)

    @property
    def recall(self) -> float:
        """Share of the truth that was reported; nan without any."""
        return _ratio(self.hits, self.hits + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; nan when there is neither truth nor report."""
        return _ratio(2 * self.hits, 2 * self.hits + self.missed + self.false)


@dataclass(frozen=True, kw_only=True, slots=True)
class EventScores:
    """Scores of some recordings together."""

    events: HitCounts
    segments: HitCounts
    events_by_class: Mapping[str, HitCounts]
    segments_by_class: Mapping[str, HitCounts]

    @property
    def events_macro_f1(self) -> float:
        """Mean of the event based F1 over the classes that sound or are reported."""
        return _macro_f1(self.events_by_class)

    @property
    def segments_macro_f1(self) -> float:
        """Mean of the segment based F1 over the classes that sound or are reported."""
        return _macro_f1(self.segments_by_class)


def validate(reference: Sequence[SoundEvent], estimate: Sequence[SoundEvent]) -> None:
    """Check the arguments of every metric here.

    Raises: ValueError: A time is not finite or negative, or an event ends before it begins.
    """
    for kind, events in (("reference", reference), ("estimate", estimate)):
        for event in events:
            if not (math.isfinite(event.start_s) and math.isfinite(event.end_s) and 0 <= event.start_s < event.end_s):
                raise ValueError(f"an event of the {kind} must begin at 0 or later and end after that, got {event}")


def count_events(
    reference: Sequence[SoundEvent],
    estimate: Sequence[SoundEvent],
    *,
    onset_s: float = ONSET_S,
    offset_s: float = OFFSET_S,
    offset_share: float = OFFSET_SHARE,
) -> dict[str, HitCounts]:
    """Event based counts of one recording, by class.

    As many pairs as possible are formed (maximum matching), so that the order of events does not matter.

    Args:
        reference: What sounds.
        estimate: What is reported.
        onset_s: How far an onset may lie from the true one.
        offset_s: How far an offset may lie from the true one, at least.
        offset_share: The same as a share of the true length.
    """
    validate(reference, estimate)
    counts: dict[str, HitCounts] = {}
    for name in sorted({event.name for event in (*reference, *estimate)}):
        true = [event for event in reference if event.name == name]
        claimed = [event for event in estimate if event.name == name]
        fits = [
            [
                abs(one.start_s - other.start_s) <= onset_s
                and abs(one.end_s - other.end_s) <= max(offset_s, offset_share * (one.end_s - one.start_s))
                for other in claimed
            ]
            for one in true
        ]
        hits = _most_pairs(fits)
        counts[name] = HitCounts(hits=hits, missed=len(true) - hits, false=len(claimed) - hits)
    return counts


def count_segments(
    reference: Sequence[SoundEvent], estimate: Sequence[SoundEvent], *, segment_s: float = SEGMENT_S
) -> dict[str, HitCounts]:
    """Segment based counts of one recording, by class: a segment counts when any of it sounds."""
    validate(reference, estimate)
    if segment_s <= 0:
        raise ValueError(f"segment_s must be positive, got {segment_s}")
    both = (*reference, *estimate)
    length = max((math.ceil(_segments(event.end_s, segment_s)) for event in both), default=0)
    counts: dict[str, HitCounts] = {}
    for name in sorted({event.name for event in both}):
        true, claimed = (_active(events, name, length, segment_s) for events in (reference, estimate))
        counts[name] = HitCounts(
            hits=int((true & claimed).sum()), missed=int((true & ~claimed).sum()), false=int((~true & claimed).sum())
        )
    return counts


def evaluate(recordings: Iterable[tuple[Sequence[SoundEvent], Sequence[SoundEvent]]]) -> EventScores:
    """Both metrics over some recordings, each a (reference, estimate)."""
    events: dict[str, HitCounts] = {}
    segments: dict[str, HitCounts] = {}
    for reference, estimate in recordings:
        for total, found in (
            (events, count_events(reference, estimate)),
            (segments, count_segments(reference, estimate)),
        ):
            for name, counts in found.items():
                total[name] = total.get(name, HitCounts()) + counts
    return EventScores(
        events=sum(events.values(), HitCounts()),
        segments=sum(segments.values(), HitCounts()),
        events_by_class=events,
        segments_by_class=segments,
    )


def _active(events: Sequence[SoundEvent], name: str, length: int, segment_s: float) -> NDArray[np.bool_]:
    active = np.zeros(length, dtype=bool)
    for event in events:
        if event.name == name:
            first = math.floor(_segments(event.start_s, segment_s))
            active[first : math.ceil(_segments(event.end_s, segment_s))] = True
    return active


def _segments(seconds: float, segment_s: float) -> float:
    """Seconds in segments; 0.3 s are 3 segments of 0.1 s although 0.3 / 0.1 is 2.9999999999999996."""
    return round(seconds / segment_s, 6)


def _most_pairs(fits: Sequence[Sequence[bool]]) -> int:
    """Size of the largest set of pairs (row, column) that fit, no row or column twice: augmenting paths."""
    row_of: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column, fit in enumerate(fits[row]):
            if fit and column not in tried:
                tried.add(column)
                if column not in row_of or place(row_of[column], tried):
                    row_of[column] = row
                    return True
        return False

    return sum(place(row, set()) for row in range(len(fits)))


def _macro_f1(counts: Mapping[str, HitCounts]) -> float:
    return float(np.mean([one.f1 for one in counts.values()])) if counts else float("nan")


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
