"""The engine with processes: a supervisor hands units to worker processes, and survives whatever becomes of them.

A worker that crashes, is killed or hangs costs its video a failed row; a new worker takes its place and the batch goes
on.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import connection, resource_tracker
from typing import Any

from tvsl_core.annotate.options import TimeLimits
from tvsl_core.annotate.progress import VideoAdvanced, VideoStarted
from tvsl_core.annotate.results.job import Job
from tvsl_core.batch.engines.supervise import TICK_S, Cause, DeathCount, Watch
from tvsl_core.batch.engines.task import ModelChoice, ModelIdentity
from tvsl_core.batch.engines.worker import Outcome, Ready, Unusable, WorkerSetup, serve
from tvsl_core.batch.queue import JobQueue
from tvsl_core.errors import TvslError
from tvsl_core.system import platforms

MOST_STILLBORN = 3
"""Workers that may die in a row before they are ready: one may be bad luck, three are a machine without memory."""
WORKER_BYTES = 1_500_000_000
"""Memory that is reckoned for one worker, its encoders included."""
MOST_WORKERS = 16
"""More are used only when they are asked for."""
END_S = 5.0
"""How long an idle worker may take to end by itself."""


class ProcessEngine:
    """Annotates in worker processes.

    Args:
        choice: The model that each of them loads.
        count: How many.
        limits: When a video is given up.
        memory_bytes: Most address space that a worker may take; None does not bound it.
    """

    def __init__(
        self,
        choice: ModelChoice,
        *,
        count: int = 1,
        limits: TimeLimits | None = None,
        memory_bytes: int | None = None,
    ) -> None:
        self.workers, self._limits = count, limits or TimeLimits()
        share = max(1, platforms.usable_cores() // count)
        self._setup = WorkerSetup(choice=choice, cores=share, memory_bytes=memory_bytes)
        self._team: list[_Worker] = []
        self._stillborn = DeathCount(MOST_STILLBORN)

    def identify(self) -> ModelIdentity | None:
        """What the model will say of itself, from its file."""
        return self._setup.choice.identify()

    def begin(self, first: Job | None = None) -> None:
        """Start the processes; they load the model while the caller does something else.

        A single one reads the first video ahead; of several nobody knows which will be ready first.
        """
        setup = replace(self._setup, first=first) if self.workers == 1 else self._setup
        self._team = [_Worker(setup) for _ in range(self.workers)]

    def start(self) -> ModelIdentity:
        """Wait until one of them is ready.

        Raises: WeightsError: The model cannot be loaded. TvslError: A worker cannot start.
        """
        while True:
            for worker in self._next():
                for message in worker.messages():
                    if isinstance(message, Ready):
                        return message.identity
                if not worker.process.is_alive():
                    self._bury(worker)
                    self._team.append(_Worker(self._setup))

    def work(self, jobs: JobQueue) -> None:
        """Every unit of the jobs.

        Raises:
            OutputError: The results cannot be written at all.
            TvslError: A worker cannot start.
        """
        while not jobs.is_stopped:
            for worker in self._team:
                if worker.is_idle and (job := jobs.take()) is not None:
                    worker.assign(job, jobs.metadata)
            if jobs.is_over and not any(worker.watch.job for worker in self._team):
                return
            for worker in self._next():
                for message in worker.messages():
                    self._on_message(worker, message, jobs)
            for worker in list(self._team):
                self._check_worker(worker, jobs)

    def close(self) -> None:
        """End all processes, and with them their encoders."""
        for worker in self._team:
            worker.end()
        self._team.clear()

    def _next(self) -> list[_Worker]:
        """Workers that have something to say, or are dead."""
        by_sign: dict[Any, _Worker] = {}
        for worker in self._team:
            by_sign[worker.line] = by_sign[worker.process.sentinel] = worker
        signs = connection.wait(list(by_sign), timeout=TICK_S)
        return list({id(by_sign[sign]): by_sign[sign] for sign in signs}.values())

    def _on_message(self, worker: _Worker, message: Any, jobs: JobQueue) -> None:
        if isinstance(message, Outcome):
            job, worker.worn = worker.watch.release(), message.worn
            if job is not None:
                jobs.finish(job, message.video)
        elif isinstance(message, VideoStarted | VideoAdvanced):
            worker.watch.on_event(message)
            jobs.on_event(message)

    def _check_worker(self, worker: _Worker, jobs: JobQueue) -> None:
        """Replace a worker that is dead, worn or hangs; the video that it did not finish becomes a failed row."""
        if worker.process.is_alive() and not worker.worn:
            cause = worker.watch.overdue(self._limits)
            if cause is None:
                return
        else:
            worker.process.join(END_S)
            for message in worker.messages():  # its last words may be the outcome
                self._on_message(worker, message, jobs)
            cause = _cause(worker.process.exitcode)
        job, video = worker.watch.job, worker.watch.row(cause)
        self._bury(worker)
        if job is not None and video is not None:
            job.discard_leftovers()
            jobs.finish(job, video)
        if not jobs.is_over:
            self._team.append(_Worker(self._setup))

    def _bury(self, worker: _Worker) -> None:
        """Take a worker off the team. Raises: TvslError: Workers die again and again before they are ready."""
        worker.kill()
        self._team.remove(worker)
        if worker.is_ready:
            self._stillborn.reset()
        elif self._stillborn.add():
            why = _cause(worker.process.exitcode).what
            raise TvslError(
                f"No worker process gets ready: {why}.", hint="Lower --workers, or free some memory, then run again."
            )


class _Worker:
    """A worker process as its supervisor sees it."""

    def __init__(self, setup: WorkerSetup) -> None:
        context = multiprocessing.get_context("spawn")
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, setup), name="tvsl-worker", daemon=True)
        with _no_interrupts():
            self.process.start()
        theirs.close()
        self.watch = Watch()
        self.is_ready = self.worn = False

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a unit."""
        return self.is_ready and self.watch.job is None and not self.worn

    def assign(self, job: Job, metadata: dict[str, str]) -> None:
        """Hand it a unit."""
        self.watch.assign(job)
        with suppress(OSError):  # it is dead, which is noticed at once
            self.line.send((job, metadata))

    def messages(self) -> Iterator[Any]:
        """What it has said since; log records go to their loggers.

        Raises: TvslError: It cannot load the model.
        """
        with suppress(EOFError, OSError):
            while self.line.poll():
                message = self.line.recv()
                if isinstance(message, logging.LogRecord):
                    logging.getLogger(message.name).handle(message)
                    continue
                if isinstance(message, Unusable):
                    raise message.error
                self.is_ready = self.is_ready or isinstance(message, Ready)
                yield message

    def kill(self) -> None:
        """End it and everything that it started, at once."""
        if self.process.pid is not None:
            platforms.end_group(self.process.pid)
        self.process.kill()
        self.process.join()
        self.line.close()

    def end(self) -> None:
        """End it: an idle one in its own time, a busy one at once."""
        if self.is_idle and self.process.is_alive():
            with suppress(OSError):
                self.line.send(None)
            self.process.join(END_S)
        self.kill()


