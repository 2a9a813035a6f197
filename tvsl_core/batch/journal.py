"""The journal of an output folder: what each run was to do, and what became of every video, written as it happens.

    .tvsl/runs/<label>-<id>.json     the plan of a run: its inputs, its settings
    .tvsl/records.jsonl              the last thing that became of each video, as of the last run that ended
    .tvsl/records/<id>.jsonl         what became of videos since, by run: a line each
    .tvsl/videos.json                of which rows videos.parquet was made
    .tvsl/leases/                    who works on what at this moment

A file or a line is there whole or not at all, so whatever happens to a run, the journal says what is finished, and
``videos.parquet`` can be made from it again. For a finished video the table itself is the truth: it carries its key and
its outcome, and a record that is missing is made from it. A record carries the size and time of its tables in turn:
while they are the same, nobody needs to open them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tvsl_core.annotate.progress import VideoFinished
from tvsl_core.batch.record_log import RecordLog
from tvsl_core.batch.records import RUN_LEASE, RunPlan, VideoRecord, parse_plan
from tvsl_core.system.files import PARTIAL_PATTERN, discard_partial, is_partial, make_folder, write_bytes
from tvsl_core.system.results import HEATMAPS, JOURNAL

ROOMS = ("sources", "events", "strips", HEATMAPS, JOURNAL)
"""Folders of the output that annotation writes into."""


class Journal:
    """Reads and writes the journal of one output folder.

    Args:
        out: The output folder.
    """

    def __init__(self, out: Path) -> None:
        self.out, self.folder = out, out / JOURNAL
        self.runs, self.leases = self.folder / "runs", self.folder / "leases"
        self._vouched = self.folder / "videos.json"
        self._log = RecordLog(self.folder, inside=out)

    def record(
        self, video: VideoFinished, key: Mapping[str, str], *, run: str, stamp: str = "", is_new: bool = True
    ) -> None:
        """Write down what became of a video, before anything else is told of it.

        Args:
            video: What became of it.
            key: What must be equal for that to be still valid.
            run: Id of the run.
            stamp: Of its tables; see :attr:`VideoRecord.stamp`.
            is_new: False for what its tables say as well: then nothing is lost when the record is.

        Raises: OutputError: It cannot be written.
        """
        earlier = self._log.read(video.video)
        turn = earlier.turn + 1 if earlier else 1
        record = VideoRecord.of(video, self.out, key=key, finished=now(), run=run, stamp=stamp, turn=turn)
        self._log.append(record, run=run, is_urgent=is_new)

    def read(self, video: str) -> VideoRecord | None:
        """The record of a video, as of the last look; None when there is none that can be read."""
        return self._log.read(video)

    def records(self) -> Iterator[VideoRecord]:
        """Every record that can be read, of all runs, as of the last look."""
        return self._log.records()

    def refresh(self) -> None:
        """Look again: other processes may have added records."""
        self._log.refresh()

    def compact(self, *, alive: Collection[str]) -> None:
        """Put all records into one file. Only for who holds the lease for it.

        Args:
            alive: Names of the leases of other runs that are at work.

        Raises: OutputError: It cannot be written.
        """
        self._log.compact(alive={name.removeprefix(RUN_LEASE) for name in alive})

    def begin(self, plan: RunPlan, *, alive: set[str]) -> None:
        """Write down the plan of a run, and forget earlier ones that it replaces.

        Args:
            plan: Of the run.
            alive: Names of the leases of runs that are at work; their plans stay.

        Raises: OutputError: It cannot be written.
        """
        make_folder(self.runs, inside=self.out)
        for path, earlier in self._plans():
            same = plan.label == "all" or earlier.label in (plan.label, "all")
            if same and earlier.lease not in alive:
                with contextlib.suppress(OSError):
                    path.unlink()
        self._write(plan)

    def end(self, plan: RunPlan, *, interrupted: bool) -> None:
        """Write down that a run is over.

        Raises: OutputError: It cannot be written.
        """
        self._write(dataclasses.replace(plan, finished=now(), interrupted=interrupted))

    def plans(self) -> list[RunPlan]:
        """The plans that stand, the oldest first."""
        return sorted((plan for _, plan in self._plans()), key=lambda plan: plan.started)

    def vouches_for(self, path: Path, digest: str) -> bool:
        """Whether a file was made of what has this digest, and nobody has touched it since."""
        known = _read(self._vouched)
        return bool(known) and known == {"digest": digest, "stamp": _stamp(path)}

    def vouch_for(self, path: Path, digest: str) -> None:
        """Write down of what a file has just been made.

        Raises: OutputError: It cannot be written.
        """
        write_bytes(self._vouched, json.dumps({"digest": digest, "stamp": _stamp(path)}).encode())

    def sweep(self) -> None:
        """Remove what killed runs left unfinished. Only for who is alone at work in this folder."""
        for room in (self.out / name for name in ROOMS):
            for place, _, names in os.walk(room):  # many times faster than a glob over a hundred thousand tables
                for name in names:
                    if is_partial(name):
                        discard_partial(Path(place, name))
        for partial in self.out.glob(PARTIAL_PATTERN):
            discard_partial(partial)

    def _plans(self) -> Iterator[tuple[Path, RunPlan]]:
        for path in self.runs.glob("*.json"):
            plan = parse_plan(_read(path))
            if plan is not None:
                yield path, plan

    def _write(self, plan: RunPlan) -> None:
        path = self.runs / f"{plan.label}-{plan.id}.json"
        write_bytes(path, (json.dumps(dataclasses.asdict(plan)) + "\n").encode())


def unit_key(video: str) -> str:
    """Name of a video's lease: short, and the same on every system."""
    return hashlib.sha256(video.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def now() -> str:
    """The time, as it stands in the journal."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _stamp(path: Path) -> list[int] | None:
    """Size and time of a file; None when it is not there."""
    with contextlib.suppress(OSError):
        stat = path.stat()
        return [stat.st_size, stat.st_mtime_ns]
    return None


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty when the file is gone or damaged."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
