"""What is left to do: hands out units one by one, and takes back what became of them.

What is done under the same key is skipped, what another process holds is put off and looked at again, and every outcome
is in the journal before anybody is told of it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tvsl_core.annotate.options import AnnotateOptions, QueueOptions
from tvsl_core.annotate.progress import Event, EventHandler, VideoFinished
from tvsl_core.annotate.results.job import Job, VideoItem, tables_stamp
from tvsl_core.batch.inputs import InputProblem
from tvsl_core.batch.journal import Journal, unit_key
from tvsl_core.batch.records import VideoRecord, VideoRow, parse_row
from tvsl_core.errors import OutputError
from tvsl_core.system.leases import Leases

RETRY_S = 1.0
"""How often a unit that another process holds is looked at."""
PATIENCE_S = 0.2
"""How long one ``take`` may go on over units that need no work."""


@dataclass(slots=True)
class _Counts:
    failures: int = 0
    stale: Counter[str] = field(default_factory=Counter)


class JobQueue:
    """The units of one run. Safe to use from several threads.

    Args:
        items: The videos, in order.
        out: Output folder.
        options: What to do with each video.
        fingerprint: Of everything that can change a result.
        metadata: What stands in every table about how it was made.
        on_event: Told about everything that happens.
        choices: Which units are worked on.
        journal: Where outcomes are written.
        leases: Who else is at work; None for a dry run, which writes nothing.
        run: Id of the run.
    """

    def __init__(  # noqa: PLR0913 one keyword for each thing that a run is given
        self,
        items: Sequence[VideoItem],
        *,
        out: Path,
        options: AnnotateOptions,
        fingerprint: str,
        metadata: dict[str, str],
        on_event: EventHandler,
        choices: QueueOptions,
        journal: Journal,
        leases: Leases | None = None,
        run: str = "",
    ) -> None:
        self.metadata, self.finished = metadata, list[VideoFinished]()
        self._out, self._options, self._fingerprint = out, options, fingerprint
        self._on_event, self._choices, self._run = on_event, choices, run
        self._journal, self._leases = journal, leases
        self._todo, self._put_off = deque(items), deque[tuple[float, VideoItem]]()
        self._found: Job | None = None
        self._counts, self._lock, self._stopped = _Counts(), threading.RLock(), threading.Event()
        self._folder, self._limits = _identity(out), json.dumps(dataclasses.astuple(options.limits))

    @property
    def stale(self) -> dict[str, int]:
        """Why earlier results did not hold, and how many each."""
        return dict(self._counts.stale)

    @property
    def is_stopped(self) -> bool:
        """Whether no more units are handed out because too many have failed, or the run was stopped."""
        return self._stopped.is_set()

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to hand out; what was handed out may still be at work."""
        return self.is_stopped or not (self._found or self._todo or self._put_off)

    def stop(self) -> None:
        """Hand out nothing more."""
        self._stopped.set()

    def find_work(self) -> Job | None:
        """A unit that needs work, which ``take`` then gives first; looks until there is one. None when none does.

        Raises: OutputError: The output folder is gone, or cannot be written to.
        """
        while not self.is_over:
            self._found = self.take()
            if self._found is not None:
                return self._found
            if self._put_off and not self._todo:
                time.sleep(PATIENCE_S)  # what is left is another process's
        return None

    def take(self) -> Job | None:
        """The next unit that needs work, and is ours; None when there is none at this moment.

        Raises: OutputError: The output folder is gone, or cannot be written to.
        """
        until = time.monotonic() + PATIENCE_S
        with self._lock:
            if self._found is not None and not self.is_stopped:
                found, self._found = self._found, None
                return found
            while not self.is_stopped and time.monotonic() < until:
                waited, item = self._next()
                if item is None:
                    return None
                job = self._consider(item, waited=waited)
                if job is not None:
                    return job
        return None

    def on_event(self, event: Event) -> None:
        """Pass on how a unit gets on."""
        self._on_event(event)

    def finish(self, job: Job, video: VideoFinished) -> None:
        """Take back a unit: write down what became of it, let its lease go, tell whoever watches.

        Raises: OutputError: The journal cannot be written, or the output folder is gone.
        """
        with self._lock:
            if video.status == "failed":
                self._check_folder()
            if job.lease is not None and not job.lease.holds():
                self.put_back(job)
                return
            stamp = tables_stamp(job.table, job.events) if video.status == "done" else ""
            self._record(video, self._key(job), stamp=stamp)
            self._release(job)
            self._counts.failures += video.status == "failed"
            if self._choices.max_failures is not None and self._counts.failures >= self._choices.max_failures:
                self.stop()
            self._report(video)

    def report_problem(self, problem: InputProblem) -> None:
        """An input that led to no video becomes a failed row.

        Raises: OutputError: The journal cannot be written.
        """
        video = VideoFinished(
            video=problem.given,
            path=Path(problem.given.replace("\0", "")),
            status="failed",
            error=problem.message,
            hint=problem.hint,
            stage="find",
        )
        with self._lock:
            if self.folder_is_there():
                self._record(video, {"fingerprint": ""})
            self._report(video)

    def folder_is_there(self) -> bool:
        """Whether the output folder is still the one that it was at the beginning."""
        return _identity(self._out) == self._folder

    def put_back(self, job: Job) -> None:
        """Give up a unit without an outcome; it is looked at again later."""
        with self._lock:
            self._release(job)
            self._put_off.append((time.monotonic() + RETRY_S, job.item))

    def _next(self) -> tuple[bool, VideoItem | None]:
        """Whether it was put off before, and the next video to look at."""
        if self._put_off and self._put_off[0][0] <= time.monotonic():
            return True, self._put_off.popleft()[1]
        return (False, self._todo.popleft()) if self._todo else (True, None)

    def _consider(self, item: VideoItem, *, waited: bool) -> Job | None:
        """A job when the video needs work and is ours; else it is told of, or put off."""
        job = Job(item=item, out=self._out, options=self._options, fingerprint=self._fingerprint)
        if self._settled(job, waited=waited):
            return None
        if self._leases is None:
            self._note_staleness(job)
            self._report(VideoFinished(video=item.name, path=item.path, status="done", outputs=(job.table,)))
            return None
        self._check_folder()
        lease = self._leases.take(unit_key(item.name))
        if lease is None:
            self._put_off.append((time.monotonic() + RETRY_S, item))
            return None
        job = dataclasses.replace(job, lease=lease)
        self._journal.refresh()
        if self._settled(job, waited=waited):  # somebody may have finished it between our look and our lease
            self._release(job)
            return None
        self._note_staleness(job)
        return job

    def _settled(self, job: Job, *, waited: bool) -> bool:
        """Whether a unit needs no work; then it is told of."""
        overwrite = self._choices.overwrite and not waited  # what another process has just done is not done again
        record = self._journal.read(job.item.name)
        record = record if record and record.matches(self._key(job)) else None
        if not overwrite:
            tables = job.table, job.events
            stamp = tables_stamp(*tables)
            is_known = bool(record and stamp and record.stamp == stamp)
            if is_known or job.is_done():
                self._report(self._skipped(job, record, tables, stamp="" if is_known else stamp))
                return True
        if record and record.row.status == "failed" and not record.again and not overwrite:
            if self._choices.retry_failed and not (waited and record.run != self._run):
                return False
            self._report(record.row.outcome(path=job.item.path, outputs=(), status="failed", earlier=True))
            return True
        return False

    def _skipped(self, job: Job, record: VideoRecord | None, tables: tuple[Path, Path], *, stamp: str) -> VideoFinished:
        """A video whose results are there; its record is made from its table when that is all there is.

        Args:
            job: Of the video.
            record: What the journal says of it under its key.
            tables: Of its sources and events.
            stamp: Of its tables, when they had to be opened; kept, so that the next run need not.
        """
        row = record.row if record and record.row.status == "done" else _row_of_table(job)
        outputs = (*tables, *_heatmaps(job.heatmaps))
        video = row.outcome(path=job.item.path, outputs=outputs, status="skipped", event_table=tables[1])
        if stamp:
            self._record(video, self._key(job), stamp=stamp if _can_be_opened(tables[1]) else "", is_new=False)
        return video

    def _record(self, video: VideoFinished, key: dict[str, str], *, stamp: str = "", is_new: bool = True) -> None:
        """Write down what became of a video, unless this is a dry run."""
        if self._leases is not None:
            self._journal.record(video, key, run=self._run, stamp=stamp, is_new=is_new)

    def _key(self, job: Job) -> dict[str, str]:
        """The key of a unit; of an input that cannot be looked at, the settings alone. A failure has its limits too."""
        limits = {"limits": self._limits}
        try:
            return job.key() | limits
        except OSError:
            return {"fingerprint": job.fingerprint} | limits

    def _note_staleness(self, job: Job) -> None:
        reason = job.staleness()
        if reason:
            self._counts.stale[reason] += 1

    def _release(self, job: Job) -> None:
        if job.lease is not None and self._leases is not None:
            self._leases.give_back(job.lease)

    def _report(self, video: VideoFinished) -> None:
        self.finished.append(video)
        self._on_event(video)

    def _check_folder(self) -> None:
        """Stop at once when the output folder is not the one any more: removed, or its disk unmounted."""
        if self._leases is not None and not self.folder_is_there():
            raise OutputError(
                f"The output folder {self._out} was removed or replaced while tvsl was at work.",
                hint="Bring it back, then give the same command again.",
                stage="write",
            )


def _can_be_opened(events: Path) -> bool:
    """Whether a table of events is one: a run asks only whether it is there, but a stamp vouches for it."""
    from tvsl_core.annotate.results.table import read_metadata  # most runs over finished results open no table

    return bool(read_metadata(events))


def _heatmaps(folder: Path) -> list[Path]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 most have none, and a run over many asks for each
    except OSError:
        return []
    return [folder / name for name in sorted(names) if name.endswith(".mp4")]


def _row_of_table(job: Job) -> VideoRow:
    """What a finished table says of its video; little, when that part of it is damaged."""
    from tvsl_core.annotate.results.table import read_metadata  # most runs over finished results open no table

    own = {
        "video": job.item.name,
        "path": str(job.item.path),
        "status": "done",
        "stage": "",
        "fingerprint": job.fingerprint,
    }
    with contextlib.suppress(ValueError, TypeError):
        row = parse_row(json.loads(read_metadata(job.table).get("outcome", "{}")) | own)
        if row is not None:
            return row
    return VideoRow(video=job.item.name, path=str(job.item.path), status="done", fingerprint=job.fingerprint)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        stat = folder.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
