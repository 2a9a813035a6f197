"""Progress of a training run on standard error: moving bars on a terminal, plain lines everywhere else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tvsl_cli.annotate.tally import clock_text
from tvsl_cli.shared.terminal import console, say

if TYPE_CHECKING:
    from tvsl_core.training.features.cache_build import CacheProgress
    from tvsl_core.training.fit import Event

    Told = CacheProgress | Event

LINE_EVERY_S = 30.0
"""How often a line is written where bars cannot move."""


class Screen:
    """One bar for what is being done: a side of the cache, the steps, then calibration and scoring.

    Args:
        talk: False for all but one of several processes.
    """

    def __init__(self, *, talk: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}", markup=False),
            TimeRemainingColumn(),
            console=console(),
            transient=True,
            disable=not (talk and console().is_terminal),
        )
        self._task = self.progress.add_task("training", total=None, loss="")
        self._what = ""
        self._talk = talk
        self._began_s = self._told_s = time.monotonic()
        self._began_at = 0

    def hear(self, event: Told) -> None:
        """Take in one event."""
        from tvsl_core.training.features.cache_build import CacheProgress

        if isinstance(event, CacheProgress):
            self.advance(f"features of the {event.side}", event.done, event.scenes)
        elif event.kind == "step":
            self.advance("training", event.step, event.steps, f"loss {event.values['loss']:.4f}")
        elif event.kind == "validation" and event.values and self._talk:
            shown = ("loss", "heard", "exact", "placed")
            known = {name: f"{event.values[name]:.3f}" for name in shown if name in event.values}
            scores = ", ".join(f"{name} {known.get(name, '-')}" for name in shown)  # a place may be marked nowhere
            say(f"step {event.step} of {event.steps}: validation {scores}")

    def advance(self, what: str, done: int, total: int, loss: str = "") -> None:
        """So much is done of something."""
        if not self._talk:
            return
        now = time.monotonic()
        if what != self._what:
            self._what, self._began_s, self._told_s, self._began_at = what, now, now, done
        self.progress.update(self._task, description=what, completed=done, total=total, loss=loss)
        if not console().is_terminal and now - self._told_s > LINE_EVERY_S:
            self._told_s = now
            speed = (done - self._began_at) / max(now - self._began_s, 1e-9)
            left = clock_text((total - done) / speed if speed > 0 else None)
            say(f"{what}: {done} of {total}{', ' + loss if loss else ''}, {left} left")
