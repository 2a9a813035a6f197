"""The same numbers as ``metrics.jsonl`` for TensorBoard, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tvsl_core.errors import InputError
from tvsl_core.training.fit import LOG_STEPS, Event

FOLDER = "tensorboard"


def tensorboard_listener(run: Path) -> Callable[[Event], None]:
    """A listener that writes events into ``RUN/tensorboard``.

    Raises: InputError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InputError(
            "TensorBoard is not installed.", hint="Install it with: pip install 'tvsl[tensorboard]', or leave it out."
        ) from error
    writer = SummaryWriter(str(run / FOLDER))

    def hear(event: Event) -> None:
        if event.kind == "validation" or (event.kind == "step" and event.step % LOG_STEPS == 0):
            part = "validation" if event.kind == "validation" else "training"
            for name, value in event.values.items():
                writer.add_scalar(f"{part}/{name}", value, event.step)
            writer.flush()

    return hear
