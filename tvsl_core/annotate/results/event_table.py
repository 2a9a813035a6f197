"""The events of one video as a Parquet table: one row is one source from its onset to its offset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tvsl_core.annotate.results.table import BOX_CONVENTION, read_table, write_table
from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.types import Alternative, Box, SourceEvent

_NAME = pa.dictionary(pa.int32(), pa.string())
EVENTS_SCHEMA = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("event_id", pa.int32(), nullable=False),
        pa.field("source_id", pa.int32(), nullable=False),
        pa.field("class", _NAME, nullable=False),
        pa.field("start_s", pa.float64(), nullable=False),
        pa.field("end_s", pa.float64(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("verdict", _NAME, nullable=False),
        pa.field("peak_s", pa.float64(), nullable=False),
        pa.field("x_min", pa.int32()),
        pa.field("y_min", pa.int32()),
        pa.field("x_max", pa.int32()),
        pa.field("y_max", pa.int32()),
        pa.field(
            "alternatives",
            pa.list_(pa.struct([pa.field("class", pa.string(), nullable=False), pa.field("score", pa.float32())])),
            nullable=False,
        ),
    ]
)
"""The box is that at ``peak_s``; null when offscreen."""


def write_events(path: Path, video: str, events: Iterable[SourceEvent], *, metadata: Mapping[str, str]) -> None:
    """Write the events of one video, complete or not at all.

    Args:
        path: The final name.
        video: What stands in the column ``video``.
        events: In order of onset.
        metadata: Key-value pairs of the file.

    Raises: OutputError: It cannot be written.
    """
    facts = dict(metadata) | {"schema_version": SCHEMA_VERSION, "box": BOX_CONVENTION}
    write_table(path, [event_row(video, event) for event in events], EVENTS_SCHEMA, facts)


def event_row(video: str, event: SourceEvent) -> dict[str, Any]:
    """One row of the table, by column."""
    box = event.box
    return {
        "video": video,
        "event_id": event.event_id,
        "source_id": event.source_id,
        "class": event.name,
        "start_s": event.start_s,
        "end_s": event.end_s,
        "score": event.score,
        "verdict": event.verdict,
        "peak_s": event.peak_s,
        "x_min": box.x_min if box else None,
        "y_min": box.y_min if box else None,
        "x_max": box.x_max if box else None,
        "y_max": box.y_max if box else None,
        "alternatives": [{"class": other.name, "score": other.score} for other in event.alternatives],
    }


def read_events(path: Path) -> tuple[SourceEvent, ...]:
    """The events of a table that ``write_events`` wrote.

    Raises:
        OSError: It is not there.
        pyarrow.ArrowException: It is damaged, or no such table.
    """
    table = read_table(path)
    if not table.schema.equals(EVENTS_SCHEMA):
        raise pa.ArrowInvalid(f"{path} holds no events of this version")
    return tuple(_event(row) for row in table.to_pylist())


def _event(row: Mapping[str, Any]) -> SourceEvent:
    corners = {name: row[name] for name in ("x_min", "y_min", "x_max", "y_max")}
    return SourceEvent(
        event_id=row["event_id"],
        source_id=row["source_id"],
        name=row["class"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        score=row["score"],
        verdict=row["verdict"],
        peak_s=row["peak_s"],
        box=None if row["x_min"] is None else Box(**corners, score=row["score"]),
        alternatives=tuple(Alternative(name=one["class"], score=one["score"]) for one in row["alternatives"]),
    )
