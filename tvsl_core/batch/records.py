"""What stands in the journal and in ``videos.parquet``, as values: parsed and checked here, and nowhere else.

A value of the wrong kind makes its whole record unreadable, as if it were not there: whatever it was about is looked at
again. Keys that mean nothing to this version are left alone.
"""

from __future__ import annotations

import dataclasses
import os
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from tvsl_core.annotate.progress import Status, VideoFinished

RUN_LEASE = "run-"
"""What the names of the leases of runs begin with."""
KEY = ("fingerprint", "input_id", "input_size", "input_mtime_ns")
"""What must be equal for an outcome to be still valid; for a failure its ``limits`` too."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoRow:
    """One row of ``videos.parquet``."""

    video: str
    path: str
    status: Status
    stage: str = ""
    error: str = ""
    hint: str = ""
    warnings: tuple[str, ...] = ()
    duration_s: float | None = None
    frame_width: int | None = None
    frame_height: int | None = None
    frame_rate: float | None = None
    size_bytes: int | None = None
    mtime_s: float | None = None
    rows: int = 0
    sources: int = 0
    classes: tuple[str, ...] = ()
    elapsed_s: float = 0.0
    fingerprint: str = ""
    table: str | None = None
    events: int = 0

    @classmethod
    def of(cls, video: VideoFinished, out: Path) -> VideoRow:
        """What ``videos.parquet`` says about a video; a skipped one is done."""
        table = video.outputs[0].relative_to(out).as_posix() if video.outputs else None
        values = {name: getattr(video, name) for name in _SHARED}
        status: Status = "done" if video.status == "skipped" else video.status
        return cls(path=os.fspath(video.path.absolute()), status=status, table=table, **values)

    def outcome(
        self,
        *,
        path: Path,
        outputs: tuple[Path, ...],
        status: Status,
        earlier: bool = False,
        event_table: Path | None = None,
    ) -> VideoFinished:
        """What an earlier run wrote about a video that is not annotated now."""
        values = {name: value for name in _SHARED if (value := getattr(self, name)) is not None}
        return VideoFinished(
            path=path, status=status, outputs=outputs, earlier=earlier, event_table=event_table, **values
        )


_SHARED = tuple(
    name for name in VideoRow.__slots__ if name in VideoFinished.__slots__ and name not in ("path", "status")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoRecord:
    """What the journal says of a video: its row, under which key, and which run wrote it when."""

    row: VideoRow
    key: Mapping[str, str]
    again: bool = False
    """Whether what failed lay outside the video, so that the next run tries it again by itself."""
    finished: str = ""
    run: str = ""
    """Id of the run."""
    stamp: str = ""
    """Size and time of its tables when it was written, by ``tables_stamp``: while they are the same, its tables say
    what it says. Empty where that is not known."""
    turn: int = 0
    """Counts the records of a video, since clocks of different machines may disagree; earlier versions did not."""

    @classmethod
    def of(
        cls,
        video: VideoFinished,
        out: Path,
        *,
        key: Mapping[str, str],
        finished: str,
        run: str,
        stamp: str = "",
        turn: int = 0,
    ) -> VideoRecord:
        """The record of what has just become of a video."""
        row = dataclasses.replace(VideoRow.of(video, out), fingerprint=key.get("fingerprint", video.fingerprint))
        return cls(row=row, key=dict(key), again=video.again, finished=finished, run=run, stamp=stamp, turn=turn)

    def matches(self, key: Mapping[str, str]) -> bool:
        """Whether it speaks of the same input under the same settings."""
        names = (*KEY, "limits") if self.row.status == "failed" else KEY
        return all(self.key.get(name) == key.get(name) for name in names)

    def as_json(self) -> dict[str, Any]:
        """One flat object, as it stands on disk."""
        own = ("again", "finished", "run", "stamp", "turn")
        return values_of(self.row) | dict(self.key) | {name: getattr(self, name) for name in own}


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPlan:
    """What a run is to do."""

    id: str
    label: str = "all"
    """Which part of the inputs it is: ``all``, or the name of a shard."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Name of each video, or what was given, to its path."""
    fingerprint: str = ""
    command: tuple[str, ...] = ()
    host: str = ""
    pid: int = 0
    schema_version: str = "1"
    """Of the tables that it writes; plans of the first version do not say it."""
    workers: int = 1
    started: str = ""
    finished: str = ""
    """Empty while it runs, and for ever if it was killed."""
    interrupted: bool = False

    @property
    def lease(self) -> str:
        """Name of the lease that a run holds while it lives."""
        return f"{RUN_LEASE}{self.id}"


def parse_row(values: Mapping[str, Any]) -> VideoRow | None:
    """A row from what stands in a record or a table; None when it cannot be read."""
    return _parse(VideoRow, values)


def parse_record(values: Mapping[str, Any]) -> VideoRecord | None:
    """A record from its JSON object; None when it cannot be read."""
    key = {name: value for name in (*KEY, "limits") if (value := values.get(name)) is not None}
    return _parse(VideoRecord, {**values, "row": parse_row(values), "key": key})


def parse_plan(values: Mapping[str, Any]) -> RunPlan | None:
    """The plan of a run from its JSON object; None when it cannot be read."""
    return _parse(RunPlan, values)


def values_of(row: VideoRow) -> dict[str, Any]:
    """What ``dataclasses.asdict`` gives, without looking for more dataclasses inside."""
    return {name: getattr(row, name) for name in VideoRow.__slots__}


def _parse(kind: type[T], values: Mapping[str, Any]) -> T | None:
    found: dict[str, Any] = {}
    fields: tuple[_Field, ...] = _fields(cast("Any", kind))
    for one in fields:
        if one.name not in values:
            if one.is_required:
                return None
            continue
        value = values[one.name]
        if type(value) not in one.plain:
            value = tuple(value) if isinstance(value, list) else value
            if not one.fits(value):
                return None
        found[one.name] = value
    return kind(**found)


class _Field(NamedTuple):
    name: str
    is_required: bool
    plain: frozenset[type]
    """Types whose every value fits: most values need no closer look."""
    fits: Callable[[object], bool]


def _plain_of(hint: Any) -> frozenset[type]:
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return frozenset({str, int, float, bool, types.NoneType}.intersection(kinds))


@cache
def _fields(kind: type[Any]) -> tuple[_Field, ...]:
    """Resolved once: a run over many videos parses a record for each."""
    hints = get_type_hints(kind)
    return tuple(
        _Field(
            one.name,
            one.default is MISSING and one.default_factory is MISSING,
            _plain_of(hints[one.name]),
            _check_of(hints[one.name]),
        )
        for one in dataclasses.fields(kind)
    )


def _check_of(hint: Any) -> Callable[[object], bool]:
    """Tells whether a value of JSON is of the kind that a field asks for."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        checks = [_check_of(one) for one in inner]
        return lambda value: any(fits(value) for fits in checks)
    if origin is Literal:
        return lambda value: value in inner
    if origin is tuple:
        item = _check_of(inner[0])
        return lambda value: isinstance(value, tuple) and all(item(one) for one in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        item = _check_of(inner[1])
        return lambda value: isinstance(value, Mapping) and all(item(one) for one in value.values())
    if hint is float:  # JSON does not tell 2.0 from 2
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool)
    return lambda value: type(value) is hint
