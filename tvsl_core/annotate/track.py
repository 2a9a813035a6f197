"""Stage 5 of annotation: boxes are linked over time into sources with stable numbers, and smoothed.

A source is one class in one place. It keeps its number over short gaps; what shows up for a single instant is taken
for a mistake and dropped. Decisions look ahead by a bounded number of instants, so that memory does not grow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from tvsl_core.types import Box, LocalizedSource


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackOptions:
    """How sources are followed."""

    max_gap_s: float = 2.0
    """A source that is not found for longer starts anew, with a new number."""
    min_iou: float = 0.1
    """Least overlap with its last box for a region to be the same source; none is needed if it is the only one."""
    smoothing: float = 0.6
    """Weight of the new box against the last one, in (0, 1]; 1 does not smooth."""
    min_instants: int = 2
    """A source that is found fewer times is dropped, unless the video is shorter than that."""
    lookahead: int = 4
    """Instants after which a source that is still unconfirmed is dropped."""

    def __post_init__(self) -> None:
        if not 0 < self.smoothing <= 1:
            raise ValueError(f"smoothing must lie in (0, 1], got {self.smoothing}")
        if self.min_instants < 1 or self.lookahead < self.min_instants:
            raise ValueError(f"lookahead ({self.lookahead}) must be at least min_instants ({self.min_instants}) >= 1")


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
    """Gives every row the number of its source. Feed instants in order; rows come out in the same order, later."""

    def __init__(self, options: TrackOptions | None = None) -> None:
        self._options = options or TrackOptions()
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
            self._tracks = [track for track in self._tracks if now - track.last_time <= self._options.max_gap_s]
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
