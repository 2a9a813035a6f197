"""Probabilities along the sound become events: when a class begins and stops to sound.

An event begins where the probability reaches ``onset`` and lasts until it stays under ``offset``, so that a wavering
probability gives one event and not ten; short gaps are bridged, and what is shorter than a call can be is dropped. The
tracker is fed piece by piece and holds only the events that are still open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.rules import EventOptions

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSpan:
    """One event, before anything is known about it but its time."""

    klass: int
    first: int
    """Its first position."""
    stop: int
    """The position behind its last one."""
    peak: int
    """The position of the greatest probability."""
    peak_probability: float
    mean_probability: float

    def seconds(self, hop_s: float) -> tuple[float, float]:
        """Start and end, half a hop around the centres of the first and the last position, not before 0."""
        return max(0.0, (self.first - 0.5) * hop_s), (self.stop - 0.5) * hop_s

    def moved(self, positions: int) -> EventSpan:
        """The same event, so many positions later."""
        return replace(self, first=self.first + positions, stop=self.stop + positions, peak=self.peak + positions)

    def between(self, first: int, stop: int) -> EventSpan:
        """Its part between two positions, with the peak as near to its own as it lies there."""
        return replace(self, first=first, stop=stop, peak=min(max(self.peak, first), stop - 1))


@dataclass(slots=True)
class _Open:
    """An event that has not ended, or may yet go on."""

    first: int
    last: int
    """The latest position at or over the offset."""
    peak: int
    top: float
    total: float
    """Sum of the probabilities up to ``last``."""
    since: float = 0.0
    """Sum of those behind it."""

    def span(self, klass: int) -> EventSpan:
        length = self.last + 1 - self.first
        return EventSpan(
            klass=klass,
            first=self.first,
            stop=self.last + 1,
            peak=self.peak,
            peak_probability=self.top,
            mean_probability=self.total / length,
        )


class EventTracker:
    """Follows every class from position to position.

    Args:
        options: When an event begins and ends.
        hop_s: Seconds between positions.
    """

    def __init__(self, options: EventOptions, *, hop_s: float) -> None:
        if hop_s <= 0:
            raise ValueError(f"hop_s must be positive, got {hop_s}")
        self._options = options
        self._gap = round(options.gap_s / hop_s)
        self._shortest = max(1, round(options.shortest_s / hop_s))
        self._next = 0
        self._open: dict[int, _Open] = {}

    def feed(self, probabilities: Floats) -> list[EventSpan]:
        """Events that are over for certain after these further positions, ``[sound klass]``, by their ends."""
        finished: list[EventSpan] = []
        for row in probabilities:
            finished += self._step(row)
        return finished

    def close(self) -> list[EventSpan]:
        """The events that the end of the sound cuts off. The tracker is then as new, but for its position."""
        finished = [span for klass in sorted(self._open) for span in self._finish(klass)]
        return finished

    def _step(self, row: Floats) -> list[EventSpan]:
        place, options = self._next, self._options
        self._next += 1
        for klass in np.flatnonzero(row >= options.onset).tolist():
            if klass not in self._open:
                value = float(row[klass])
                self._open[klass] = _Open(first=place, last=place - 1, peak=place, top=value, total=0.0)
        finished: list[EventSpan] = []
        for klass, event in list(self._open.items()):
            value = float(row[klass])
            if value >= options.offset:
                event.total += event.since + value
                event.since, event.last = 0.0, place
                if value > event.top:
                    event.top, event.peak = value, place
            elif place - event.last > self._gap:
                finished += self._finish(klass)
            else:
                event.since += value
        return finished

    def _finish(self, klass: int) -> list[EventSpan]:
        event = self._open.pop(klass)
        return [event.span(klass)] if event.last + 1 - event.first >= self._shortest else []


def find_events(probabilities: Floats, options: EventOptions, *, hop_s: float) -> list[EventSpan]:
    """All events of a whole sound, ``[sound klass]``, by their starts."""
    tracker = EventTracker(options, hop_s=hop_s)
    spans = tracker.feed(probabilities) + tracker.close()
    return sorted(spans, key=lambda span: (span.first, span.klass))


def smoothed(probabilities: Floats, *, width: int = 3) -> Floats:
    """The median of ``width`` (odd) positions around each, ``[sound klass]``: a single position is no event."""
    if width % 2 == 0 or width < 1:
        raise ValueError(f"width must be odd and positive, got {width}")
    if len(probabilities) == 0:
        return probabilities
    padded = np.pad(probabilities, ((width // 2, width // 2), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=0)
    return np.asarray(np.median(windows, axis=-1), np.float32)


EVENT_FEATURES = (
    "peak", "mean", "log_seconds", "rival", "rival_share", "rivals", "kin", "kin_share",
    "sound_pooled", "untrained_most", "over_rival_pooled", "rank_pooled", "look", "look_broad",
    "look_over_plausible", "look_of_rival", "look_most", "trained",
)  # fmt: skip
"""What ``event_features`` gives, in order."""
EVENT_MEANS = (
    "sound_pooled", "untrained_most", "over_rival_pooled", "rank_pooled", "look", "look_broad", "look_over_plausible",
    "look_of_rival", "look_most", "trained",
)  # fmt: skip
"""Those of ``EVENT_FEATURES`` that are means of a position's features, under the same names."""
_LEAST = 1e-4


