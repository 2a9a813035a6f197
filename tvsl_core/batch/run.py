"""One run over an output folder: its plan, its jobs, and what it writes about itself."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tvsl_core.annotate.options import AnnotateOptions, QueueOptions
from tvsl_core.annotate.progress import EventHandler, VideoFinished
from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.batch.engines.base import Engine
from tvsl_core.batch.engines.task import ModelIdentity
from tvsl_core.batch.inputs import FoundVideos
from tvsl_core.batch.journal import Journal, now
from tvsl_core.batch.queue import JobQueue
from tvsl_core.batch.records import RUN_LEASE, RunPlan, VideoRow
from tvsl_core.errors import WeightsError
from tvsl_core.system.files import write_bytes
from tvsl_core.system.leases import Lease, Leases
from tvsl_core.system.results import make_results_folder
from tvsl_core.system.versions import tvsl_version, versions

LEDGER_WAIT_S = 60.0
"""How long to wait for another process that is writing videos.parquet."""


class Run:
    """One run's state. The arguments are those of ``annotate_videos``."""

    jobs: JobQueue

    def __init__(
        self,
        found: FoundVideos,
        *,
        out: Path,
        options: AnnotateOptions,
        choices: QueueOptions,
        on_event: EventHandler,
        engine: Engine,
        label: str,
        command: Sequence[str],
    ) -> None:
        self.videos_table, self.run_file = out / "videos.parquet", out / "run.json"
        self._found, self._out, self._options, self._choices = found, out, options, choices
        self._on_event, self._engine, self._label, self._command = on_event, engine, label, tuple(command)
        self._journal: Journal | None = None
        self._leases: Leases | None = None
        self._lease: Lease | None = None
        self._id = secrets.token_hex(6)
        self._plan: RunPlan | None = None
        self._identity: ModelIdentity | None = None
        self._interrupted = True

    def open(self) -> None:
        """Enter the output folder: from here on others can see that we are at work in it."""
        make_results_folder(self._out)
        self._journal = Journal(self._out)
        self._leases = Leases(self._journal.leases)
        self._lease = self._leases.take(f"{RUN_LEASE}{self._id}")
        self._sweep()

    def plan(self, identity: ModelIdentity) -> None:
        """With the model known, loaded or not, say what is to be done."""
        fingerprint = identity.fingerprint(self._options)
        if self._journal is not None and self._leases is not None:
            inputs = {item.name: str(item.path.absolute()) for item in self._found.items}
            self._plan = RunPlan(
                id=self._id,
                label=self._label,
                inputs=inputs | {problem.given: problem.given for problem in self._found.problems},
                fingerprint=fingerprint,
                command=self._command,
                host=socket.gethostname(),
                pid=os.getpid(),
                schema_version=SCHEMA_VERSION,
                workers=self._engine.workers,
                started=now(),
            )
            self._journal.begin(self._plan, alive=self._others())
        self.jobs = JobQueue(
            self._found.items,
            out=self._out,
            options=self._options,
            fingerprint=fingerprint,
            metadata={
                "model": identity.name,
                "weights_sha256": identity.sha256,
                "scorer_sha256": identity.scorer_sha256,
                "tvsl_version": tvsl_version(),
                "options": json.dumps(self._options.as_dict(), sort_keys=True),
            },
            on_event=self._on_event,
            choices=self._choices,
            journal=self._journal or Journal(self._out),
            leases=self._leases,
            run=self._id,
        )
        self._identity = identity

    def work(self, *, is_ready: bool) -> None:
        """Every unit.

        Args:
            is_ready: Whether the engine has begun; otherwise it begins when a unit is found that needs work.

        Raises: WeightsError: The model is not the one that was planned with.
        """
        first = None if is_ready else self.jobs.find_work()
        if first is not None:
            self._engine.begin(first)
            self._meet(self._engine.start())
        if is_ready or first is not None:
            self._engine.work(self.jobs)
        self._interrupted = False

    def _meet(self, loaded: ModelIdentity) -> None:
        assert self._identity is not None
        if loaded.fingerprint(self._options) != self._identity.fingerprint(self._options):
            raise WeightsError(
                "The model's file changed while it was loaded.", hint="Give the same command again when it is in place."
            )
        self._identity = loaded

    def close(self) -> None:
        """Say what became of the run, and leave the folder.

        Raises: OutputError: It cannot be written down.
        """
        try:
            if self._identity is None:
                return
            for problem in self._found.problems:
                self.jobs.report_problem(problem)
            if self._plan is None or self._journal is None or not self.jobs.folder_is_there():
                return
            self._sweep()
            self._record(self._journal, self._plan)
        finally:
            if self._leases is not None:
                self._leases.close()

    def _others(self) -> set[str]:
        """Names of the leases of other runs that are at work here."""
        assert self._leases is not None
        return {held.path.name.rpartition(".")[0] for held in self._leases.others(RUN_LEASE)}

    def _sweep(self) -> None:
        """Who is alone at work here removes what killed runs have left."""
        if self._leases is not None and self._journal is not None and not self._others():
            self._leases.sweep()
            self._journal.sweep()

    def _record(self, journal: Journal, plan: RunPlan) -> None:
        """Write videos.parquet from the whole journal, and run.json; one process at a time."""
        journal.end(plan, interrupted=self._interrupted)
        with self._alone("ledger") as is_alone:
            journal.refresh()
            if is_alone:
                journal.compact(alive=self._others())
            self._write_videos(sorted(rows(journal), key=lambda row: row.video), journal)
            write_bytes(self.run_file, (json.dumps(self._report(plan), indent=2) + "\n").encode())

    def _write_videos(self, found: Sequence[VideoRow], journal: Journal) -> None:
        """Write videos.parquet, unless that would write it again as it is: loading what writes it takes longer."""
        digest = hashlib.sha256("\n".join(map(repr, found)).encode("utf-8", "surrogatepass")).hexdigest()
        if not journal.vouches_for(self.videos_table, digest):
            from tvsl_core.batch.videos_table import write_videos

            write_videos(self.videos_table, found)
            journal.vouch_for(self.videos_table, digest)

    @contextmanager
    def _alone(self, name: str) -> Iterator[bool]:
        """Hold a lease for the block; go on without it, and say so, when somebody does not let go of it."""
        assert self._leases is not None
        until = time.monotonic() + LEDGER_WAIT_S
        while (lease := self._leases.take(name)) is None and time.monotonic() < until:
            time.sleep(0.1)
        try:
            yield lease is not None
        finally:
            if lease is not None:
                self._leases.give_back(lease)

    def _report(self, plan: RunPlan) -> dict[str, Any]:
        assert self._identity is not None
        statuses = [video.status for video in self.jobs.finished]
        return {
            "command": list(plan.command),
            "options": self._options.as_dict(),
            "model": self._identity.name,
            "weights_sha256": self._identity.sha256,
            "scorer_sha256": self._identity.scorer_sha256,
            "vocabulary_sha256": self._identity.vocabulary_sha256,
            "classes": self._identity.classes,
            "fingerprint": plan.fingerprint,
            "versions": versions(),
            "device": self._identity.device,
            "workers": plan.workers,
            "part": plan.label,
            "started": plan.started,
            "finished": now(),
            "interrupted": self._interrupted,
            "videos": {status: statuses.count(status) for status in ("done", "skipped", "failed")}
            | {"pending": len(self._found.items) + len(self._found.problems) - len(statuses)},
            "stale": self.jobs.stale,
        }


def rows(journal: Journal) -> Iterator[VideoRow]:
    """The rows of videos.parquet, from the journal alone.

    A finished video counts while its table is there, a failed one while it is part of a run or its file is there.
    Inputs of a run that were not reached are ``pending``.
    """
    planned = {name: path for plan in journal.plans() for name, path in plan.inputs.items()}
    for record in journal.records():
        if _counts(record.row, journal.out, planned):
            planned.pop(record.row.video, None)
            yield record.row
    for name, path in planned.items():
        yield VideoRow.of(VideoFinished(video=name, path=Path(path), status="pending"), journal.out)


def _counts(row: VideoRow, out: Path, planned: Mapping[str, str]) -> bool:
    if row.status == "done":
        return row.table is not None and os.path.isfile(f"{out}/{row.table}")  # noqa: PTH113 pathlib takes three times as long
    return row.video in planned or Path(row.path).exists()
