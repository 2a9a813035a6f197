"""What a supervisor of workers must know, wherever they run: how one gets on, when to give up, when all is lost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tvsl_core.annotate.options import TimeLimits
from tvsl_core.annotate.progress import Event, FailureKind, VideoAdvanced, VideoFinished, VideoStarted
from tvsl_core.annotate.results.job import Job
from tvsl_core.batch.engines.task import VideoFailure, failed

TICK_S = 0.5
"""How often a supervisor looks at the clock when nothing happens: short beside any limit that a user would set."""
_WHILE = {
    "probe": "while it was opened",
    "annotate": "while it was annotated",
    "render": "while its heatmap videos were written",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """Why a worker did not finish its video; the sentence lacks its subject's end: where the video was then."""

    kind: FailureKind
    what: str
    hint: str


@dataclass(slots=True)
class Watch:
    """The video that one worker has in hand, and how it gets on."""

    job: Job | None = None
    stage: str = "probe"
    duration_s: float = 0.0
    began: float = field(default_factory=time.monotonic)
    stage_began: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)
    """When it last showed progress."""

    def assign(self, job: Job) -> None:
        """A worker has been given a video."""
        self.job, self.stage, self.duration_s = job, "probe", 0.0
        self.began = self.stage_began = self.last = time.monotonic()

    def release(self) -> Job | None:
        """The worker has its hands free; what was in them."""
        job, self.job = self.job, None
        return job

    def on_event(self, event: Event) -> None:
        """It is alive and gets on."""
        self.last = time.monotonic()
        if isinstance(event, VideoFinished):
            return
        stage = event.stage if isinstance(event, VideoAdvanced) else "annotate"
        self.duration_s = event.duration_s if isinstance(event, VideoStarted) else event.total_s
        if stage != self.stage:
            self.stage, self.stage_began = stage, self.last

    def overdue(self, limits: TimeLimits) -> Cause | None:
        """Why its video is to be given up; None while it is not.

        The time of a stage grows with the length of the video, on top of what any video may stand still.
        """
        if self.job is None:
            return None
        now = time.monotonic()
        most = limits.stall_s + limits.factor * self.duration_s
        hint = "If the video is good, give --timeout a larger value, and --retry-failed."
        if limits.stall_s and now - self.last > limits.stall_s:
            what = f"it was given up after {limits.stall_s:g} s without any progress"
            return Cause(kind="stalled", what=what, hint=hint)
        if limits.factor and self.duration_s and now - self.stage_began > most:
            return Cause(kind="stalled", what=f"it was given up after {most:.0f} s", hint=hint)
        return None

    def row(self, cause: Cause) -> VideoFinished | None:
        """The failed row of the video that it did not finish, if it had one."""
        message = f"{cause.what} {_WHILE[self.stage]}."
        return self.failed(VideoFailure(kind=cause.kind, message=message, hint=cause.hint, stage=self.stage))

    def failed(self, failure: VideoFailure) -> VideoFinished | None:
        """The failed row of the video that it has in hand, if it has one."""
        if self.job is None:
            return None
        return failed(self.job, failure, stage=self.stage, elapsed_s=time.monotonic() - self.began)


@dataclass(slots=True)
class DeathCount:
    """Workers that died in a row before one was of any use; too many, and starting more is hopeless."""

    most: int
    found: int = 0

    def add(self) -> bool:
        """One more died. Returns: Whether that is too many."""
        self.found += 1
        return self.found >= self.most

    def reset(self) -> None:
        """One was of use."""
        self.found = 0
