"""Many tables, one a video, become one sorted dataset with large row groups, and a manifest that vouches for it.

Rows are ordered by video, time, source and region, events by video and onset. One row group and the sort keys of one
video, or of a row group's worth of small ones, are held at a time, however many rows there are. A folder without its
manifest is not finished: the manifest is removed first and written last.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tvsl_core.annotate.results.event_table import EVENTS_SCHEMA
from tvsl_core.annotate.results.table import BOX_CONVENTION, SOURCES_SCHEMA, read_metadata
from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.batch.check import SourceFile, Survey, survey
from tvsl_core.batch.videos_table import write_videos
from tvsl_core.data.benchmarks.custom import LABELS
from tvsl_core.errors import OutputError
from tvsl_core.system.files import begin_partial, commit_partial, discard_partial, make_folder, write_bytes, write_error
from tvsl_core.system.platforms import usable_cores
from tvsl_core.system.versions import versions
from tvsl_core.types import AnyPath

ROWS_A_GROUP = 131_072
"""Of the merged dataset: large enough for fast scans, small enough to hold."""
TABLES_AT_ONCE = 256
"""Small tables that are read side by side and sorted together."""
ROWS_A_FILE = 64 * ROWS_A_GROUP
SORTED_BY = ("video", "time_s", "source_id", "region")
EVENTS_SORTED_BY = ("video", "start_s", "event_id")
KINDS: Mapping[str, tuple[pa.Schema, tuple[str, ...]]] = {
    "part": (SOURCES_SCHEMA, SORTED_BY),
    "events": (EVENTS_SCHEMA, EVENTS_SORTED_BY),
    "labels": (EVENTS_SCHEMA, EVENTS_SORTED_BY),
    "label-sources": (SOURCES_SCHEMA, SORTED_BY),
}
"""What the names of the files begin with: the model's sources and events, and what people said of both."""
ALWAYS = ("part", "events")
"""Written without a row too; nobody may have said anything."""
MANIFEST = "manifest.json"
VIDEOS = "videos.parquet"


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeRequest:
    """Which results become one dataset, and where it goes."""

    folders: Sequence[AnyPath]
    """Output folders of ``tvsl annotate``."""
    out: AnyPath
    """Folder of the dataset; what an earlier merge wrote there is replaced."""
    force: bool = False
    """Merge what is there although something is missing, double or mixed."""
    rows_a_group: int = ROWS_A_GROUP
    """Rows of every row group but the last of a file."""
    rows_a_file: int = ROWS_A_FILE
    """After so many rows a new file begins; a multiple of ``rows_a_group``."""

    def __post_init__(self) -> None:
        if not self.folders or isinstance(self.folders, str):
            raise ValueError(f"folders are several, at least one; got {self.folders!r}")
        if self.rows_a_group < 1 or self.rows_a_file % self.rows_a_group:
            raise ValueError(
                f"rows a file must be a multiple of rows a group, got {self.rows_a_file} and {self.rows_a_group}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeReport:
    """What came of a merge."""

    survey: Survey
    """What was found; nothing was written if it has problems and nobody insisted."""
    manifest: Path | None = None
    files: tuple[Path, ...] = ()
    """Those of the sources, of the events, and of what people said."""
    rows: int = 0
    """Of the sources."""
    events: int = 0


def merge(request: MergeRequest, *, on_event: Callable[[SourceFile], None] | None = None) -> MergeReport:
    """Merge the tables of output folders into one dataset.

    Args:
        request: What is asked.
        on_event: Told of each table when its turn comes.

    Returns: What was found, and what was written unless there are problems and ``force`` is off.

    Raises:
        InputError: A folder holds no results.
        OutputError: The dataset cannot be written, or would lie among the tables that it is made of.
    """
    out, folders = Path(request.out), [Path(folder) for folder in request.folders]
    for folder in folders:
        if out.resolve().is_relative_to((folder / "sources").resolve()) or out.resolve() == folder.resolve():
            message = f"The dataset cannot lie in {out}, among the tables that it is made of."
            raise OutputError(message, hint="Give another --out.", stage="merge")
    found = survey(folders)
    if found.problems and not request.force:
        return MergeReport(survey=found)
    make_folder(out)
    with contextlib.suppress(FileNotFoundError):
        (out / MANIFEST).unlink()
    sizes = {"rows_a_group": request.rows_a_group, "rows_a_file": request.rows_a_file}
    parts = {name: _Parts(out, name, schema, keys, **sizes) for name, (schema, keys) in KINDS.items()}

    def write(name: str, paths: Sequence[Path]) -> None:
        for piece in _sorted(paths, KINDS[name][1], most=request.rows_a_group, readers=readers):
            parts[name].write(piece)

    try:
        with ThreadPoolExecutor(usable_cores()) as readers:
            for tables in _groups(found.tables, most=request.rows_a_group):
                for table in tables:
                    if on_event:
                        on_event(table)
                write("part", [table.path for table in tables])
                write("events", [table.events for table in tables if table.events])
            labelled = _labels(folders)
            for room, sources in labelled:
                write("labels", [room])
                write("label-sources", [sources])
        files = {name: part.close() for name, part in parts.items() if name in ALWAYS or labelled}
    except BaseException:
        for part in parts.values():
            part.discard()
        raise
    names = [out / file["name"] for written in files.values() for file in written]
    for old in {path for name in KINDS for path in out.glob(f"{name}-*.parquet")}.difference(names):
        old.unlink(missing_ok=True)
    write_videos(out / VIDEOS, found.videos)
    manifest = _manifest(found, folders, files, len(labelled), request.rows_a_group)
    write_bytes(out / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    return MergeReport(
        survey=found,
        manifest=out / MANIFEST,
        files=tuple(names),
        rows=manifest["rows"],
        events=manifest["events"]["rows"],
    )


def _labels(folders: Sequence[Path]) -> list[tuple[Path, Path]]:
    """What people said: the tables of events and of sources of each video, by its name; of two the later one."""
    latest: dict[str, tuple[str, Path, Path]] = {}
    for folder in folders:
        room = folder / LABELS / "events"
        for events in sorted(room.rglob("*.parquet")):
            about = read_metadata(events)
            video = about.get("video", str(events.relative_to(room)))
            one = (about.get("labelled_at", ""), events, folder / LABELS / "sources" / events.relative_to(room))
            latest[video] = max(latest.get(video, one), one)
    return [(events, sources) for _, (_, events, sources) in sorted(latest.items())]


def _groups(tables: Iterable[SourceFile], *, most: int) -> Iterator[list[SourceFile]]:
    """Neighbours that are read together: few enough rows to hold, or one table of more."""
    group: list[SourceFile] = []
    count = 0
    for table in tables:
        if group and (count + table.rows > most or len(group) == TABLES_AT_ONCE):
            yield group
            group, count = [], 0
        group.append(table)
        count += table.rows
    if group:
        yield group


def _sorted(
    paths: Sequence[Path], keys: tuple[str, ...], *, most: int, readers: ThreadPoolExecutor
) -> Iterator[pa.Table]:
    """The rows of some videos' tables, one video after another, by all keys but the first, which is the video."""
    if len(paths) == 1:
        yield from _sorted_alone(paths[0], keys, most=most)
    elif paths:
        tables = list(readers.map(_read, paths))
        joined = pa.concat_tables(tables).unify_dictionaries().combine_chunks()  # many small chunks write slowly
        video = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
        order = np.lexsort([*(joined[name].to_numpy() for name in reversed(keys[1:])), video])
        yield joined if (np.diff(order) == 1).all() else joined.take(pa.array(order))


def _read(path: Path) -> pa.Table:
    """A small table; other threads read others meanwhile. Given its bytes, pyarrow has no file system to look for."""
    with pq.ParquetFile(pa.BufferReader(path.read_bytes())) as file:
        return file.read(use_threads=False).replace_schema_metadata()


def _sorted_alone(path: Path, keys: tuple[str, ...], *, most: int) -> Iterator[pa.Table]:
    """The rows of one video's table in order; at most ``most`` at a time."""
    with pq.ParquetFile(path) as file:
        columns = file.read(columns=list(keys[1:]))
        order: NDArray[np.int64] = np.lexsort([columns[name].to_numpy() for name in reversed(keys[1:])]).astype(
            np.int64
        )
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        ends = np.cumsum([0, *sizes])
        for begin in range(0, len(order), most):
            yield _gather(file, order[begin : begin + most], ends)


def _gather(file: pq.ParquetFile, wanted: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.Table:
    """Some rows of a file in the order asked for; row groups are read one at a time, and only those that are needed."""
    group_of = np.searchsorted(ends, wanted, side="right") - 1
    parts, places = [], []
    for group in np.unique(group_of):
        mine = np.flatnonzero(group_of == group)
        parts.append(file.read_row_group(int(group)).take(pa.array(wanted[mine] - ends[group])))
        places.append(mine)
    joined = pa.concat_tables(parts).unify_dictionaries()
    back = np.argsort(np.concatenate(places), kind="stable")
    return joined if (np.diff(back) == 1).all() else joined.take(pa.array(back))


class _Parts:
    """Writes row groups of one size into files of one size, each under a temporary name until all are complete.

    Args:
        out: Folder of the files.
        name: What their names begin with.
        schema: Of their rows.
        sorted_by: The order in which rows are written.
        rows_a_group: Of every row group but the last of a file.
        rows_a_file: After so many a new file begins.
    """

    def __init__(
        self, out: Path, name: str, schema: pa.Schema, sorted_by: Sequence[str], *, rows_a_group: int, rows_a_file: int
    ) -> None:
        self._out, self._name, self._group, self._file = out, name, rows_a_group, rows_a_file
        self._waiting: list[pa.Table] = []
        self._held = 0
        self._writer: pq.ParquetWriter | None = None
        self._done: list[tuple[Path, dict[str, Any]]] = []
        self._schema = schema.with_metadata(
            {"schema_version": SCHEMA_VERSION, "box": BOX_CONVENTION, "sorted_by": ",".join(sorted_by)}
        )

    def write(self, piece: pa.Table) -> None:
        """Add the next rows."""
        self._waiting.append(piece.replace_schema_metadata(self._schema.metadata))
        self._held += piece.num_rows
        while self._held >= self._group:
            self._flush(self._group)

    def close(self) -> list[dict[str, Any]]:
        """Finish the files and give them their names."""
        if self._held or not self._done:
            self._flush(self._held)
        self._end_file()
        for partial, about in self._done:
            about["bytes"], about["sha256"] = partial.stat().st_size, _sha256(partial)
            commit_partial(partial, self._out / about["name"])
        return [about for _, about in self._done]

    def discard(self) -> None:
        """Leave nothing unfinished behind."""
        if self._writer is not None:
            with contextlib.suppress(OSError, pa.ArrowException):
                self._writer.close()
        for partial, _ in self._done:
            discard_partial(partial)

    def _flush(self, count: int) -> None:
        joined = pa.concat_tables(self._waiting) if self._waiting else self._schema.empty_table()
        group, rest = joined.slice(0, count).unify_dictionaries(), joined.slice(count)
        self._waiting, self._held = ([rest] if rest.num_rows else []), rest.num_rows
        if self._writer is None or self._done[-1][1]["rows"] >= self._file:
            self._begin_file()
        assert self._writer is not None
        about = self._done[-1][1]
        try:
            self._writer.write_table(group, row_group_size=self._group)
        except OSError as error:
            raise write_error(self._out / about["name"], error) from error
        if group.num_rows:
            about["rows"] += group.num_rows
            about["row_groups"] += 1
            about["first_video"] = about["first_video"] or group["video"][0].as_py()
            about["last_video"] = group["video"][-1].as_py()

    def _begin_file(self) -> None:
        self._end_file()
        name = f"{self._name}-{len(self._done):05}.parquet"
        partial = begin_partial(self._out / name)
        about = {"name": name, "rows": 0, "row_groups": 0, "first_video": "", "last_video": ""}
        self._done.append((partial, about))
        self._writer = pq.ParquetWriter(partial, self._schema, compression="zstd", use_dictionary=True)

    def _end_file(self) -> None:
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                raise write_error(self._out / self._done[-1][1]["name"], error) from error
            self._writer = None


def _manifest(
    found: Survey,
    folders: Sequence[Path],
    files: Mapping[str, list[dict[str, Any]]],
    labelled: int,
    rows_a_group: int,
) -> dict[str, Any]:
    def listed(name: str) -> dict[str, Any]:
        written = files.get(name, [])
        return {"rows": sum(file["rows"] for file in written), "files": written}

    return {
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "merged_from": [str(folder) for folder in folders],
        "sorted_by": list(SORTED_BY),
        "rows_a_group": rows_a_group,
        "videos": len(found.tables),
        **listed("part"),
        "events": {"sorted_by": list(EVENTS_SORTED_BY), **listed("events")},
        "labels": {"videos": labelled, **listed("labels"), "sources": listed("label-sources")},
        "settings": [dict(one) for one in found.settings],
        "problems": [
            {"kind": problem.kind, "video": problem.video, "message": problem.message} for problem in found.problems
        ],
        "versions": versions(),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
