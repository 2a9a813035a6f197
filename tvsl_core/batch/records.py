"""The two files that speak for a whole run: ``videos.parquet``, one row a video, and ``run.json``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa

from tvsl_core.annotate.progress import Status, VideoFinished
from tvsl_core.annotate.results.table import SCHEMA_VERSION, write_table

VIDEOS_SCHEMA = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("error", pa.string(), nullable=False),
        pa.field("hint", pa.string(), nullable=False),
        pa.field("warnings", pa.list_(pa.string()), nullable=False),
        pa.field("duration_s", pa.float64()),
        pa.field("frame_width", pa.int32()),
        pa.field("frame_height", pa.int32()),
        pa.field("frame_rate", pa.float64()),
        pa.field("size_bytes", pa.int64()),
        pa.field("mtime_s", pa.float64()),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("sources", pa.int32(), nullable=False),
        pa.field("classes", pa.list_(pa.string()), nullable=False),
        pa.field("elapsed_s", pa.float64(), nullable=False),
        pa.field("fingerprint", pa.string(), nullable=False),
        pa.field("table", pa.string()),
    ]
)
"""One row is one video and the last thing that became of it; ``table`` is relative to the output folder."""


def write_videos(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one row a video, in the order of their names.

    Raises: OutputError: It cannot be written.
    """
    ordered = sorted(({name: row[name] for name in VIDEOS_SCHEMA.names} for row in rows), key=lambda row: row["video"])
    write_table(path, ordered, VIDEOS_SCHEMA, {"schema_version": SCHEMA_VERSION})


def row_of(video: VideoFinished, out: Path) -> dict[str, Any]:
    """What videos.parquet says about a video; a skipped one is done."""
    row = {name: getattr(video, name) for name in VIDEOS_SCHEMA.names if name not in ("path", "table")}
    table = video.outputs[0] if video.outputs else None
    return row | {
        "path": os.fspath(video.path.absolute()),
        "status": "done" if video.status == "skipped" else video.status,
        "warnings": list(video.warnings),
        "classes": list(video.classes),
        "table": table.relative_to(out).as_posix() if table else None,
    }


def from_row(row: Mapping[str, Any], *, path: Path, outputs: tuple[Path, ...], status: Status) -> VideoFinished:
    """What an earlier run wrote about a video that is not annotated now."""
    known = {field.name for field in fields(VideoFinished)}
    values = {name: value for name, value in row.items() if name in known and value is not None}
    values |= {"classes": tuple(row["classes"]), "warnings": tuple(row["warnings"])}
    return VideoFinished(**(values | {"path": path, "status": status, "outputs": outputs}))
