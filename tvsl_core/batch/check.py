"""What an output folder holds before it is merged: its tables, and everything that is missing, double or mixed."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from tvsl_core.annotate.results.event_table import EVENTS_SCHEMA
from tvsl_core.annotate.results.job import tables_stamp
from tvsl_core.annotate.results.table import SOURCES_SCHEMA, metadata_of, read_metadata
from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.batch.journal import Journal
from tvsl_core.batch.records import VideoRecord, VideoRow
from tvsl_core.batch.run import rows
from tvsl_core.errors import InputError

ProblemKind = Literal["failed", "pending", "missing", "unreadable", "duplicate", "settings", "version"]
"""``failed``, ``pending`` and ``missing`` (one of its tables is gone): a gap. ``duplicate``: a video that is there
twice. ``version``: results of an earlier one, which have no events.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """The tables of one video."""

    path: Path
    video: str
    rows: int
    fingerprint: str
    """Of everything that can change a result."""
    input_id: str
    """Of the place of the video that it was made from; empty when it does not say."""
    schema_version: str
    events: Path | None = None
    """Its table of events, where there is one that can be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeProblem:
    """One thing that stands between the tables and a complete dataset."""

    kind: ProblemKind
    video: str
    message: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """Everything that some output folders hold."""

    tables: tuple[SourceFile, ...]
    """One a video, in the order of their names."""
    videos: tuple[VideoRow, ...]
    """Rows of videos.parquet, of all folders."""
    problems: tuple[MergeProblem, ...]
    settings: tuple[Mapping[str, Any], ...]
    """Each way in which tables were made: fingerprint, model, weights_sha256, tvsl_version, options, videos."""


def survey(folders: Sequence[Path]) -> Survey:
    """Look at output folders of ``tvsl annotate``; when a video is in several, its first table counts.

    Args:
        folders: Output folders.

    Raises: InputError: A folder is none, or holds no results.
    """
    tables: dict[str, SourceFile] = {}
    videos: dict[str, VideoRow] = {}
    problems: list[MergeProblem] = []
    for folder in folders:
        if not (folder / "sources").is_dir() and not (folder / ".tvsl").is_dir():
            message = f"{folder} holds no results of tvsl annotate."
            raise InputError(message, hint="Give the folder of its --out.", stage="merge")
        journal = Journal(folder)
        listed = {row.video: row for row in rows(journal)}
        by_table = {record.row.table: record for record in journal.records() if record.row.table}
        for table in _tables(folder, by_table, problems):
            if table.video in tables:
                problems.append(_double(table, tables[table.video]))
            else:
                tables[table.video] = table
        for name, row in listed.items():
            if row.status == "done" or name not in videos:
                videos[name] = row
    problems += [problem for name in sorted(videos) if (problem := _gap(videos[name], tables)) is not None]
    problems += _copies(tables.values())
    problems += _outdated(tables.values())
    settings = _settings(tables.values())
    if len(settings) > 1:
        shares = ", ".join(f"{one['fingerprint'] or 'unknown'} ({one['videos']})" for one in settings)
        message = f"the tables were made with {len(settings)} different settings, models or versions, by fingerprint "
        message += f"and number of videos: {shares}"
        hint = "Give the command of the later run again for all videos, so that what is stale is made anew."
        problems.append(MergeProblem(kind="settings", video="", message=f"{message}.", hint=hint))
    return Survey(
        tables=tuple(tables[name] for name in sorted(tables)),
        videos=tuple(videos[name] for name in sorted(videos)),
        problems=tuple(problems),
        settings=tuple(settings),
    )


def _tables(folder: Path, records: Mapping[str, VideoRecord], problems: list[MergeProblem]) -> Iterator[SourceFile]:
    """The tables of a folder; those that are as the journal knows them are not opened."""
    found = [Path(place, name) for place, _, names in os.walk(folder / "sources") for name in names]
    for path in sorted(path for path in found if path.suffix == ".parquet"):
        place = path.relative_to(folder)
        events = folder / "events" / place.relative_to("sources")
        record = records.get(place.as_posix())
        if record and record.stamp and record.stamp == tables_stamp(path, events):
            yield SourceFile(
                path=path,
                video=record.row.video,
                rows=record.row.rows,
                fingerprint=record.row.fingerprint,
                input_id=record.key.get("input_id", ""),
                schema_version=SCHEMA_VERSION,
                events=events,
            )
            continue
        name = record.row.video if record else place.relative_to("sources").with_suffix("").as_posix()
        table = _opened(path, name, problems)
        if table is not None:
            is_whole = table.schema_version == SCHEMA_VERSION and _holds_events(events, table.video, problems)
            yield replace(table, events=events if is_whole else None)


def _opened(path: Path, name: str, problems: list[MergeProblem]) -> SourceFile | None:
    """What a table says itself; None when it cannot be read, which is a problem."""
    try:
        with pq.ParquetFile(path) as file:
            if not file.schema_arrow.equals(SOURCES_SCHEMA):
                raise pa.ArrowInvalid("its columns are not those of this version")
            filled = file.metadata.num_rows > 0
            first = next(file.iter_batches(batch_size=1, columns=["video"])) if filled else None
            count, metadata = file.metadata.num_rows, metadata_of(file.metadata)
    except (OSError, pa.ArrowException) as error:
        message = f"the table {path} cannot be read: {str(error).splitlines()[0].rstrip('.')}."
        hint = "Give the command of the run again, with --overwrite."
        problems.append(MergeProblem(kind="unreadable", video=name, message=message, hint=hint))
        return None
    return SourceFile(
        path=path,
        video=first["video"][0].as_py() if first is not None else name,
        rows=count,
        fingerprint=metadata.get("fingerprint", ""),
        input_id=metadata.get("input_id", ""),
        schema_version=metadata.get("schema_version", ""),
    )


def _holds_events(path: Path, video: str, problems: list[MergeProblem]) -> bool:
    """Whether a video's table of events can be read; one that is gone or damaged is a problem."""
    hint = "Give the command of the run again."
    if not path.is_file():
        message = f"{video} is done, but its table of events is gone."
        problems.append(MergeProblem(kind="missing", video=video, message=message, hint=hint))
        return False
    try:
        if not pq.read_schema(path).equals(EVENTS_SCHEMA):
            raise pa.ArrowInvalid("its columns are not those of this version")
    except (OSError, pa.ArrowException) as error:
        message = f"the table {path} cannot be read: {str(error).splitlines()[0].rstrip('.')}."
        hint = f"{hint[:-1]}, with --overwrite."
        problems.append(MergeProblem(kind="unreadable", video=video, message=message, hint=hint))
        return False
    return True


