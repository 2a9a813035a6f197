"""Work one step ahead: a generator runs in a thread of its own, behind a bounded queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
_END = object()


class Prefetch(Generic[Item]):
    """Gives what a source yields, in order, and makes further items ready meanwhile, from now on.

    An error in the source is raised here, after the items before it. Closing stops the thread after the item that it is
    working on, and closes the source in its own thread.

    Args:
        source: What runs in the thread.
        depth: How many items may wait; 0 is any number.
    """

    def __init__(self, source: Iterable[Item], *, depth: int) -> None:
        self._source = source
        self._ready: queue.Queue[object] = queue.Queue(maxsize=depth)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Item]:
        return self

    def __next__(self) -> Item:
        item = _END if self._stop.is_set() else self._ready.get()
        if item is not _END:
            return item  # type: ignore[return-value]  # the queue holds items and _END only
        self.close()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        raise StopIteration

    def close(self) -> None:
        """Stop; what is ready is lost."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        iterator = iter(self._source)
        try:
            for item in iterator:
                if not self._put(item):
                    break
        except BaseException as error:
            self._failure = error
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
            self._put(_END)

    def _put(self, item: object) -> bool:
        while not self._stop.is_set():
            try:
                self._ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
