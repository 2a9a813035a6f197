"""The shots of a video: what is seen in one says nothing about the next."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from tvsl_core.annotate.events import EventSpan


@dataclass(frozen=True, kw_only=True, slots=True)
class Shots:
    """When each shot begins; one shot where nothing else is known."""

    cuts_s: tuple[float, ...] = ()
    """When each shot but the first begins, in seconds of the timeline, in order."""

    @classmethod
    def seen(cls, cuts_s: Iterable[float], times_s: Sequence[float]) -> Shots:
        """The shots in which something was looked at; one between two instants belongs to the shot before it.

        Args:
            cuts_s: When each shot but the first begins, in order.
            times_s: The instants, in order.
        """
        kept: list[float] = []
        for cut_s in cuts_s:
            before = bisect_left(times_s, cut_s)
            if not 0 < before < len(times_s):
                continue
            if kept and before == bisect_left(times_s, kept[-1]):
                kept.pop()
            kept.append(cut_s)
        return cls(cuts_s=tuple(kept))

    def number(self, time_s: float) -> int:
        """Which shot a time lies in, from 0."""
        return bisect_right(self.cuts_s, time_s)

    def bounds(self, time_s: float) -> tuple[float, float]:
        """Start and end of the shot that a time lies in."""
        ends = (float("-inf"), *self.cuts_s, float("inf"))
        place = self.number(time_s)
        return ends[place], ends[place + 1]

    def split(self, span: EventSpan, *, hop_s: float, shortest_s: float) -> list[EventSpan]:
        """An event in pieces that lie in one shot each; pieces that are too short stay with the piece before.

        Args:
            span: Its positions count from the timeline's 0.
            hop_s: Seconds between positions.
            shortest_s: The least length of a piece.
        """
        least = shortest_s / hop_s
        edges = [span.first]
        for cut_s in self.cuts_s:
            place = ceil(cut_s / hop_s)
            if place - edges[-1] >= least and span.stop - place >= least:
                edges.append(place)
        edges.append(span.stop)
        return [span.between(first, stop) for first, stop in pairwise(edges)]
