"""``csv``: events and instants as comma-separated values (RFC 4180), a row each, for spreadsheets and shells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from tvsl_core.exports.results import VideoResults
from tvsl_core.types import Box, SourceEvent

EVENT_COLUMNS = (
    *("video", "event_id", "source_id", "class", "start_s", "end_s", "score", "verdict", "peak_s"),
    *("x_min", "y_min", "x_max", "y_max", "alternatives"),
)
INSTANT_COLUMNS = (
    *("video", "source_id", "class", "time_s", "frame", "score", "verdict"),
    *("x_min", "y_min", "x_max", "y_max"),
)


def event_lines(videos: Iterable[VideoResults]) -> Iterator[str]:
    """One line an event, the names of the columns first."""
    yield event_header()
    for video in videos:
        yield from event_lines_of(video.name, video.events)


def event_header() -> str:
    """The names of the columns."""
    return _line(EVENT_COLUMNS)


def event_lines_of(video: str, events: Iterable[SourceEvent]) -> Iterator[str]:
    """The events of one video. Alternatives stand as ``name:score`` joined by ``;``."""
    for event in events:
        others = ";".join(f"{other.name}:{other.score:.3f}" for other in event.alternatives)
        yield _line(
            (
                *(video, event.event_id, event.source_id, event.name),
                *(f"{event.start_s:.3f}", f"{event.end_s:.3f}", f"{event.score:.4f}", event.verdict),
                *(f"{event.peak_s:.3f}", *_corners(event.box), others),
            )
        )


def instant_lines(videos: Iterable[VideoResults]) -> Iterator[str]:
    """One line a source and instant, the names of the columns first."""
    yield _line(INSTANT_COLUMNS)
    for video in videos:
        for one in video.instants:
            yield _line(
                (
                    *(video.name, one.source_id, one.name, f"{one.time_s:.3f}", one.frame),
                    *(f"{one.score:.4f}", one.verdict, *_corners(one.box)),
                )
            )


def _corners(box: Box | None) -> tuple[Any, ...]:
    return ("", "", "", "") if box is None else (box.x_min, box.y_min, box.x_max, box.y_max)


def _line(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
