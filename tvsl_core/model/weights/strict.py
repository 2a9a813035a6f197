"""Tensors that must fit a network exactly: every name, every shape, every number finite."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tvsl_core.errors import WeightsError

SHOWN = 3
"""Names that an error message lists before it counts the rest."""


def as_tensors(values: Mapping[str, Any]) -> dict[str, Tensor]:
    """Numpy arrays or tensors by name, as tensors of their own memory.

    Raises: WeightsError: A value is neither.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in values.items():
        if isinstance(value, Tensor):
            tensors[name] = value.detach().clone()
        elif isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "fiu":
            tensors[name] = torch.from_numpy(np.array(value))
        else:
            raise WeightsError(
                f"Weight {name!r} is a {type(value).__name__}, not a numpy array of numbers or a tensor.",
                hint="Hand in arrays or tensors by their published names.",
            )
    return tensors


def fit(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], *, model: str, source: str) -> dict[str, Tensor]:
    """Check tensors against a network's own and bring them to its types.

    Args:
        found: What was read.
        expected: ``state_dict()`` of the network; may be on the meta device.
        model: Name for messages.
        source: File or origin for messages.

    Returns: The same tensors, floats in the type that is expected.

    Raises: WeightsError: A tensor is missing, unknown, of another shape or type, not finite, or a negative variance.
    """
    missing = sorted(expected.keys() - found.keys())
    unknown = sorted(found.keys() - expected.keys())
    if missing or unknown:
        parts = [f"{len(missing)} tensors are missing ({_some(missing)})"] if missing else []
        parts += [f"{len(unknown)} are unknown ({_some(unknown)})"] if unknown else []
        raise WeightsError(
            f"{source} does not hold the weights of {model}: {' and '.join(parts)}.",
            hint="It may belong to another model; nothing was loaded.",
        )
    wrong = [
        f"{name} is {list(found[name].shape)} instead of {list(wanted.shape)}"
        for name, wanted in expected.items()
        if found[name].shape != wanted.shape
    ]
    if wrong:
        raise WeightsError(
            f"{source} does not fit {model}: {_some(wrong)}.", hint="It may be another size; nothing was loaded."
        )
    return {name: _fit_one(found[name], wanted, f"{source}: {name}") for name, wanted in expected.items()}


def _fit_one(tensor: Tensor, wanted: Tensor, what: str) -> Tensor:
    if tensor.is_floating_point() != wanted.is_floating_point() or tensor.is_complex():
        raise WeightsError(
            f"{what} is {tensor.dtype} instead of {wanted.dtype}.", hint="Nothing was loaded; get the file again."
        )
    tensor = tensor.to(wanted.dtype)
    if not bool(torch.isfinite(tensor).all()):
        raise WeightsError(
            f"{what} holds NaN or infinity.", hint="Training diverged or the file is damaged; nothing was loaded."
        )
    if what.endswith("running_var") and bool((tensor < 0).any()):
        raise WeightsError(f"{what} holds a negative variance.", hint="The file is damaged; nothing was loaded.")
    return tensor


def hash_tensors(tensors: Mapping[str, Tensor]) -> str:
    """sha256 over names, types, shapes and bytes in order of name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _some(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")
