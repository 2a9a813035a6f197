"""Features of what heads have learned from, so that heads that are taught more can be asked to answer as before.

A file holds no picture and no sound: a few hundred patches and sound positions as frozen towers see and hear them. No
class is written down either, since the heads' own answers are what must stay.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save
from torch import Tensor

from tvsl_core.errors import WeightsError
from tvsl_core.model.weights.safe_load import read_metadata, read_tensors

EMBEDDED_MEMORY = Path(__file__).parent / "compact" / "memory.safetensors"
"""Of the heads that ship with the compact towers."""
TOWERS = "towers_sha256"


class Memory(NamedTuple):
    """What is replayed."""

    image: Tensor
    """``[patch feature]``."""
    sound: Tensor
    """``[position feature]``."""


def dump_memory(memory: Memory, *, towers_sha256: str) -> bytes:
    """The file's content, in half floats.

    Args:
        memory: Features.
        towers_sha256: Of the towers' weights that made them; over others they mean nothing.
    """
    tensors = {name: value.half().cpu().contiguous() for name, value in memory._asdict().items()}
    return save(tensors, metadata={TOWERS: towers_sha256})


def load_memory(path: Path, *, towers_sha256: str) -> Memory | None:
    """Features for some towers; None when the file was made over others.

    Raises: WeightsError: The file is missing or damaged.
    """
    if read_metadata(path).get(TOWERS) != towers_sha256:
        return None
    tensors = read_tensors(path)
    if set(tensors) != set(Memory._fields) or not all(bool(torch.isfinite(one).all()) for one in tensors.values()):
        raise WeightsError(f"{path} holds no features of pictures and sounds.", hint="Reinstall tvsl.")
    return Memory(image=tensors["image"].float(), sound=tensors["sound"].float())
