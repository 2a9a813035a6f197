"""How many processor cores the process that we run in grants us: those that it may run on, or its share of a batch."""

from __future__ import annotations

import gc
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


def collect_seldom() -> None:
    """Look less often for values that only hold each other: for processes that make many, hardly any in a circle.

    While torch loads, looking takes a tenth of the time; among values of a hundred thousand videos it takes seconds.
    """
    gc.set_threshold(100_000, 50, 50)
