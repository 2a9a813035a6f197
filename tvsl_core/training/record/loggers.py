"""The same numbers as ``metrics.jsonl`` for the programs that follow runs, where they are installed.

A logger is told numbers, and that the run has ended; ``LOGGERS`` names those that there are. Nothing is sent anywhere
unless the program was told so: Weights & Biases and MLflow write into the run's folder, offline, unless their own
settings (``WANDB_MODE``, ``MLFLOW_TRACKING_URI``) say otherwise.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

from tvsl_core.errors import InputError
from tvsl_core.system.suggest import did_you_mean
from tvsl_core.training.fit import Event


class RunLogger(Protocol):
    """Follows one run."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Numbers of one step, by ``training/loss`` and the like."""
        ...

    def close(self) -> None:
        """The run has ended."""
        ...


class TensorBoardLogger:
    """Writes ``RUN/tensorboard``."""

    def __init__(self, run: Path, facts: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(run / "tensorboard"))

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Numbers of one step."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """The run has ended."""
        self._writer.close()


class WandbLogger:
    """Writes ``RUN/wandb``; ``wandb sync`` sends it, or ``WANDB_MODE=online`` does so while the run goes on."""

    def __init__(self, run: Path, facts: Mapping[str, Any]) -> None:
        import wandb

        mode: Literal["offline"] | None = None if "WANDB_MODE" in os.environ else "offline"
        self._run = wandb.init(project="tvsl", name=run.name, dir=str(run), config=dict(facts), mode=mode)

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Numbers of one step."""
        self._run.log(dict(values), step=step)

    def close(self) -> None:
        """The run has ended."""
        self._run.finish()


class MlflowLogger:
    """Writes ``RUN/mlflow.db``, or to the server that ``MLFLOW_TRACKING_URI`` names."""

    def __init__(self, run: Path, facts: Mapping[str, Any]) -> None:
        from mlflow.tracking import MlflowClient

        own = f"sqlite:///{(run / 'mlflow.db').absolute()}"
        self._client = MlflowClient(os.environ.get("MLFLOW_TRACKING_URI") or own)
        known = self._client.get_experiment_by_name("tvsl")
        experiment = known.experiment_id if known else self._client.create_experiment("tvsl")
        self._id = self._client.create_run(experiment, run_name=run.name).info.run_id
        for name, value in facts.items():
            self._client.log_param(self._id, name, value)

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Numbers of one step."""
        for name, value in values.items():
            self._client.log_metric(self._id, name, value, step=step)

    def close(self) -> None:
        """The run has ended."""
        self._client.set_terminated(self._id)


LOGGERS: Mapping[str, Callable[[Path, Mapping[str, Any]], RunLogger]] = {
    "tensorboard": TensorBoardLogger,
    "wandb": WandbLogger,
    "mlflow": MlflowLogger,
}
"""What follows a run, by name. Each comes with ``pip install 'tvsl[NAME]'``."""


@contextmanager
def logging_to(names: Sequence[str], run: Path, facts: Mapping[str, Any]) -> Iterator[Callable[[Event], None]]:
    """A listener that tells some loggers of steps and validations; they are closed when the block ends.

    Args:
        names: Of ``LOGGERS``.
        run: The run's folder.
        facts: What the run was asked, as plain values.

    Raises: InputError: One is not installed.
    """
    with ExitStack() as opened:
        loggers = [_open_logger(name, run, facts) for name in names]
        for one in loggers:
            opened.callback(one.close)

        def listen(event: Event) -> None:
            if event.kind in ("step", "validation"):
                part = "training" if event.kind == "step" else "validation"
                for one in loggers:
                    one.log({f"{part}/{name}": value for name, value in event.values.items()}, event.step)

        yield listen


def check_loggers(names: Sequence[str]) -> None:
    """Raises: ValueError: One is not known; the message names the nearest."""
    for name in names:
        if name not in LOGGERS:
            raise ValueError(f"there is no logger {name!r}. {did_you_mean(name, [*LOGGERS])}")


def _open_logger(name: str, run: Path, facts: Mapping[str, Any]) -> RunLogger:
    try:
        return LOGGERS[name](run, facts)
    except ImportError as error:
        raise InputError(
            f"the program of the logger {name} is not installed.",
            hint=f"Install it with: pip install 'tvsl[{name}]', or leave it out.",
        ) from error
