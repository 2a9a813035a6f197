"""A worker process: holds a model, annotates one unit after another, and tells its supervisor how it gets on.

It leads a process group of its own, so that what it starts ends with it, and it ends by itself as soon as its
supervisor is gone, however that happened.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import threading
import time
from dataclasses import dataclass
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any, Self

from tvsl_core.annotate.progress import Event, VideoAdvanced, VideoFinished
from tvsl_core.annotate.results.job import Job
from tvsl_core.batch.engines.task import ModelChoice, ModelIdentity, is_memory, run_unit
from tvsl_core.errors import TvslError
from tvsl_core.system import machine as host
from tvsl_core.system import platforms
from tvsl_core.system.arrow import leave_pandas_out

if TYPE_CHECKING:
    from tvsl_core.annotate.signals.reading import Reading
    from tvsl_core.model.tvsl import TvslModel

PROGRESS_EVERY_S = 0.2
"""Progress is sent no more often than this: a person cannot read faster, and the supervisor serves many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSetup:
    """What a worker is started with."""

    choice: ModelChoice
    cores: int = 0
    """Processor cores that it keeps busy; 0 is all of them."""
    memory_bytes: int | None = None
    """Most address space that it may take; None does not bound it."""
    first: Job | None = None
    """Read ahead while the model is loaded, in case that it is the first unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """The model is loaded."""

    identity: ModelIdentity


@dataclass(frozen=True, kw_only=True, slots=True)
class Unusable:
    """The model cannot be loaded; the worker ends."""

    error: TvslError


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a unit."""

    video: VideoFinished
    worn: bool
    """Whether the worker ends now, since its memory can no longer be trusted."""


def serve(line: Connection, setup: WorkerSetup) -> None:
    """Be a worker until the supervisor says None or is gone.

    Args:
        line: To the supervisor: (Job, metadata) come in; Ready, Unusable, events, Outcome and log records go out.
        setup: What it is started with.
    """
    platforms.lead_group()
    platforms.keep_few_heaps()
    threading.Thread(target=_end_with_the_supervisor, name="supervisor", daemon=True).start()
    send = _Sender(line)
    _send_logs(send)
    _bound(setup)
    loading = _Loading(setup, send)
    _answer(line, send, loading, None if setup.first is None else _Ahead.of(setup.first))


class _Loading(threading.Thread):
    """Loads the model in a thread of its own, and tells the supervisor when it is ready, or that it cannot be loaded.

    torch alone takes longer to load than everything else of a worker together; a video is opened meanwhile.
    """

    def __init__(self, setup: WorkerSetup, send: _Sender) -> None:
        super().__init__(name="loading", daemon=True)
        self._setup, self._send = setup, send
        self._model: TvslModel | None = None
        self.start()

    def run(self) -> None:
        """Load."""
        try:
            _keep_to(1)  # what loading computes is too small to be shared out
            with host.collecting_seldom():
                self._model = self._setup.choice.load()
        except TvslError as error:
            self._give_up(error)
        except Exception as error:
            unknown = f"{type(error).__name__}: {error}"
            what = "there is not enough memory to load the model" if is_memory(error) else unknown
            self._give_up(TvslError(f"A worker process could not start: {what}.", hint="Lower --workers."))
        else:
            self._send(Ready(identity=self._setup.choice.identity_of(self._model)))

    def model(self) -> TvslModel:
        """Wait for it."""
        self.join()
        assert self._model is not None
        return self._model

    def _give_up(self, error: TvslError) -> None:
        self._send(Unusable(error=error))
        os._exit(0)  # a unit is only handed to who is ready


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ahead:
    """A unit that is being read before it is handed over."""

    job: Job
    reading: Reading

    @classmethod
    def of(cls, job: Job) -> Self | None:
        """Open it; where that cannot be done, annotating it will say why."""
        from tvsl_core.annotate.signals.reading import Reading

        try:
            return cls(job=job, reading=Reading(job.item.path, job.options))
        except Exception:
            return None

    def take(self, job: Job) -> Reading | None:
        """The reading, if it is of this unit; else it ends."""
        if (job.item, job.options) == (self.job.item, self.job.options):
            return self.reading
        self.reading.close()
        return None


def _answer(line: Connection, send: _Sender, loading: _Loading, ahead: _Ahead | None) -> None:
    while True:
        try:
            given: tuple[Job, dict[str, str]] | None = line.recv()
        except (EOFError, OSError):
            return
        if given is None:
            os._exit(0)  # all is written and told; taking torch apart would only let the supervisor wait
        job, metadata = given
        model = loading.model()
        _share_cores(model)
        reading = None if ahead is None else ahead.take(job)
        ahead = None
        video = run_unit(job, model, metadata=metadata, on_event=send.on_event, reading=reading)
        worn = video.failure == "memory"
        send(Outcome(video=video, worn=worn))
        if worn:
            return


class _Sender:
    """Sends to the supervisor, from any thread, and progress not too often."""

    def __init__(self, line: Connection) -> None:
        self._line, self._lock = line, threading.Lock()
        self._last = (0.0, "")

    def __call__(self, message: Any) -> None:
        with self._lock, contextlib.suppress(OSError):
            self._line.send(message)

    def on_event(self, event: Event) -> None:
        """Pass on an event of the unit at work."""
        stage = event.stage if isinstance(event, VideoAdvanced) else ""
        now = time.monotonic()
        if stage and stage == self._last[1] and now - self._last[0] < PROGRESS_EVERY_S:
            return
        self._last = (now, stage)
        self(event)


class _LogSender(QueueHandler):
    """Log records go to the supervisor, who knows where they belong."""

    def __init__(self, send: _Sender) -> None:
        super().__init__(None)  # type: ignore[arg-type]  # there is no queue: see enqueue
        self._send = send

    def enqueue(self, record: logging.LogRecord) -> None:
        """Send one prepared record."""
        with contextlib.suppress(pickle.PicklingError, TypeError):
            self._send(record)


def _send_logs(send: _Sender) -> None:
    logger = logging.getLogger("tvsl_core")
    logger.addHandler(_LogSender(send))
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


def _bound(setup: WorkerSetup) -> None:
    """Keep to the share of cores and memory. OpenCV's operations on one frame are too small to be worth sharing out."""
    import cv2

    leave_pandas_out()
    cv2.setNumThreads(1)
    if setup.cores:
        host.take_share(setup.cores)
    if setup.memory_bytes is not None:
        platforms.bound_memory(setup.memory_bytes)


def _share_cores(model: TvslModel) -> None:
    """Let torch keep to our share of the cores as well."""
    from tvsl_core.model.threads import share_by_pieces

    _keep_to(host.cores())
    if "OMP_NUM_THREADS" not in os.environ:
        share_by_pieces(model.towers)


def _keep_to(threads: int) -> None:
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads)


def _end_with_the_supervisor() -> None:
    """Whatever this process is doing, it and its encoders end when the supervisor is gone."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    wait([parent.sentinel])
    platforms.end_group(os.getpid())