def event_features(
    spans: list[EventSpan],
    features: Floats,
    names: tuple[str, ...],
    klasses: NDArray[np.intp],
    kin: NDArray[np.bool_],
    *,
    hop_s: float,
) -> Floats:
    """What is known about each event as a whole, and about the events beside it, ``[event feature]``.

    Args:
        spans: Events that may overlap in time; an event is judged beside all of them.
        features: ``[sound candidate feature]`` of the positions that the spans count in.
        names: What the features are called.
        klasses: Class of each candidate.
        kin: ``[klass klass]``, as for ``features``.
        hop_s: Seconds between positions.
    """
    place = {int(klass): index for index, klass in enumerate(klasses)}
    columns = [names.index(name) for name in EVENT_MEANS]
    means = np.zeros((len(spans), len(EVENT_MEANS)), np.float32)
    for number, span in enumerate(spans):
        means[number] = features[span.first : span.stop, place[span.klass]][:, columns].mean(axis=0)
    return features_of_events(spans, means, kin, hop_s=hop_s)


def features_of_events(spans: Sequence[EventSpan], means: Floats, kin: NDArray[np.bool_], *, hop_s: float) -> Floats:
    """The same as ``event_features`` where the means over each event are known, ``[event feature]``.

    Args:
        spans: Events that may overlap in time.
        means: ``[event feature]``, in the order of ``EVENT_MEANS``.
        kin: ``[klass klass]``, as for ``features``.
        hop_s: Seconds between positions.
    """
    rows = np.zeros((len(spans), len(EVENT_FEATURES)), np.float32)
    for number, span in enumerate(spans):
        timing = (
            _logit(span.peak_probability),
            _logit(span.mean_probability),
            np.log((span.stop - span.first) * hop_s),
        )
        rows[number] = (*timing, *_beside(span, spans, kin), *means[number])
    return rows


def _beside(span: EventSpan, spans: Sequence[EventSpan], kin: NDArray[np.bool_]) -> tuple[float, ...]:
    """The strongest rival beside an event, its share of it, and their number; the strongest kin, and its share."""
    rival, rival_share, kinsman, kin_share, rivals = _logit(0), 0.0, _logit(0), 0.0, 0
    for other in spans:
        shared = min(span.stop, other.stop) - max(span.first, other.first)
        if other is span or shared <= 0 or other.klass == span.klass:
            continue
        share, strength = shared / (span.stop - span.first), _logit(other.mean_probability)
        if kin[span.klass, other.klass]:
            kinsman, kin_share = max((kinsman, kin_share), (strength, share))
        else:
            rival, rival_share = max((rival, rival_share), (strength, share))
            rivals += 1
    return rival, rival_share, float(rivals), kinsman, kin_share


def _logit(probability: float) -> float:
    bounded = min(max(probability, _LEAST), 1 - _LEAST)
    return float(np.log(bounded / (1 - bounded)))