@contextmanager
def _no_interrupts() -> Iterator[None]:
    """A process that is started here never sees Ctrl-C and the like: what they mean is the supervisor's to decide."""
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # or the first start would do it, and let the signals through again
    with platforms.without_signals():
        yield


def _cause(code: int | None) -> Cause:
    """Why a worker process that nobody ended is dead, by its exit code."""
    report = "Please report it, with --log-file."
    if code is None or code >= 0:
        return Cause(kind="crashed", what=f"its worker process ended with code {code}", hint=report)
    if -code == signal.SIGKILL:
        hint = "Most likely memory ran out: lower --workers or --batch, then give the same command again."
        return Cause(kind="killed", what="its worker process was killed by the system", hint=hint)
    with suppress(ValueError):
        hint = "The file is probably damaged in a way that a decoder cannot bear; convert it, for example with ffmpeg."
        return Cause(kind="crashed", what=f"its worker process crashed ({signal.Signals(-code).name})", hint=hint)
    return Cause(kind="crashed", what=f"its worker process was ended by signal {-code}", hint=report)


def good_count() -> int:
    """How many workers this machine is good for: one for each core, as far as memory reaches."""
    return max(1, min(platforms.usable_cores(), platforms.available_memory() // WORKER_BYTES, MOST_WORKERS))
