"""What the process that we run in grants us: how many processor cores, and who ends the programs that we start.

By default a process uses the cores that it may run on, and an encoder runs in a session of its own, so that Ctrl-C
reaches tvsl alone. A worker process of a batch gets a share of the cores, and leads a group in which its encoders
stay, so that ending the group ends them all.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class _Grant:
    cores: int = 0
    leads_group: bool = False


_grant = _Grant()


def cores() -> int:
    """Processor cores that this process should keep busy; at least 1."""
    return _grant.cores or usable_cores()


def usable_cores() -> int:
    """Processor cores that this process may run on, whatever its share is; at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def take_share(count: int) -> None:
    """Keep so many cores busy from now on, at least 1."""
    _grant.cores = max(1, count)


def lead_group() -> None:
    """Begin a process group that the children of this process will stay in; whoever ends the group ends them too."""
    if hasattr(os, "setsid"):
        os.setsid()
        _grant.leads_group = True


def children_need_a_session() -> bool:
    """Whether a child must get a session of its own to be safe from Ctrl-C on the terminal."""
    return not _grant.leads_group


def available_memory() -> int:
    """Bytes of memory that are free for us, by the system's own estimate; a lot where it does not say."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 1 << 40
