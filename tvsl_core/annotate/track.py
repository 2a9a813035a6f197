"""Stage 5 of annotation: boxes are linked over time into sources with stable numbers, and smoothed.

A source is one class in one place. It keeps its number over short gaps; what shows up for a single instant is taken
for a mistake and dropped. Decisions look ahead by a bounded number of instants, so that memory does not grow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from tvsl_core.annotate.rules import TrackOptions
from tvsl_core.types import Box, LocalizedSource


@dataclass(slots=True, eq=False)
class _Track:
    name: str
    last_time: Fraction
    box: Box | None
    instants: int = 0
    source_id: int | None = None


@dataclass(slots=True, eq=False)
class _Instant:
    rows: list[tuple[_Track, LocalizedSource]] = field(default_factory=list)


class Linker:
    """Gives every row the number of its source. Feed instants in order; rows come out in the same order, later.

    Args:
        options: How sources are followed.
        step_s: Seconds between instants.
    """

    def __init__(self, options: TrackOptions, *, step_s: float = 0.0) -> None:
        self._options = options
        self._max_gap_s = max(options.max_gap_s, options.max_gap_instants * step_s)
        self._tracks: list[_Track] = []
        self._waiting: deque[_Instant] = deque()
        self._seen = 0
        self._next_id = 0

    def feed(self, rows: Sequence[LocalizedSource]) -> Iterator[LocalizedSource]:
        """Take one instant's rows (their ``source_id`` is ignored); yield the rows whose source is decided."""
        self._seen += 1
        instant = _Instant()
        for row, track in self._match(rows):
            instant.rows.append((track, self._follow(track, row)))
        self._waiting.append(instant)
        if len(self._waiting) > self._options.lookahead:
            yield from self._release(self._waiting.popleft())

    def finish(self) -> Iterator[LocalizedSource]:
        """Yield what is left at the end of the video."""
        while self._waiting:
            yield from self._release(self._waiting.popleft())

    def _match(self, rows: Sequence[LocalizedSource]) -> list[tuple[LocalizedSource, _Track]]:
        """Each row with its track; the best overlaps are served first, and no track is served twice."""
        if rows:
            now = rows[0].time
            self._tracks = [track for track in self._tracks if now - track.last_time <= self._max_gap_s]
        free = list(self._tracks)
        matched: list[tuple[LocalizedSource, _Track]] = []
        for row in sorted(rows, key=lambda row: row.region):
            track = self._best(row, free)
            if track is None:
                track = _Track(name=row.detection.name, last_time=row.time, box=row.box)
                self._tracks.append(track)
            else:
                free.remove(track)
            matched.append((row, track))
        return matched

    def _best(self, row: LocalizedSource, free: list[_Track]) -> _Track | None:
        candidates = [track for track in free if track.name == row.detection.name]
        if not candidates:
            return None
        box = row.box
        if box is None or all(track.box is None for track in candidates):
            return candidates[0]
        best = max(candidates, key=lambda track: track.box.iou(box) if track.box else 0.0)
        close = best.box is not None and best.box.iou(box) >= self._options.min_iou
        return best if close or (row.region == 0 and len(candidates) == 1) else None

    def _follow(self, track: _Track, row: LocalizedSource) -> LocalizedSource:
        box = row.box
        if box is not None and track.box is not None and track.instants and track.box.iou(box) >= self._options.min_iou:
            box = track.box.towards(box, self._options.smoothing)
        track.box = box if box is not None else track.box
        track.last_time = row.time
        track.instants += 1
        return replace(row, box=box)

    def _release(self, instant: _Instant) -> Iterator[LocalizedSource]:
        needed = min(self._options.min_instants, self._seen)
        for track, row in instant.rows:
            if track.instants < needed:
                continue
            if track.source_id is None:
                track.source_id = self._next_id
                self._next_id += 1
            yield replace(row, source_id=track.source_id)
