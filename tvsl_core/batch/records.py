"""The two files that speak for a whole run: ``videos.parquet``, one row a video, and ``run.json``."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import fields
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
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
    ]
)
"""One row is one video and the last thing that became of it; ``table`` is relative to the output folder."""

VERSIONED = ("tvsl", "torch", "torchvision", "torchaudio", "av", "opencv-python-headless", "pyarrow", "numpy")


def write_videos(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one row a video, in the order of their names; what there is none of, such as an error, is null.

    Raises: OutputError: It cannot be written.
    """
    known = [{field.name: row[field.name] or (None if field.nullable else row[field.name]) for field in VIDEOS_SCHEMA}
             for row in rows]  # fmt: skip
    write_table(path, sorted(known, key=lambda row: row["video"]), VIDEOS_SCHEMA, {"schema_version": SCHEMA_VERSION})


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


def versions() -> dict[str, str]:
    """Version of everything that can change a result."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for name in VERSIONED:
        try:
            found[name] = package_version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def tvsl_version() -> str:
    """Version of tvsl itself."""
    return versions()["tvsl"]
