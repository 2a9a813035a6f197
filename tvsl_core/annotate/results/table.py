"""Stage 6 of annotation: rows become Parquet tables that pandas, polars and DuckDB read unchanged.

A table is written under a temporary name, synced to the disk, and then renamed: a file of its final name is complete.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.system.files import begin_partial, commit_partial, discard_partial, make_folder, whole_file, write_error
from tvsl_core.types import LocalizedSource

BOX_CONVENTION = "x_min, y_min, x_max, y_max in pixels of the frame as shown; right and bottom excluded"
ROWS_A_GROUP = 16_384
QUICK = "snappy"
"""Compression of small tables. Beginning zstd anew for each column of a table of a hundred rows made reading it three
times as slow, for 8 % less to store; only maps are worth it.
"""

_NAME = pa.dictionary(pa.int32(), pa.string())
SOURCES_SCHEMA = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("window_start_s", pa.float64(), nullable=False),
        pa.field("window_end_s", pa.float64(), nullable=False),
        pa.field("time_s", pa.float64(), nullable=False),
        pa.field("frame_index", pa.int64()),
        pa.field("pts", pa.int64()),
        pa.field("source_id", pa.int32(), nullable=False),
        pa.field("class", _NAME, nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("audio_score", pa.float32(), nullable=False),
        pa.field("image_score", pa.float32(), nullable=False),
        pa.field("verdict", _NAME, nullable=False),
        pa.field("region", pa.int16(), nullable=False),
        pa.field("x_min", pa.int32()),
        pa.field("y_min", pa.int32()),
        pa.field("x_max", pa.int32()),
        pa.field("y_max", pa.int32()),
        pa.field("frame_width", pa.int32()),
        pa.field("frame_height", pa.int32()),
        pa.field("map_peak", pa.float32()),
        pa.field("map_area", pa.float32()),
        pa.field("map", pa.list_(pa.float32())),
        pa.field("map_rows", pa.int16()),
        pa.field("map_cols", pa.int16()),
    ]
)
"""One row is one source (one region of it) in one window."""


class SourceTable:
    """Writes the sources of one video, in bounded memory.

    Args:
        path: The final name; it appears only when ``close`` succeeds. Its folder must exist.
        video: What stands in the column ``video``.
        frame_size: Width and height of the frame as shown; 0 and 0 for a sound file.
        save_maps: Whether the maps themselves are stored.
        metadata: Key-value pairs of the file.

    Raises: OutputError: The table cannot be written.
    """

    def __init__(
        self, path: Path, *, video: str, frame_size: tuple[int, int], save_maps: bool, metadata: Mapping[str, str]
    ) -> None:
        self.path = path
        self.rows = 0
        self._video, self._frame_size, self._save_maps = video, frame_size, save_maps
        self._waiting: list[dict[str, Any]] = []
        self._schema = SOURCES_SCHEMA.with_metadata(
            dict(metadata) | {"schema_version": SCHEMA_VERSION, "box": BOX_CONVENTION}
        )
        self._partial = begin_partial(path)
        try:
            self._writer = pq.ParquetWriter(
                self._partial, self._schema, compression="zstd" if save_maps else QUICK, use_dictionary=True
            )
        except OSError as error:
            discard_partial(self._partial)
            raise write_error(path, error) from error

    def write(self, source: LocalizedSource) -> None:
        """Add one row."""
        self._waiting.append(self._row(source))
        self.rows += 1
        if len(self._waiting) >= (ROWS_A_GROUP if not self._save_maps else ROWS_A_GROUP // 16):
            self._flush()

    def close(self, *, outcome: str = "") -> None:
        """Finish the file and give it its final name.

        Args:
            outcome: What became of the video, as JSON: with it the table says all that a row of videos.parquet does.
        """
        self._flush()
        try:
            self._writer.add_key_value_metadata({"outcome": outcome} if outcome else {})
            self._writer.close()
        except OSError as error:
            raise write_error(self.path, error) from error
        commit_partial(self._partial, self.path)

    def discard(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError, pa.ArrowException):
            self._writer.close()
        discard_partial(self._partial)

    def _flush(self) -> None:
        if self._waiting:
            try:
                self._writer.write_table(pa.Table.from_pylist(self._waiting, schema=self._schema))
            except OSError as error:
                raise write_error(self.path, error) from error
            self._waiting.clear()

    def _row(self, source: LocalizedSource) -> dict[str, Any]:
        detection, box, grid = source.detection, source.box, source.map
        width, height = self._frame_size
        return {
            "video": self._video,
            "window_start_s": source.window_start_s,
            "window_end_s": source.window_end_s,
            "time_s": float(source.time),
            "frame_index": source.frame_index if width else None,
            "pts": source.pts if width else None,
            "source_id": source.source_id,
            "class": detection.name,
            "score": detection.score,
            "audio_score": detection.audio_score,
            "image_score": detection.image_score,
            "verdict": detection.verdict,
            "region": source.region,
            "x_min": box.x_min if box else None,
            "y_min": box.y_min if box else None,
            "x_max": box.x_max if box else None,
            "y_max": box.y_max if box else None,
            "frame_width": width or None,
            "frame_height": height or None,
            "map_peak": float(grid.values.max()) if grid else None,
            "map_area": float((grid.values >= 0.5 * grid.values.max()).mean()) if grid else None,
            "map": grid.values.ravel().tolist() if grid and self._save_maps else None,
            "map_rows": grid.values.shape[0] if grid else None,
            "map_cols": grid.values.shape[1] if grid else None,
        }


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema, metadata: Mapping[str, str]) -> None:
    """Write a small table at once, under a temporary name first.

    Raises: OutputError: It cannot be written.
    """
    make_folder(path.parent)
    columns = [pa.array(_storable([row.get(one.name) for row in rows], one.type), one.type) for one in schema]
    table = pa.Table.from_arrays(columns, schema=schema.with_metadata(dict(metadata)))
    with whole_file(path) as partial:
        pq.write_table(table, partial, compression=QUICK)


def _storable(values: list[Any], kind: pa.DataType) -> list[Any]:
    """Text without halves of characters, which stand for bytes of a file name that are not UTF-8: tables hold none."""
    return values if pa.types.is_primitive(kind) else [_whole_text(value) for value in values]


def _whole_text(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_whole_text(item) for item in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "replace").decode()
    return value


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of one table; ``pyarrow.parquet.read_table`` loads pandas, and what reads folders of tables, by the way.

    Args:
        path: Of the file.
        columns: Names of some columns; None is all of them.

    Raises:
        OSError: It is not there.
        pyarrow.ArrowException: It is damaged, or no such table.
    """
    with pq.ParquetFile(path) as file:
        return file.read(columns=None if columns is None else list(columns))


def read_metadata(path: Path) -> dict[str, str]:
    """The key-value pairs of a Parquet file; empty when it is missing or damaged."""
    try:
        with path.open("rb") as file:  # given a name, pyarrow would first ask which file system it is of
            return metadata_of(pq.read_metadata(file))
    except (OSError, pa.ArrowException):
        return {}


def metadata_of(footer: pq.FileMetaData) -> dict[str, str]:
    """The key-value pairs in the footer of a Parquet file."""
    raw = footer.metadata or {}
    return {key.decode(): value.decode() for key, value in raw.items() if key != b"ARROW:schema"}
