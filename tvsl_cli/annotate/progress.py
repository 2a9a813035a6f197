"""Progress on standard error: moving bars on a terminal, plain lines everywhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from tvsl_cli.annotate.heard import heard
from tvsl_cli.annotate.summary import speed_text
from tvsl_cli.annotate.tally import Tally, clock_text
from tvsl_cli.shared.terminal import console, say, sentence, visible
from tvsl_core.annotate.progress import Event, EventHandler, VideoAdvanced, VideoFinished, VideoStarted

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY_S = 30.0
"""A video that takes long says so this often where bars cannot move."""
NAME_WIDTH = 40


@contextmanager
def watching(tally: Tally) -> Iterator[EventHandler]:
    """Show a batch while the block runs, in the way that standard error allows.

    Args:
        tally: Adds up the events; told by the listener that this gives.
    """
    if not console().is_terminal:
        yield Lines(tally).hear
        return
    bars = Bars(tally)
    with bars.progress:
        yield bars.hear


class Lines:
    """One line when a video starts, one when it ends, and one now and then for a long one."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self._last_s = tally.clock()
        self._lock = Lock()

    def hear(self, event: Event) -> None:
        """Take in one event."""
        with self._lock:
            self.tally.hear(event)
            if isinstance(event, VideoFinished):
                say(self._finished(event))
            elif isinstance(event, VideoStarted):
                length = f" ({clock_text(event.duration_s)})" if event.duration_s else ""
                say(f"Annotating {event.video}{length}")
            elif self.tally.clock() - self._last_s < LINE_EVERY_S:
                return
            else:
                say(self._advanced(event))
            self._last_s = self.tally.clock()

    def _advanced(self, event: VideoAdvanced) -> str:
        share, speed = self.tally.share_of(event.video), self.tally.speed_of(event.video)
        left = clock_text(self.tally.left_of(event.video))
        return f"Annotating {event.video}: {share:.0%}, {speed:.1f}x real time, {left} left"

    def _finished(self, event: VideoFinished) -> str:
        head = f"[{len(self.tally.finished)}/{self.tally.videos}] {event.video}: {event.status}"
        if event.status == "failed":
            return f"{head}{' before, and not tried again' if event.earlier else ''}: {sentence(event.error)}"
        parts = [f"{event.sources} {'source' if event.sources == 1 else 'sources'}"]
        parts += heard(event)
        parts += (
            [f"{event.elapsed_s:.1f} s", speed_text(self.tally.annotated_s.get(event.video, 0.0), event.elapsed_s)]
            if event.status == "done"
            else []
        )
        warnings = "".join(f" (warning: {warning})" for warning in event.warnings)
        return f"{head}: {'; '.join(part for part in parts if part)}{warnings}"


class Bars:
    """One bar for the batch and one for each video that is being annotated."""

    def __init__(self, tally: Tally) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self.tally = tally
        self.progress: Progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %", markup=False),
            TextColumn("{task.fields[speed]}", markup=False),
            TextColumn("{task.fields[left]}", markup=False),
            console=console(),
            redirect_stdout=False,
            redirect_stderr=False,
            transient=True,
        )
        self._all = self._add("loading the model", total=float(tally.videos))
        self._tasks: dict[str, TaskID] = {}
        self._lock = Lock()

    def hear(self, event: Event) -> None:
        """Take in one event."""
        with self._lock:
            self.tally.hear(event)
            if isinstance(event, VideoFinished):
                if event.video in self._tasks:
                    self.progress.remove_task(self._tasks.pop(event.video))
                self._tell(event)
            else:
                self._show(event.video)
            self.progress.update(
                self._all, description=f"all {self.tally.videos} videos", visible=self.tally.videos > 1
            )
            self._update(self._all, self.tally.done, self.tally.speed, self.tally.left_s)

    def _show(self, video: str) -> None:
        if video not in self._tasks:
            name = visible(video)
            self._tasks[video] = self._add(name if len(name) <= NAME_WIDTH else "…" + name[1 - NAME_WIDTH :], total=1.0)
        tally = self.tally
        self._update(self._tasks[video], tally.share_of(video), tally.speed_of(video), tally.left_of(video))

    def _add(self, description: str, *, total: float) -> TaskID:
        return self.progress.add_task(description, total=total, speed="", left="")

    def _update(self, task: TaskID, done: float, speed: float, left_s: float | None) -> None:
        self.progress.update(
            task, completed=done, speed=f"{speed:.1f}x" if speed else "", left=f"{clock_text(left_s)} left"
        )

    def _tell(self, event: VideoFinished) -> None:
        if event.status == "failed":
            say(f"{event.video}: {sentence(event.error)}", style="red")
        for warning in event.warnings:
            say(f"{event.video}: {sentence(warning)}", style="yellow")
