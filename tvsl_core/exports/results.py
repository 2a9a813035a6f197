"""What a results folder says, one video at a time: the one reader that all exports share."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tvsl_core.annotate.results.event_table import read_events
from tvsl_core.annotate.results.table import read_table
from tvsl_core.errors import InputError, MediaError
from tvsl_core.media.read.frame_times import coded_size, frame_times
from tvsl_core.media.read.probe import camera_rate
from tvsl_core.types import Box, SourceEvent, Verdict

_COLUMNS = ("source_id", "class", "time_s", "frame_index", "score", "verdict", "x_min", "y_min", "x_max", "y_max")


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which events leave the results."""

    classes: tuple[str, ...] = ()
    """Only these; empty is all."""
    min_score: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_score <= 1:
            raise ValueError(f"min-score must lie in [0, 1], got {self.min_score}")

    def takes(self, event: SourceEvent) -> bool:
        """Whether an event is wanted."""
        return event.score >= self.min_score and (not self.classes or event.name in self.classes)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceInstant:
    """One source at one annotated instant."""

    source_id: int
    name: str
    time_s: float
    frame: int
    """Position among the frames of the file, from 0."""
    score: float
    verdict: Verdict
    box: Box | None


@dataclass(frozen=True, kw_only=True)
class VideoResults:
    """One annotated video."""

    name: str
    """As in the tables: relative to the folder that was annotated."""
    path: Path
    """Where it was read from; it may have gone since."""
    table: Path
    """Its table of events."""
    sources: Path
    """Its table of instants."""
    duration_s: float
    width: int
    height: int
    """Of the frame as shown, in pixels; 0 for a sound file."""
    frame_rate: Fraction
    """Average frames per second; 0 for a sound file."""
    events: tuple[SourceEvent, ...]

    @cached_property
    def instants(self) -> tuple[SourceInstant, ...]:
        """Every source at every instant inside one of the selected events, in order of time."""
        rows = read_table(self.sources, _COLUMNS).sort_by([("time_s", "ascending")]).to_pylist()
        return tuple(_instant(row) for row in rows if self._is_selected(row))

    def instants_of(self, event: SourceEvent) -> tuple[SourceInstant, ...]:
        """The instants of one event."""
        return tuple(
            one
            for one in self.instants
            if one.source_id == event.source_id and event.start_s <= one.time_s < event.end_s
        )

    def key_boxes(self, event: SourceEvent) -> tuple[SourceInstant, ...]:
        """The instants of one event that have a box, from the frame of its onset on.

        Programs show a track from its first box on, so the first one is repeated at the onset.
        """
        shown = tuple(one for one in self.instants_of(event) if one.box is not None)
        onset = self.frame_at(event.start_s)
        if shown and onset < shown[0].frame:
            return replace(shown[0], frame=onset, time_s=event.start_s), *shown
        return shown

    def frame_at(self, time_s: float) -> int:
        """The frame that is shown at a time, from 0; exact for a variable rate while the file is there."""
        if self._frame_times:
            return max(0, bisect_right(self._frame_times, time_s + 1e-6) - 1)
        return max(0, int(time_s * self.frame_rate + 1e-6))

    def time_at(self, frame: int) -> float:
        """When a frame is shown, in seconds; of the frame after the last one, when the video ends."""
        if self._frame_times and frame < len(self._frame_times):
            return self._frame_times[frame]
        if self._frame_times or not self.frame_rate:
            return self.duration_s
        return float(frame / self.frame_rate)

    @cached_property
    def frames(self) -> int:
        """How many frames the video has."""
        return len(self._frame_times) or max(1, round(self.duration_s * self.frame_rate))

    @cached_property
    def stored_size(self) -> tuple[int, int]:
        """Width and height of a frame with its rotation but without its pixel aspect ratio, as most programs count."""
        try:
            return coded_size(self.path)
        except (MediaError, OSError):
            return self.width, self.height

    def to_stored(self, box: Box) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of a box in pixels of ``stored_size``."""
        across, down = self.stored_size[0] / self.width, self.stored_size[1] / self.height
        return box.x_min * across, box.y_min * down, box.x_max * across, box.y_max * down

    @cached_property
    def _frame_times(self) -> Sequence[float]:
        try:
            return frame_times(self.path)
        except (MediaError, OSError):
            return ()

    def _is_selected(self, row: dict[str, Any]) -> bool:
        return any(
            event.source_id == row["source_id"] and event.start_s <= row["time_s"] < event.end_s
            for event in self.events
        )


def read_results(folder: Path, selection: Selection | None = None) -> Iterator[VideoResults]:
    """Every finished video of a results folder, in the order of their names; one is held at a time.

    Args:
        folder: That ``tvsl annotate`` wrote.
        selection: Which events are wanted; None is all of them.

    Raises: InputError: The folder holds no results, or they are of a version without events.
    """
    chosen = selection or Selection()
    for table in _event_tables(folder):
        video = _read_video(folder, table)
        yield replace(video, events=tuple(event for event in video.events if chosen.takes(event)))


def _event_tables(folder: Path) -> list[Path]:
    tables = sorted((folder / "events").rglob("*.parquet"))
    if tables:
        return tables
    if any((folder / "sources").rglob("*.parquet")):
        raise InputError(
            f"the results in '{folder}' are of an earlier version, without events.",
            hint="Annotate the videos again; what is new is added and the rest is replaced.",
        )
    raise InputError(f"'{folder}' holds no results.", hint="Name a folder that tvsl annotate wrote, such as results.")


def _read_video(folder: Path, table: Path) -> VideoResults:
    sources = folder / "sources" / table.relative_to(folder / "events")
    try:
        raw = pq.read_metadata(table).metadata or {}
        facts = json.loads(raw[b"outcome"])
        return VideoResults(
            name=raw[b"video"].decode(),
            path=Path(raw[b"path"].decode()),
            table=table,
            sources=sources,
            duration_s=facts["duration_s"] or 0.0,
            width=facts["frame_width"] or 0,
            height=facts["frame_height"] or 0,
            frame_rate=camera_rate(Fraction(facts["frame_rate"] or 0)),
            events=read_events(table),
        )
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise InputError(
            f"the table '{table}' is damaged or of another version: {error}.",
            hint="Annotate this video again with --overwrite.",
        ) from error


def _instant(row: dict[str, Any]) -> SourceInstant:
    corners = {name: row[name] for name in ("x_min", "y_min", "x_max", "y_max")}
    return SourceInstant(
        source_id=row["source_id"],
        name=row["class"],
        time_s=row["time_s"],
        frame=row["frame_index"],
        score=row["score"],
        verdict=row["verdict"],
        box=None if row["x_min"] is None else Box(**corners, score=row["score"]),
    )
