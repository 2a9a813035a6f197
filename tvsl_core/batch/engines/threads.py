"""The engine without processes: units run in this process, one after another or in threads that share the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from tvsl_core.annotate.progress import Event
from tvsl_core.annotate.results.job import Job
from tvsl_core.batch.engines.task import ModelChoice, ModelIdentity, run_unit
from tvsl_core.batch.queue import JobQueue

if TYPE_CHECKING:
    from tvsl_core.model.tvsl import TvslModel

WAIT_S = 0.2
"""How long to wait when every unit that is left is another process's."""


class _Cancelled(BaseException):
    """Raised inside a thread when the whole batch is stopped; never seen outside."""


class ThreadEngine:
    """Annotates in this process, with a model that is there already.

    Args:
        model: The model, the choice of one, or what loads it.
        workers: Videos that are worked on at the same time, each in a thread.
        raise_errors: Raise the first error of a video instead of recording it.
    """

    def __init__(
        self,
        model: TvslModel | ModelChoice | Callable[[], TvslModel],
        *,
        workers: int = 1,
        raise_errors: bool = False,
    ) -> None:
        self.workers = workers
        self._given, self._raising = model, raise_errors
        self._model: TvslModel | None = None
        self._stop = threading.Event()

    def identify(self) -> ModelIdentity | None:
        """What the model says of itself, or will by its file; None of one that the caller loads."""
        if isinstance(self._given, ModelChoice):
            return self._given.identify()
        return None if callable(self._given) else ModelIdentity.of(self._given)

    def begin(self, first: Job | None = None) -> None:
        """Nothing has to be made ready ahead."""

    def start(self) -> ModelIdentity:
        """Make the model ready.

        Raises: WeightsError: It cannot be loaded.
        """
        if isinstance(self._given, ModelChoice):
            self._model = self._given.load()
            return self._given.identity_of(self._model)
        self._model = self._given() if callable(self._given) else self._given
        return ModelIdentity.of(self._model)

    def work(self, jobs: JobQueue) -> None:
        """Every unit of the jobs.

        Raises: OutputError: The results cannot be written at all.
        """
        if self.workers <= 1:
            self._serve(jobs)
            return
        with ThreadPoolExecutor(self.workers, thread_name_prefix="annotate") as pool:
            threads = [pool.submit(self._serve, jobs) for _ in range(self.workers)]
            try:
                done, _ = wait(threads, return_when=FIRST_EXCEPTION)
                for thread in done:
                    thread.result()
            except BaseException:
                self._stop.set()
                jobs.stop()
                raise

    def close(self) -> None:
        """Nothing is left to end."""

    def _serve(self, jobs: JobQueue) -> None:
        assert self._model is not None

        def on_event(event: Event) -> None:
            if self._stop.is_set():
                raise _Cancelled
            jobs.on_event(event)

        while not jobs.is_over:
            job = jobs.take()
            if job is None:
                if not jobs.is_over:
                    time.sleep(WAIT_S)
                continue
            try:
                video = run_unit(
                    job, self._model, metadata=jobs.metadata, on_event=on_event, raise_errors=self._raising
                )
            except _Cancelled:
                return
            jobs.finish(job, video)
