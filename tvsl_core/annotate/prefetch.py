"""Work one step ahead: a generator runs in a thread of its own, behind a bounded queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def prefetch(source: Iterable[Item], *, depth: int) -> Generator[Item, None, None]:
    """Yield what ``source`` yields, in order, while up to ``depth`` further items are made ready.

    An error in the source is raised here, after the items before it. Closing this generator stops the thread after
    the item that it is working on, and closes the source in its own thread.
    """
    ready: queue.Queue[object] = queue.Queue(maxsize=depth)
    stop = threading.Event()
    failure: list[BaseException] = []

    def put(item: object) -> bool:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        iterator = iter(source)
        try:
            for item in iterator:
                if not put(item):
                    break
        except BaseException as error:
            failure.append(error)
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                close()
            put(_END)

    thread = threading.Thread(target=work, name="prefetch", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            yield item  # type: ignore[misc]  # the queue holds items and _END only
        if failure:
            raise failure[0]
    finally:
        stop.set()
        thread.join()
