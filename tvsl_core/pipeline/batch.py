"""Many videos: what is done is skipped, what fails becomes a row, and the rest goes on."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tvsl_core.errors import TvslError
from tvsl_core.media.atomic import write_bytes
from tvsl_core.model.load import load_model
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.pipeline.annotate import Annotation, annotate_job
from tvsl_core.pipeline.inputs import FoundVideos, InputProblem
from tvsl_core.pipeline.job import Job
from tvsl_core.pipeline.ledger import from_row, read_videos, tvsl_version, versions, write_videos
from tvsl_core.pipeline.options import AnnotateOptions
from tvsl_core.pipeline.progress import Event, Listener, VideoFinished, ignore
from tvsl_core.pipeline.table import make_folder
from tvsl_core.vocabulary import Vocabulary, load_vocabulary

_log = logging.getLogger(__name__)


class _Cancelled(BaseException):
    """Raised inside a worker when the whole batch is stopped; never seen outside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchReport:
    """What became of a whole run."""

    finished: tuple[VideoFinished, ...]
    """Every input, in the order of the inputs; those that led to no video come last."""
    videos_table: Path
    run_file: Path

    @property
    def failed(self) -> int:
        """How many inputs failed."""
        return sum(video.status == "failed" for video in self.finished)


def annotate_videos(  # noqa: PLR0913 one keyword for each thing that a run is given
    found: FoundVideos,
    *,
    out: Path,
    model: TvslModel | Callable[[], TvslModel] | None = None,
    options: AnnotateOptions,
    names: Vocabulary | None = None,
    workers: int = 1,
    overwrite: bool = False,
    dry_run: bool = False,
    listen: Listener = ignore,
    command: Sequence[str] = (),
    raise_errors: bool = False,
) -> BatchReport:
    """Annotate videos; one that fails does not stop the others.

    Args:
        found: From ``find_videos``.
        out: Folder of the results; created when missing.
        model: The model, or what loads it; None loads the embedded default.
        options: What to do with each video.
        names: The classes to look for, where the caller has them already; None reads those that the options name.
        workers: Videos that are worked on at the same time.
        overwrite: False skips videos whose results are there, with the same settings and unchanged input.
        dry_run: Only say what would be done; nothing is written.
        listen: Called for everything that happens.
        command: As the user typed it, for run.json.
        raise_errors: Raise the first error instead of recording it.

    Raises:
        OutputError: The output folder cannot be used at all.
        ManifestError: The vocabulary cannot be used.
        WeightsError: The model cannot be loaded.
        KeyboardInterrupt: Passed on after what is finished has been recorded.
    """
    names = names or choose_names(options)
    ready = _ready_model(model, names)
    run = _Run(
        out=out, model=ready, options=options, overwrite=overwrite, dry_run=dry_run, listen=listen, raising=raise_errors
    )
    if not dry_run:
        make_folder(out)
        run.earlier = read_videos(run.videos_table)
    started = datetime.now(UTC)
    interrupted = True
    try:
        run.work(found, workers)
        interrupted = False
    finally:
        run.finished.extend(run.problem(problem) for problem in found.problems)
        if not dry_run:
            run.record(command=command, started=started, interrupted=interrupted)
    order = {item.name: place for place, item in enumerate(found.items)}
    finished = sorted(run.finished, key=lambda video: order.get(video.video, len(order)))
    return BatchReport(finished=tuple(finished), videos_table=run.videos_table, run_file=run.run_file)


def choose_names(options: AnnotateOptions) -> Vocabulary:
    """The classes that the options ask for.

    Raises: ManifestError: The vocabulary file cannot be used, or a class is unknown.
    """
    vocabulary = load_vocabulary(options.vocabulary)
    return vocabulary.restrict(options.classes) if options.classes else vocabulary


def _ready_model(model: TvslModel | Callable[[], TvslModel] | None, names: Vocabulary) -> TvslModel:
    if model is None:
        return load_model("compact", vocabulary=names)
    loaded = model if isinstance(model, TvslModel) else model()
    return loaded if loaded.vocabulary.sha256 == names.sha256 else loaded.with_vocabulary(names)


