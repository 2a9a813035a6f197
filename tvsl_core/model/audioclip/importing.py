"""A user's own AudioCLIP weights become the ones that this machine uses."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from tvsl_core.errors import WeightsError
from tvsl_core.model.audioclip.network import empty_network
from tvsl_core.model.weights.hashing import hash_file
from tvsl_core.model.weights.safe_load import read_tensors
from tvsl_core.model.weights.store import store_imported
from tvsl_core.model.weights.strict import fit

StoredPrecision = Literal["fp32", "fp16"]


def import_weights(
    source: Path, *, name: str = "audioclip", cache: Path | None = None, precision: StoredPrecision = "fp32"
) -> Path:
    """Check a file strictly against AudioCLIP's layout and store it as safetensors.

    Args:
        source: ``.pt`` or ``.safetensors`` with the published tensor names.
        name: Of the registry entry that it stands in for.
        cache: Folder instead of the user's cache.
        precision: ``fp16`` halves the file; it is computed with in float32 all the same.

    Returns: The stored file, which is used from now on.

    Raises:
        WeightsError: The file is not safe, damaged, or not AudioCLIP; or a value does not fit into fp16.
        OutputError: The cache cannot be written.
    """
    if precision not in ("fp32", "fp16"):
        raise ValueError(f"precision must be 'fp32' or 'fp16', got {precision!r}")
    tensors = fit(read_tensors(source), empty_network().state_dict(), model="AudioCLIP", source=str(source))
    if precision == "fp16":
        tensors = {key: _halved(key, tensor) for key, tensor in tensors.items()}
    metadata = {
        "format": "tvsl-audioclip-1",
        "source": source.name,
        "source_sha256": hash_file(source),
        "precision": precision,
    }
    return store_imported(name, tensors, metadata=metadata, cache=cache)


def _halved(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point() or tensor.ndim == 0:
        return tensor
    if name.startswith("audio.fbsp."):
        return tensor  # fc counts bins up to 1024: fp16 would detune the filters
    half = tensor.half()
    if not bool(torch.isfinite(half).all()):
        raise WeightsError(f"{name} holds values beyond fp16.", hint="Import with --precision fp32.")
    return half
