"""Which events are told: what is more likely right than not, and one name for one object.

The names that lose against another on the same object become its alternatives and share its probability: an object has
one name, so what the told name leaves of 1 is all that the others can have between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.events import EventSpan
from tvsl_core.annotate.rules import DetectOptions

SHADE = 1e-6
"""By so much a generic name comes after a specific one that may be told as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoredEvent:
    """One event, and how likely it is what it is called."""

    span: EventSpan
    score: float
    """Probability that its class sounds in it."""
    in_view: float
    """Probability that its source is in the picture."""
    alternatives: tuple[tuple[int, float], ...] = ()
    """Other classes that its source may be, with their shares of the probability, the likeliest first."""


def choose_events(
    events: Sequence[ScoredEvent],
    *,
    ancestors: NDArray[np.bool_],
    one_object: NDArray[np.bool_],
    options: DetectOptions,
    least: NDArray[np.floating] | None = None,
) -> list[ScoredEvent]:
    """The events that are told, by their starts.

    A generic name is right whenever one below it is, so it is always the likelier one. It is told only when no name
    below it is likely enough: "guitar" where it may be any guitar, "electric guitar" where it is one.

    Args:
        events: All events of a stretch.
        ancestors: ``[klass klass]``, whether the first is a generic name of the second.
        one_object: ``[event event]``, whether two events claim one object, for their maps cover the same patches.
        options: How much is told.
        least: ``[klass]``, least scores, instead of one for all.
    """
    told = [event.score >= (options.min_score if least is None else least[event.span.klass]) for event in events]
    rank = [_rank(event, events, told, ancestors, options) for event in events]
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
        elif told[place] and _beside(event, kept, events) < options.max_sources:
            kept.append(place)
            others[place] = []
    chosen = [
        replace(
            events[place],
            alternatives=_alternatives(events[place], [events[other] for other in others[place]], ancestors, options),
        )
        for place in kept
    ]
    return sorted(chosen, key=lambda event: (event.span.first, event.span.klass))


def _rank(
    event: ScoredEvent,
    events: Sequence[ScoredEvent],
    told: Sequence[bool],
    ancestors: NDArray[np.bool_],
    options: DetectOptions,
) -> float:
    """Its score, unless a name below it may be told at the same time: then it comes right behind that."""
    below = [
        other.score
        for other, likely in zip(events, told, strict=True)
        if ancestors[event.span.klass, other.span.klass] and likely and _together(event, other, options)
    ]
    return min(event.score, max(below) - SHADE) if below else event.score


def _together(one: ScoredEvent, other: ScoredEvent, options: DetectOptions) -> bool:
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


def _alternatives(
    event: ScoredEvent, others: Sequence[ScoredEvent], ancestors: NDArray[np.bool_], options: DetectOptions
) -> tuple[tuple[int, float], ...]:
    """The other names of an event's source: at most as likely, together, as what the event's own name leaves them.

    A generic name takes nothing, for it is right whenever the event's own is. More specific names divide the event's
    own probability, and all others what is left of 1.
    """
    klass = event.span.klass
    best: dict[int, float] = {}
    for other in others:
        best[other.span.klass] = max(other.score, best.get(other.span.klass, 0.0))
    shared: dict[int, float] = {}
    for names, room in (
        ([one for one in best if ancestors[klass, one]], event.score),
        ([one for one in best if not ancestors[klass, one] and not ancestors[one, klass]], 1 - event.score),
    ):
        total = sum(best[one] for one in names)
        shared |= {one: best[one] * (room / total if total > room else 1.0) for one in names}
    found = {**best, **shared}
    likeliest = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return tuple(one for one in likeliest if one[1] >= options.least_alternative)[: options.max_alternatives]