class _Run:
    """One run's state: its settings and what is finished so far."""

    def __init__(
        self,
        *,
        out: Path,
        model: TvslModel,
        options: AnnotateOptions,
        overwrite: bool,
        dry_run: bool,
        listen: Listener,
        raising: bool,
    ) -> None:
        self.out, self.model, self.options = out, model, options
        self.overwrite, self.dry_run, self.raising = overwrite, dry_run, raising
        self.videos_table, self.run_file = out / "videos.parquet", out / "run.json"
        self.earlier: dict[str, dict[str, Any]] = {}
        self.finished: list[VideoFinished] = []
        self._listen, self._stop = listen, threading.Event()
        version = tvsl_version()
        self.fingerprint = options.fingerprint(
            model_sha256=model.sha256, version=version, vocabulary_sha256=model.vocabulary.sha256
        )
        self.metadata = {
            "model": model.name,
            "weights_sha256": model.sha256,
            "tvsl_version": version,
            "options": json.dumps(options.as_dict(), sort_keys=True),
        }
        """What stands in every table about how it was made."""

    def listen(self, event: Event) -> None:
        """Pass an event on; the place where a stopped batch stops its workers."""
        if self._stop.is_set():
            raise _Cancelled
        self._listen(event)

    def work(self, found: FoundVideos, workers: int) -> None:
        """Every video, ``workers`` at a time."""
        jobs = [
            Job(item=item, out=self.out, options=self.options, fingerprint=self.fingerprint) for item in found.items
        ]
        if workers <= 1 or len(jobs) <= 1:
            for job in jobs:
                self._finish(self.one(job))
            return
        with ThreadPoolExecutor(workers, thread_name_prefix="annotate") as pool:
            waiting = {pool.submit(self.one, job) for job in jobs}
            try:
                while waiting:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in done:
                        self._finish(future.result())
            except BaseException:
                self._stop.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _finish(self, video: VideoFinished) -> None:
        self.finished.append(video)
        self._listen(video)

    def one(self, job: Job) -> VideoFinished:
        """One video, whatever becomes of it."""
        if not self.overwrite and job.is_done():
            return self.skipped(job)
        if self.dry_run:
            return VideoFinished(video=job.item.name, path=job.item.path, status="done", outputs=(job.table,))
        began = time.perf_counter()
        try:
            result = annotate_job(job, self.model, metadata=self.metadata, listen=self.listen)
        except TvslError as error:
            if self.raising:
                raise
            return self.failed(job, error.message, error.hint, error.stage, time.perf_counter() - began)
        except MemoryError:
            return self.failed(job, "there was not enough memory.", "Lower --batch or --workers.", "", 0.0)
        except Exception as error:
            if self.raising:
                raise
            _log.exception("%s failed", job.item.name)
            message = f"an unexpected error: {type(error).__name__}: {error}"
            return self.failed(job, message, "Please report it, with --log-file.", "", time.perf_counter() - began)
        return _done(job, result, elapsed_s=time.perf_counter() - began)

    def skipped(self, job: Job) -> VideoFinished:
        """A video whose results are there already."""
        outputs = (job.table, *sorted(job.heatmaps.glob("*.mp4")))
        row = self.earlier.get(job.item.name)
        if row and row["fingerprint"] == self.fingerprint:
            return from_row(row, path=job.item.path, outputs=outputs)
        return VideoFinished(
            video=job.item.name,
            path=job.item.path,
            status="skipped",
            fingerprint=self.fingerprint,
            outputs=outputs,
            **_count_rows(job.table),
        )

    def failed(self, job: Job, message: str, hint: str, stage: str, elapsed_s: float) -> VideoFinished:
        """A video that cannot be annotated."""
        return VideoFinished(
            video=job.item.name,
            path=job.item.path,
            status="failed",
            error=message,
            hint=hint,
            stage=stage,
            elapsed_s=elapsed_s,
            fingerprint=self.fingerprint,
        )

    def problem(self, problem: InputProblem) -> VideoFinished:
        """An input that led to no video."""
        video = VideoFinished(
            video=problem.given,
            path=Path(problem.given.replace("\0", "")),
            status="failed",
            error=problem.message,
            hint=problem.hint,
            stage="find",
        )
        self._listen(video)
        return video

    def record(self, *, command: Sequence[str], started: datetime, interrupted: bool) -> None:
        """Write videos.parquet and run.json."""
        write_videos(self.videos_table, self.finished, earlier=self.earlier, out=self.out)
        statuses = [video.status for video in self.finished]
        report = {
            "command": list(command),
            "options": self.options.as_dict(),
            "model": self.model.name,
            "weights_sha256": self.model.sha256,
            "vocabulary_sha256": self.model.vocabulary.sha256,
            "classes": len(self.model.vocabulary.names),
            "fingerprint": self.fingerprint,
            "versions": versions(),
            "device": str(self.model.towers.device),
            "started": started.isoformat(),
            "finished": datetime.now(UTC).isoformat(),
            "interrupted": interrupted,
            "videos": {status: statuses.count(status) for status in ("done", "skipped", "failed")},
        }
        write_bytes(self.run_file, (json.dumps(report, indent=2, ensure_ascii=False) + "\n").encode())


def _done(job: Job, result: Annotation, *, elapsed_s: float) -> VideoFinished:
    stat = job.item.path.stat()
    return VideoFinished(
        video=job.item.name,
        path=job.item.path,
        status="done",
        duration_s=result.info.duration_s,
        frame_width=result.info.width,
        frame_height=result.info.height,
        frame_rate=float(result.info.frame_rate),
        size_bytes=stat.st_size,
        mtime_s=stat.st_mtime,
        elapsed_s=elapsed_s,
        rows=result.rows,
        sources=result.sources,
        classes=tuple(name for name, _ in result.classes.most_common()),
        fingerprint=job.fingerprint,
        outputs=tuple(result.outputs),
        warnings=tuple(dict.fromkeys(result.warnings)),
    )


def _count_rows(table: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq

    columns = pq.read_table(table, columns=["source_id", "class"]).to_pydict()
    return {
        "rows": len(columns["source_id"]),
        "sources": len(set(columns["source_id"])),
        "classes": tuple(sorted(set(columns["class"]))),
    }
