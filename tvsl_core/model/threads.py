"""Independent pieces of a network's work side by side, each on one thread.

On a CPU two pictures on a thread each are done sooner than one after the other on two threads: layers of small
pictures are too short to be shared out, and threads that wait for each other between layers keep cores busy that
decoding needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import torch

from tvsl_core.system.machine import cores

Item = TypeVar("Item")
Result = TypeVar("Result")


def share_by_pieces(towers: Any) -> None:
    """Let this process share out its cores piece by piece, where its towers work so; else torch shares out each layer.

    Args:
        towers: All that this process uses.
    """
    if getattr(towers, "has_pieces", False) and towers.device.type == "cpu":
        torch.set_num_threads(1)


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """What becomes of each item, in order; on as many threads as torch leaves cores.

    Args:
        work: Runs without gradients, and changes nothing but what it returns.
        items: Independent of each other.
    """
    threads = min(len(items), max(1, cores() // torch.get_num_threads()))
    if threads == 1:
        return [work(item) for item in items]

    @torch.inference_mode()
    def piece(item: Item) -> Result:
        return work(item)

    return list(_pool(cores()).map(piece, items))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="piece")
