"""Progress in numbers: how far, how fast (times real time) and how long it still takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tvsl_core.annotate.progress import Event, Stage, VideoAdvanced, VideoFinished, VideoStarted


@dataclass(slots=True)
class Running:
    """A video that is being annotated."""

    duration_s: float
    began_s: float
    done: dict[Stage, float] = field(default_factory=dict)
    """Share of each stage that is behind us, in [0, 1]."""


class Tally:
    """Adds up the events of a batch.

    Args:
        videos: How many videos the batch has.
        stages: How many stages each goes through: 1 for tables only, 2 with heatmap videos.
        clock: Seconds that only go forward.
    """

    def __init__(self, *, videos: int, stages: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.videos = videos
        self.stages = stages
        self.clock = clock
        self.began_s = clock()
        """When the first event came: loading the model is not work on a video."""
        self._begun = False
        self.running: dict[str, Running] = {}
        self.finished: list[VideoFinished] = []
        self.annotated_s: dict[str, float] = {}
        """Seconds that were annotated of each video that is done: its length, or the part that was asked for."""
        self._skipped = 0

    def hear(self, event: Event) -> None:
        """Take in one event."""
        if not self._begun:
            self._begun, self.began_s = True, self.clock()
        if isinstance(event, VideoStarted):
            self.running[event.video] = Running(duration_s=event.duration_s, began_s=self.clock())
        elif isinstance(event, VideoAdvanced):
            running = self.running.setdefault(event.video, Running(duration_s=event.total_s, began_s=self.clock()))
            running.duration_s = event.total_s or running.duration_s
            share = event.done_s / event.total_s if event.total_s > 0 else 0.0
            running.done[event.stage] = max(running.done.get(event.stage, 0.0), min(share, 1.0))
        else:
            began = self.running.get(event.video)
            if began:
                del self.running[event.video]
            self.finished.append(event)
            if event.status == "skipped":
                self._skipped += 1
            elif event.status == "done":
                self.annotated_s[event.video] = began.duration_s if began else event.duration_s

    def share_of(self, video: str) -> float:
        """How much of a running video is done, in [0, 1]."""
        return min(1.0, sum(self.running[video].done.values()) / self.stages)

    def speed_of(self, video: str) -> float:
        """Seconds of this video per second of work; 0 while nothing is known."""
        running = self.running[video]
        elapsed = self.clock() - running.began_s
        return self.share_of(video) * running.duration_s / elapsed if elapsed > 0 else 0.0

    def left_of(self, video: str) -> float | None:
        """Seconds until this video is done; None while nothing is known."""
        return _left(self.share_of(video), self.clock() - self.running[video].began_s)

    @property
    def done(self) -> float:
        """Videos behind us, running ones by their share."""
        return len(self.finished) + sum(self.share_of(video) for video in self.running)

    @property
    def speed(self) -> float:
        """Seconds of video per second since the first event; 0 while nothing is known."""
        elapsed = self.clock() - self.began_s
        running_s = sum(self.share_of(video) * running.duration_s for video, running in self.running.items())
        return (sum(self.annotated_s.values()) + running_s) / elapsed if elapsed > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until the batch is done, if the rest is like the part behind us; None while nothing is known."""
        work = self.videos - self._skipped
        return _left((self.done - self._skipped) / work, self.clock() - self.began_s) if work > 0 else 0.0


def _left(share: float, elapsed_s: float) -> float | None:
    return elapsed_s * (1 - share) / share if share > 0 else None


def clock_text(seconds: float | None) -> str:
    """A duration as people read it: ``0:07``, ``1:02:03``; ``-:--`` when it is not known.

    Example:
        >>> clock_text(62.4)
        '1:02'
    """
    if seconds is None:
        return "-:--"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