def _double(table: SourceFile, first: SourceFile) -> MergeProblem:
    message = f"{table.video} is there twice: {first.path} counts, {table.path} is left out."
    return MergeProblem(kind="duplicate", video=table.video, message=message, hint="Remove one of the tables.")


def _gap(row: VideoRow, tables: Mapping[str, SourceFile]) -> MergeProblem | None:
    """What is wrong with a video that has no table; a table of an earlier run does not make a failure good."""
    name, status = row.video, row.status
    if status == "done":
        if name in tables:
            return None
        return MergeProblem(
            kind="missing",
            video=name,
            message=f"{name} is done, but its table is gone or cannot be read.",
            hint="Give the command of the run again.",
        )
    if status == "failed":
        return MergeProblem(kind="failed", video=name, message=f"{name} failed: {row.error}", hint=row.hint)
    return MergeProblem(
        kind="pending",
        video=name,
        message=f"{name} is part of a run, but was not reached.",
        hint="Give the command of the run again.",
    )


def _copies(tables: Iterable[SourceFile]) -> Iterator[MergeProblem]:
    """One file on the disk that was annotated under two names."""
    seen: dict[str, SourceFile] = {}
    for table in tables:
        place = table.input_id
        if place and place in seen:
            message = f"{table.video} and {seen[place].video} are the same file on the disk."
            hint = "Remove the table of one of them, and name the file once."
            yield MergeProblem(kind="duplicate", video=table.video, message=message, hint=hint)
        seen.setdefault(place, table)


def _outdated(tables: Collection[SourceFile]) -> Iterator[MergeProblem]:
    """What an earlier version wrote, in one sentence: they may be many."""
    old = sum(table.schema_version != SCHEMA_VERSION for table in tables)
    if old:
        message = f"{old:,} of {len(tables):,} videos were annotated by an earlier version, without events."
        hint = "Give the command of the run again, so that they are made anew."
        yield MergeProblem(kind="version", video="", message=message, hint=hint)


def _settings(tables: Iterable[SourceFile]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for table in tables:
        if table.fingerprint not in found:
            about = read_metadata(table.path)
            found[table.fingerprint] = (
                {"fingerprint": table.fingerprint, "videos": 0}
                | {name: about.get(name, "") for name in ("model", "weights_sha256", "tvsl_version")}
                | {"options": json.loads(about.get("options", "{}"))}
            )
        found[table.fingerprint]["videos"] += 1
    return sorted(found.values(), key=lambda one: (-one["videos"], one["fingerprint"]))
