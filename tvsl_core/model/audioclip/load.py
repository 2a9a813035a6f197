"""From a weights file, or tensors by name, to towers that are ready."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from tvsl_core.model.audioclip.fold import optimise
from tvsl_core.model.audioclip.image import Reading
from tvsl_core.model.audioclip.network import AudioClipNetwork, empty_network
from tvsl_core.model.audioclip.sizes import PUBLISHED, AudioClipSizes
from tvsl_core.model.audioclip.towers import AudioClipTowers, SoundScale
from tvsl_core.model.weights.safe_load import read_tensors
from tvsl_core.model.weights.strict import as_tensors, fit, hash_tensors

Precision = Literal["fp32", "bf16"]
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def load_audioclip(
    *,
    weights: Path | str | Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
    precision: Precision = "fp32",
    reading: Reading = "value",
    sound_scale: SoundScale = "int16",
    compiled: bool = False,
    sizes: AudioClipSizes = PUBLISHED,
) -> AudioClipTowers:
    """Towers for inference.

    Args:
        weights: A ``.pt`` or ``.safetensors`` file, numpy arrays or tensors under the published names, or None for
            what ``tvsl models download audioclip`` or ``import`` put into the cache.
        device: Where they run.
        precision: ``bf16`` runs the bottlenecks in bfloat16; cosine to ``fp32`` stays above 0.999.
        reading: How a cell of the image grid becomes a patch embedding.
        sound_scale: ``int16`` multiplies samples by 32768, as AudioCLIP's own pipeline does; ``unit`` does not.
        compiled: Also compile both convolutional towers with ``torch.compile``; needs a C++ compiler at run time, and
            the first call of each shape takes minutes.
        sizes: Of another AudioCLIP than the published one.

    Raises:
        WeightsError: The weights are missing, damaged, unsafe or of another model; nothing is loaded in part.
        ValueError: An unknown precision, reading or scale.
    """
    if precision not in TYPES:
        raise ValueError(f"precision must be 'fp32' or 'bf16', got {precision!r}")
    network, sha256 = load_network(weights, sizes)
    optimise(network.to(device), TYPES[precision])
    if compiled:
        network.visual.features = torch.compile(network.visual.features)  # type: ignore[method-assign]
        network.audio.features = torch.compile(network.audio.features)  # type: ignore[method-assign]
    return AudioClipTowers(
        network, reading=reading, sound_scale=sound_scale, weights_sha256=sha256, precision=precision
    )


def load_network(
    weights: Path | str | Mapping[str, Any] | None = None, sizes: AudioClipSizes = PUBLISHED
) -> tuple[AudioClipNetwork, str]:
    """The plain network as published, in float32 and eval mode on the CPU, and the sha256 of its weights.

    Raises: WeightsError: See ``load_audioclip``.
    """
    if weights is None:
        from tvsl_core.model.weights.store import find_weights

        weights = find_weights("audioclip")
    network = empty_network(sizes)
    if isinstance(weights, Mapping):
        found, source = as_tensors(weights), "The dict of weights"
    else:
        found, source = read_tensors(Path(weights)), str(weights)
    tensors = fit(found, network.state_dict(), model="AudioCLIP", source=source)
    if isinstance(weights, Mapping):
        sha256 = hash_tensors(tensors)
    else:
        from tvsl_core.model.weights.hashing import hash_file

        sha256 = hash_file(Path(weights))
    network.load_state_dict(tensors, strict=True, assign=True)
    return network.eval().requires_grad_(False), sha256
