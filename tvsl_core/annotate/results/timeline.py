"""What was found, kept for drawing: each source's strength, box and map along time, interpolated between instants."""

from __future__ import annotations

import bisect
import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.objects.follow import Course, Place, Trajectory
from tvsl_core.annotate.rules import DrawOptions
from tvsl_core.system.files import write_error
from tvsl_core.types import Box, SourceEvent, Verdict


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DrawnSource:
    """One source as it is to be drawn at one time."""

    source_id: int
    name: str
    verdict: Verdict
    strength: float
    """How strongly to draw it, in [0, 1]: its score, faded where it begins and ends."""
    score: float
    box: Box | None
    values: NDArray[np.float32] | None
    """Map with a maximum of 1; None when offscreen."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DrawnEvent:
    """One event of a source: what it shows at each of its moments; the maps stay on the disk."""

    event: SourceEvent
    course: Course | None
    """None when offscreen."""
    slots: tuple[int, ...]
    """Of the maps of its places."""


@dataclass(slots=True, eq=False)
class SourceTimeline:
    """One source along time."""

    source_id: int
    name: str
    events: list[DrawnEvent] = field(default_factory=list)
    """By onset; they do not overlap."""

    @property
    def strongest(self) -> DrawnEvent:
        """Its best event: the highest score, in view if it ever is."""
        return max(self.events, key=lambda one: (one.event.in_view, one.event.score))


class Timelines:
    """Every source of one video along time. Maps go to a temporary file, so that memory stays small.

    Args:
        folder: Where the temporary file may lie.
        options: How a source comes and goes.

    Raises: OutputError: The temporary file cannot be written.
    """

    def __init__(self, folder: Path, options: DrawOptions) -> None:
        self._folder = folder
        try:
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".tvsl-maps-")  # noqa: SIM115 closed in __exit__
        except OSError as error:
            raise write_error(folder, error) from error
        self._fade_s = options.fade_s
        self._places: list[tuple[int, tuple[int, int]]] = []
        """Of each map: where it begins, in numbers, and its shape; maps of people are finer than others."""
        self._maps: NDArray[np.float16] | None = None
        self.sources: dict[int, SourceTimeline] = {}

    def add(
        self,
        event: SourceEvent,
        moments: Iterable[Place],
        trajectory: Trajectory | None = None,
    ) -> None:
        """Remember one event.

        Args:
            event: What was found.
            moments: Where its source is at its moments, in order of time; none when offscreen.
            trajectory: How it moves between them; None draws a straight line.
        """
        source = self.sources.get(event.source_id)
        if source is None:
            source = self.sources[event.source_id] = SourceTimeline(event.source_id, event.name)
        known = tuple(moments)
        source.events.append(
            DrawnEvent(
                event=event,
                course=Course.through(known, trajectory) if known else None,
                slots=tuple(self._store(grid.values) for _, _, grid in known),
            )
        )

    def _store(self, values: NDArray[np.float32]) -> int:
        begin, last = self._places[-1] if self._places else (0, (0, 0))
        begin += last[0] * last[1]
        try:
            self._file.write((values / max(float(values.max()), 1e-12)).astype(np.float16).tobytes())
        except OSError as error:
            raise write_error(self._folder, error) from error
        self._places.append((begin, (values.shape[0], values.shape[1])))
        return len(self._places) - 1

    def _map(self, slot: int) -> NDArray[np.float32]:
        begin, (rows, columns) = self._places[slot]
        if self._maps is None or len(self._maps) < begin + rows * columns:
            try:
                self._file.flush()
            except OSError as error:
                raise write_error(self._folder, error) from error
            self._maps = np.memmap(self._file, dtype=np.float16, mode="r")
        return np.asarray(self._maps[begin : begin + rows * columns], dtype=np.float32).reshape(rows, columns)

    def peak(self, source: SourceTimeline, instants_s: NDArray[np.float64]) -> tuple[float, DrawnSource]:
        """A source's best event at its peak, when and how: at the instant that lies nearest, if one lies in the event.

        Args:
            source: One of these.
            instants_s: When pictures were looked at.
        """
        event = source.strongest.event
        within = instants_s[(instants_s >= event.start_s) & (instants_s < event.end_s)]
        nearest = min(within.tolist(), key=lambda time_s: abs(time_s - event.peak_s), default=event.peak_s)
        return nearest, self._at(source, source.strongest, nearest, strength=event.score)

    def at(self, source: SourceTimeline, time_s: float) -> DrawnSource | None:
        """A source at any time: interpolated between its moments, faded in and out at the ends of its events."""
        place = bisect.bisect_right(source.events, time_s, key=lambda one: one.event.start_s) - 1
        if place < 0 or time_s >= source.events[place].event.end_s:
            return None
        drawn = source.events[place]
        edge_s = min(time_s - drawn.event.start_s, drawn.event.end_s - time_s)
        shown = min(1.0, edge_s / self._fade_s) if self._fade_s else 1.0
        return self._at(source, drawn, time_s, strength=drawn.event.score * shown)

    def _at(self, source: SourceTimeline, drawn: DrawnEvent, time_s: float, *, strength: float) -> DrawnSource:
        box, values = None, None
        if drawn.course is not None:
            near = drawn.course.near(time_s)
            box = drawn.course.box(time_s, near)
            values = drawn.course.map(time_s, near, lambda place: self._map(drawn.slots[place]))
        return DrawnSource(
            source_id=source.source_id,
            name=source.name,
            verdict=drawn.event.verdict,
            strength=strength,
            score=drawn.event.score,
            box=box,
            values=values,
        )

    def all_at(self, time_s: float) -> Iterator[DrawnSource]:
        """Every source that sounds at a time."""
        for source in self.sources.values():
            moment = self.at(source, time_s)
            if moment is not None:
                yield moment

    def __enter__(self) -> Timelines:
        """Use as a context manager; the temporary file goes away at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the temporary file."""
        self._maps = None
        with contextlib.suppress(OSError):  # what it still holds back is of no use any more
            self._file.close()
