"""Which events are told: what is more likely right than not, and one name for one object.

The names that lose against another on the same object become its alternatives, with their own probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.events import EventSpan

SHADE = 1e-6
"""By so much a generic name comes after a specific one that may be told as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoiceOptions:
    """Which events are told."""

    min_score: float = 0.5
    """Least probability that an event is right, in [0, 1]: more likely than not."""
    max_sources: int = 4
    """Most events at a time."""
    max_alternatives: int = 3
    """Most other names of one event."""
    together: float = 0.5
    """Two events may be one object's when they share this much of the shorter one's time, in (0, 1]."""

    def __post_init__(self) -> None:
        if not 0 <= self.min_score <= 1 or not 0 < self.together <= 1:
            raise ValueError(f"min_score and together lie in [0, 1], got {self.min_score} and {self.together}")
        if self.max_sources < 1 or self.max_alternatives < 0:
            raise ValueError("max_sources is at least 1 and max_alternatives at least 0")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredEvent:
    """One event, and how likely it is what it is called."""

    span: EventSpan
    score: float
    """Probability that its class sounds in it."""
    in_view: float
    """Probability that its source is in the picture."""
    alternatives: tuple[tuple[int, float], ...] = ()
    """Other classes that it may be, with their scores, the likeliest first."""


def choose_events(
    events: Sequence[ScoredEvent],
    *,
    ancestors: NDArray[np.bool_],
    one_object: NDArray[np.bool_],
    options: ChoiceOptions,
) -> list[ScoredEvent]:
    """The events that are told, by their starts.

    A generic name is right whenever one below it is, so it is always the likelier one. It is told only when no name
    below it is likely enough: "guitar" where it may be any guitar, "electric guitar" where it is one.

    Args:
        events: All events of a stretch.
        ancestors: ``[klass klass]``, whether the first is a generic name of the second.
        one_object: ``[event event]``, whether two events claim one object, for their maps cover the same patches.
        options: How much is told.
    """
    rank = [_rank(event, events, ancestors, options) for event in events]
    kept: list[int] = []
    others: dict[int, list[int]] = {}
    for place in sorted(range(len(events)), key=lambda one: (-rank[one], one)):
        event = events[place]
        claimed = [
            one
            for one in kept
            if _together(events[one], event, options)
            and (one_object[one, place] or _related(events[one], event, ancestors))
        ]
        if claimed:
            others[claimed[0]].append(place)
        elif event.score >= options.min_score and _beside(event, kept, events) < options.max_sources:
            kept.append(place)
            others[place] = []
    chosen = [_with_alternatives(events[place], [events[other] for other in others[place]], options) for place in kept]
    return sorted(chosen, key=lambda event: (event.span.first, event.span.klass))


def _rank(
    event: ScoredEvent, events: Sequence[ScoredEvent], ancestors: NDArray[np.bool_], options: ChoiceOptions
) -> float:
    """Its score, unless a name below it may be told at the same time: then it comes right behind that."""
    below = [
        other.score
        for other in events
        if ancestors[event.span.klass, other.span.klass]
        and other.score >= options.min_score
        and _together(event, other, options)
    ]
    return min(event.score, max(below) - SHADE) if below else event.score


def _together(one: ScoredEvent, other: ScoredEvent, options: ChoiceOptions) -> bool:
    shared = min(one.span.stop, other.span.stop) - max(one.span.first, other.span.first)
    shorter = min(one.span.stop - one.span.first, other.span.stop - other.span.first)
    return one.span.klass != other.span.klass and shared >= options.together * shorter


def _related(one: ScoredEvent, other: ScoredEvent, ancestors: NDArray[np.bool_]) -> bool:
    first, second = one.span.klass, other.span.klass
    return bool(ancestors[first, second] or ancestors[second, first])


def _beside(event: ScoredEvent, kept: Sequence[int], events: Sequence[ScoredEvent]) -> int:
    """How many of those kept sound at any moment of an event."""
    spans = [events[place].span for place in kept]
    return sum(span.first < event.span.stop and event.span.first < span.stop for span in spans)


def _with_alternatives(event: ScoredEvent, others: Sequence[ScoredEvent], options: ChoiceOptions) -> ScoredEvent:
    best: dict[int, float] = {}
    for other in others:
        best[other.span.klass] = max(other.score, best.get(other.span.klass, 0.0))
    likeliest = sorted(best.items(), key=lambda one: (-one[1], one[0]))[: options.max_alternatives]
    return ScoredEvent(span=event.span, score=event.score, in_view=event.in_view, alternatives=tuple(likeliest))
