"""Everything that a run needs to go on as if it had never stopped, in one file that is whole or absent.

A checkpoint holds the weights, their running average and the optimiser's memory as safetensors, and counts as text.
There is no state of a random number generator: everything that is drawn follows from the seed and the step.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from tvsl_core.errors import TrainingError, WeightsError
from tvsl_core.model.heads import TvslHeads
from tvsl_core.model.weights.safe_load import read_metadata, read_tensors
from tvsl_core.system.files import PARTIAL_PATTERN, write_bytes

FOLDER = "checkpoints"
PATTERN = "step-*.safetensors"
METADATA_KEY = "tvsl"


@dataclass(kw_only=True, slots=True)
class Counts:
    """How far a run is."""

    step: int = 0
    """Steps that are behind it."""
    best: float = float("inf")
    """Least validation loss."""
    best_step: int = 0
    looks_without_gain: int = 0
    """Looks at the validation split since the best one."""


@dataclass(kw_only=True, slots=True)
class State:
    """What changes while a run goes on."""

    heads: TvslHeads
    average: TvslHeads
    """Running average of the weights; what is validated and kept."""
    optimizer: torch.optim.Optimizer
    counts: Counts

    def tensors(self) -> dict[str, Tensor]:
        """All numbers of the state, by name."""
        found = {f"heads.{name}": value for name, value in self.heads.state_dict().items()}
        found |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for number, memory in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer.{number}.{name}": value for name, value in memory.items()}
        return found

    def restore(self, tensors: Mapping[str, Tensor], counts: Counts) -> None:
        """Become the state of a checkpoint."""
        self.heads.load_state_dict(_under(tensors, "heads."))
        self.average.load_state_dict(_under(tensors, "average."))
        memory: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(tensors, "optimizer.").items():
            number, key = name.split(".", 1)
            memory.setdefault(int(number), {})[key] = value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": memory, "param_groups": groups})
        self.counts = counts


def save_checkpoint(run: Path, state: State, *, settings: str, keep: int) -> Path:
    """Write the state, then remove all but the newest ``keep`` checkpoints.

    Args:
        run: The run's folder.
        state: To be saved.
        settings: Fingerprint of what must not change between this run and its continuation.
        keep: How many checkpoints stay.

    Raises: OutputError: It cannot be written, as on a full disk; earlier checkpoints are still there.
    """
    folder = run / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    about = {"counts": asdict(state.counts), "settings": settings}
    content = save(
        {name: value.detach().cpu().contiguous() for name, value in state.tensors().items()},
        metadata={METADATA_KEY: json.dumps(about, sort_keys=True)},
    )
    path = folder / f"step-{state.counts.step:08d}.safetensors"
    write_bytes(path, content)
    for old in [*checkpoints(run)[:-keep], *folder.glob(PARTIAL_PATTERN)]:
        with contextlib.suppress(OSError):
            old.unlink()
    return path


def checkpoints(run: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted((run / FOLDER).glob(PATTERN))


def newest_settings(run: Path) -> str | None:
    """Fingerprint of the settings of a run that can be continued; None when there is nothing to continue."""
    for path in reversed(checkpoints(run)):
        try:
            return str(json.loads(read_metadata(path)[METADATA_KEY])["settings"])
        except (WeightsError, KeyError, ValueError):
            continue
    return None


def resume(run: Path, state: State, *, settings: str) -> Path | None:
    """Bring a state to where the newest whole checkpoint of a run was.

    Returns: That checkpoint; None when there is none, and the state is as it was.

    Raises: TrainingError: It belongs to a run with other settings.
    """
    for path in reversed(checkpoints(run)):
        try:
            tensors = read_tensors(path)
            about: dict[str, Any] = json.loads(read_metadata(path)[METADATA_KEY])
        except (WeightsError, KeyError, ValueError):
            continue
        if about["settings"] != settings:
            raise TrainingError(
                f"{path} belongs to a run with other settings or other data.",
                hint="Continue with the same ones, or begin a new run from its weights: --init "
                f"{run / 'heads.safetensors'} --out NEW.",
            )
        state.restore(tensors, Counts(**about["counts"]))
        return path
    return None


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
