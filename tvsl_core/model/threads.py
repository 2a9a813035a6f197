"""Independent pieces of a network's work side by side, each on one thread.

On a CPU two pictures on a thread each are done sooner than one after the other on two threads: layers of small
pictures are too short to be shared out, and threads that wait for each other between layers keep cores busy that
decoding needs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import torch

from tvsl_core.system.machine import cores

Item = TypeVar("Item")
Result = TypeVar("Result")
_here = threading.local()
AHEAD = 2
"""Pieces a thread that are at work or done before the first is asked for: while the caller is busy, none waits."""


def works_by_pieces(towers: Any) -> bool:
    """Whether towers are fastest piece by piece, where they are: a GPU wants as much as possible at once."""
    return bool(getattr(towers, "has_pieces", False)) and towers.device.type == "cpu"


def runs_beside_itself(towers: Any) -> bool:
    """Whether towers may work for two threads at once: not where torch shares out each layer, and threads then spin."""
    return towers.device.type != "cpu" or (works_by_pieces(towers) and torch.get_num_threads() < cores())


def share_by_pieces(towers: Any) -> None:
    """Let this process share out its cores piece by piece, where its towers work so; else torch shares out each layer.

    Args:
        towers: All that this process uses.
    """
    if works_by_pieces(towers):
        torch.set_num_threads(1)


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """What becomes of each item, in order; on as many threads as torch leaves cores, which never run far ahead.

    Args:
        work: Runs without gradients, and changes nothing but what it returns; pieces of a piece stay in its thread.
        items: Independent of each other; taken in this thread.
    """

    @torch.inference_mode()
    def piece(item: Item) -> Result:
        return work(item)

    shared_out = torch.get_num_threads()
    threads = max(1, cores() // shared_out)
    if threads == 1 or getattr(_here, "is_piece", False):
        yield from map(piece, items)
        return
    at_work: deque[Future[Result]] = deque()
    try:
        for item in items:
            at_work.append(_pool(threads, shared_out).submit(piece, item))
            if len(at_work) >= AHEAD * threads:
                yield at_work.popleft().result()
        while at_work:
            yield at_work.popleft().result()
    finally:
        for one in at_work:
            one.cancel()


@cache
def _pool(threads: int, shared_out: int) -> ThreadPoolExecutor:
    """Threads, in each of which torch shares out a layer to so many."""
    return ThreadPoolExecutor(threads, thread_name_prefix="piece", initializer=_begin, initargs=(shared_out,))


def _begin(shared_out: int) -> None:
    # A new thread would let oneDNN take every core until torch is asked or told: threads then spin, for each other.
    torch.set_num_threads(shared_out)
    _here.is_piece = True
