"""What a running annotation tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Stage = Literal["annotate", "render"]
Status = Literal["done", "skipped", "failed", "pending"]
"""``pending``: planned, and not reached when the run stopped."""
FailureKind = Literal["input", "memory", "output", "unexpected", "stalled", "crashed", "killed", "lost"]
"""What ended a video. Of the file itself: ``input`` (it cannot be used), ``stalled`` (given up after too long) and
``crashed`` (it took its process with it). Of what is around it: ``memory``, ``output`` (a result cannot be written),
``killed`` and ``lost`` (its worker was ended from outside). ``unexpected`` is a mistake of ours.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoStarted:
    """A video's turn has come."""

    video: str
    duration_s: float
    """0 when its length is not known beforehand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoAdvanced:
    """So many seconds of a stage are behind us."""

    video: str
    stage: Stage
    done_s: float
    total_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoFinished:
    """What became of a video; one row of videos.parquet."""

    video: str
    """Path relative to the scanned root."""
    path: Path
    status: Status
    error: str = ""
    hint: str = ""
    stage: str = ""
    duration_s: float = 0.0
    frame_width: int = 0
    frame_height: int = 0
    frame_rate: float = 0.0
    size_bytes: int = 0
    mtime_s: float = 0.0
    elapsed_s: float = 0.0
    rows: int = 0
    sources: int = 0
    """Different source ids."""
    classes: tuple[str, ...] = ()
    """Their classes, the most frequent first."""
    events: int = 0
    """How often one of them sounded."""
    fingerprint: str = ""
    outputs: tuple[Path, ...] = ()
    """Every file that was written; the table comes first."""
    event_table: Path | None = None
    """Its table of events, where it has one."""
    warnings: tuple[str, ...] = ()
    failure: FailureKind | None = None
    """Of what failed in this run."""
    again: bool = False
    """Whether what failed lay outside the video (a full disk, too little memory), so that the next run tries again."""
    earlier: bool = False
    """Whether it failed in an earlier run, and was not tried again."""


Event = VideoStarted | VideoAdvanced | VideoFinished
EventHandler = Callable[[Event], None]
"""Called in the thread that annotates; must return quickly."""


def ignore(_event: Event) -> None:
    """Listen to nothing."""
