"""``videos.parquet``: one row a video, and the last thing that became of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from tvsl_core.annotate.results.table import write_table
from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.batch.records import VideoRow, values_of

VIDEOS_SCHEMA = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("stage", pa.string()),
        pa.field("error", pa.string()),
        pa.field("hint", pa.string()),
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
        pa.field("fingerprint", pa.string()),
        pa.field("table", pa.string()),
        pa.field("events", pa.int64(), nullable=False),
    ]
)
"""One row is one video and the last thing that became of it; ``table`` is relative to the output folder."""


def write_videos(path: Path, rows: Iterable[VideoRow]) -> None:
    """Write one row a video, in the order of their names; what there is none of, such as an error, is null.

    Raises: OutputError: It cannot be written.
    """
    ordered = [_with_nulls(row) for row in sorted(rows, key=lambda row: row.video)]
    write_table(path, ordered, VIDEOS_SCHEMA, {"schema_version": SCHEMA_VERSION})


def _with_nulls(row: VideoRow) -> dict[str, Any]:
    """A length or a size of 0 was never seen, and an empty sentence was never said: there is none."""
    nullable = _nullable()
    return {name: (value or None) if name in nullable else value for name, value in values_of(row).items()}


@cache
def _nullable() -> frozenset[str]:
    return frozenset(one.name for one in VIDEOS_SCHEMA if one.nullable)
