"""How many processor cores the process that we run in grants us: those that it may run on, or its share of a batch."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import dataclass

from tvsl_core.system import platforms


@dataclass(slots=True)
class _Grant:
    cores: int = 0


_grant = _Grant()


def cores() -> int:
    """Processor cores that this process should keep busy; at least 1."""
    return _grant.cores or platforms.usable_cores()


def take_share(count: int) -> None:
    """Keep so many cores busy from now on, at least 1."""
    _grant.cores = max(1, count)


@contextlib.contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look less often, in the block, for values that only hold each other: it makes many, hardly any in a circle.

    While torch loads, looking takes a tenth of the time; among values of a hundred thousand videos it takes seconds.
    """
    usual = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
