"""From the material that heads were trained on to the features that keep them from forgetting it."""

from __future__ import annotations

from pathlib import Path

from tvsl_core.api.score import HELD_OUT
from tvsl_core.data.scenes.mixtures import Mixtures
from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.model.load import load_towers
from tvsl_core.model.memory import Memory, dump_memory
from tvsl_core.model.towers import require_trainable
from tvsl_core.system.files import write_bytes
from tvsl_core.training.features.live import LiveFeatures, sample_features
from tvsl_core.tuning.scenes import split_material
from tvsl_core.types import AnyPath

SCENES = 400


def remember(
    material: AnyPath, out: AnyPath, *, model: str = "compact", scenes: int = SCENES, device: str = "auto"
) -> Memory:
    """Write features of scenes that heads were trained on, which ``tvsl train --init`` replays.

    Args:
        material: A MATERIAL folder; its sources of ``HELD_OUT`` are left out.
        out: The file.
        model: The towers.
        scenes: How many scenes it is taken from.
        device: ``auto``, ``cpu`` or ``cuda:N``.

    Raises:
        InputError: The material cannot be used.
        OutputError: The file cannot be written.
    """
    towers = require_trainable(load_towers(model, device=device))
    learned_from, _ = split_material(Path(material), HELD_OUT)
    memory = sample_features(LiveFeatures(Mixtures(learned_from, MixtureOptions(), seed=11, length=scenes), towers))
    write_bytes(Path(out), dump_memory(memory, towers_sha256=towers.weights_sha256))
    return memory
