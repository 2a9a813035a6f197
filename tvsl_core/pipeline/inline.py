"""The engine without processes: units run in this process, one after another or in threads that share the model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from tvsl_core.pipeline.feed import Feed
from tvsl_core.pipeline.progress import Event
from tvsl_core.pipeline.unit import ModelIdentity, run_unit

if TYPE_CHECKING:
    from tvsl_core.model.tvsl import TvslModel

WAIT_S = 0.2
"""How long to wait when every unit that is left is another process's."""


class _Cancelled(BaseException):
    """Raised inside a thread when the whole batch is stopped; never seen outside."""


class Inline:
    """Annotates in this process, with a model that is there already.

    Args:
        model: The model, or what loads it.
        workers: Videos that are worked on at the same time, each in a thread.
        raise_errors: Raise the first error of a video instead of recording it.
    """

    def __init__(
        self, model: TvslModel | Callable[[], TvslModel], *, workers: int = 1, raise_errors: bool = False
    ) -> None:
        self.workers = workers
        self._given, self._raising = model, raise_errors
        self._model: TvslModel | None = None
        self._stop = threading.Event()

    def begin(self) -> None:
        """Nothing has to be made ready ahead."""

    def start(self) -> ModelIdentity:
        """Make the model ready.

        Raises: WeightsError: It cannot be loaded.
        """
        self._model = self._given() if callable(self._given) else self._given
        return ModelIdentity.of(self._model)

    def work(self, feed: Feed) -> None:
        """Every unit of the feed.

        Raises: OutputError: The results cannot be written at all.
        """
        if self.workers <= 1:
            self._serve(feed)
            return
        with ThreadPoolExecutor(self.workers, thread_name_prefix="annotate") as pool:
            threads = [pool.submit(self._serve, feed) for _ in range(self.workers)]
            try:
                done, _ = wait(threads, return_when=FIRST_EXCEPTION)
                for thread in done:
                    thread.result()
            except BaseException:
                self._stop.set()
                feed.stop()
                raise

    def close(self) -> None:
        """Nothing is left to end."""

    def _serve(self, feed: Feed) -> None:
        assert self._model is not None

        def listen(event: Event) -> None:
            if self._stop.is_set():
                raise _Cancelled
            feed.listen(event)

        while not feed.is_over:
            job = feed.take()
            if job is None:
                if not feed.is_over:
                    time.sleep(WAIT_S)
                continue
            try:
                video = run_unit(job, self._model, metadata=feed.metadata, listen=listen, raise_errors=self._raising)
            except _Cancelled:
                return
            feed.finish(job, video)
