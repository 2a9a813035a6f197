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
    places: tuple[int, ...] = ()
    """Which place each shot shows, where that is known: shots of one camera that stands still show one."""

    @classmethod
    def seen(cls, cuts_s: Iterable[float], times_s: Sequence[float], places: Sequence[int] = ()) -> Shots:
        """The shots in which something was looked at; one between two instants belongs to the shot before it.

        Args:
            cuts_s: When each shot but the first begins, in order.
            times_s: The instants, in order.
            places: Which place every shot shows, the first one too; each its own where nothing is said.
        """
        kept: list[tuple[float, int]] = []
        for shot, cut_s in enumerate(cuts_s, 1):
            before = bisect_left(times_s, cut_s)
            if not 0 < before < len(times_s):
                continue
            if kept and before == bisect_left(times_s, kept[-1][0]):
                kept.pop()
            kept.append((cut_s, shot))
        shown = tuple(places[shot] for shot in (0, *(shot for _, shot in kept))) if places else ()
        return cls(cuts_s=tuple(cut_s for cut_s, _ in kept), places=shown)

    def number(self, time_s: float) -> int:
        """Which shot a time lies in, from 0."""
        return bisect_right(self.cuts_s, time_s)

    def place(self, time_s: float) -> int:
        """Which place a time shows; the same number where another shot shows it again."""
        shot = self.number(time_s)
        return self.places[shot] if self.places else shot

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
