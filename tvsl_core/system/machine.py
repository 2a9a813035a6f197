"""What the process that we run in grants us: how many processor cores, and who ends the programs that we start.

By default a process uses the cores that it may run on, and an encoder runs in a session of its own, so that Ctrl-C
reaches tvsl alone. A worker process of a batch gets a share of the cores, and leads a group in which its encoders
stay, so that ending the group ends them all.
"""

from __future__ import annotations

from dataclasses import dataclass

from tvsl_core.system import platforms


@dataclass(slots=True)
class _Grant:
    cores: int = 0
    leads_group: bool = False


_grant = _Grant()


def cores() -> int:
    """Processor cores that this process should keep busy; at least 1."""
    return _grant.cores or platforms.usable_cores()


def take_share(count: int) -> None:
    """Keep so many cores busy from now on, at least 1."""
    _grant.cores = max(1, count)


def lead_group() -> None:
    """Begin a process group that the children of this process will stay in; whoever ends the group ends them too."""
    _grant.leads_group = platforms.lead_group()


def children_need_a_session() -> bool:
    """Whether a child must get a session of its own to be safe from Ctrl-C on the terminal."""
    return not _grant.leads_group
