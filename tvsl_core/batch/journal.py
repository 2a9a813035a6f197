"""The journal of an output folder: what each run was to do, and what became of every video, written as it happens.

    .tvsl/runs/<label>-<id>.json     the plan of a run: its inputs, its settings
    .tvsl/units/<xx>/<key>.json      the last thing that became of one video
    .tvsl/leases/                    who works on what at this moment

Every file is written whole or not at all, so whatever happens to a run, the journal says what is finished, and
``videos.parquet`` can be made from it again. For a finished video the table itself is the truth: it carries its key and
its outcome, and a record that is missing is made from it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tvsl_core.annotate.progress import VideoFinished
from tvsl_core.batch.records import RunPlan, VideoRecord, parse_plan, parse_record
from tvsl_core.system.files import PARTIAL_PATTERN, discard_partial, make_folder, write_bytes
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
        self.units, self.runs, self.leases = (self.folder / name for name in ("units", "runs", "leases"))

    def record(self, video: VideoFinished, key: Mapping[str, str], *, run: str) -> None:
        """Write down what became of a video, before anything else is told of it.

        Args:
            video: What became of it.
            key: What must be equal for that to be still valid.
            run: Id of the run.

        Raises: OutputError: It cannot be written.
        """
        record = VideoRecord.of(video, self.out, key=key, finished=now(), run=run)
        path = self._place(video.video)
        make_folder(path.parent, inside=self.out)
        write_bytes(path, (json.dumps(record.as_json(), indent=1) + "\n").encode())

    def read(self, video: str) -> VideoRecord | None:
        """The record of a video; None when there is none that can be read."""
        return _record(self._place(video))

    def records(self) -> Iterator[VideoRecord]:
        """Every record that can be read, of all runs."""
        for path in self.units.glob("*/*.json"):
            record = _record(path)
            if record is not None:
                yield record

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

    def sweep(self) -> None:
        """Remove what killed runs left unfinished. Only for who is alone at work in this folder."""
        for room in ROOMS:
            for partial in (self.out / room).rglob(PARTIAL_PATTERN):
                discard_partial(partial)
        for partial in self.out.glob(PARTIAL_PATTERN):
            discard_partial(partial)

    def _plans(self) -> Iterator[tuple[Path, RunPlan]]:
        for path in self.runs.glob("*.json"):
            plan = parse_plan(_read(path))
            if plan is not None:
                yield path, plan

    def _write(self, plan: RunPlan) -> None:
        path = self.runs / f"{plan.label}-{plan.id}.json"
        write_bytes(path, (json.dumps(dataclasses.asdict(plan), indent=1) + "\n").encode())

    def _place(self, video: str) -> Path:
        key = unit_key(video)
        return self.units / key[:2] / f"{key}.json"


def unit_key(video: str) -> str:
    """Name of a video's record and lease: short, and the same on every system."""
    return hashlib.sha256(video.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def now() -> str:
    """The time, as it stands in the journal."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _record(path: Path) -> VideoRecord | None:
    return parse_record(_read(path))


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty when the file is gone or damaged."""
    try:
        values = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
