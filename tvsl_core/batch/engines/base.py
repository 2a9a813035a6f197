"""What annotates the units of a run: in this process, in worker processes, or on other machines."""

from __future__ import annotations

from typing import Protocol

from tvsl_core.annotate.results.job import Job
from tvsl_core.batch.engines.task import ModelIdentity
from tvsl_core.batch.queue import JobQueue


class Engine(Protocol):
    """One way to annotate the units of a run.

    A run calls ``identify``, then ``begin``, ``start`` and ``work`` in this order when there is work, and ``close``
    whatever happens.
    """

    workers: int
    """Videos that it works on at the same time."""

    def identify(self) -> ModelIdentity | None:
        """What the model will say of itself, at once; None where only the loaded one can tell."""

    def begin(self, first: Job | None = None) -> None:
        """Set off whatever takes time before the first unit; returns at once.

        Args:
            first: The unit that the queue will most likely give first: it may be read ahead, and no more.
        """

    def start(self) -> ModelIdentity:
        """Wait until units can be worked on. Raises: WeightsError: The model cannot be loaded."""

    def work(self, jobs: JobQueue) -> None:
        """Take units from the queue and give each back, until it is over."""

    def close(self) -> None:
        """End everything, also units at work."""
