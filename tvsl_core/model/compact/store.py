"""How tensors lie in ``compact.safetensors``: half floats, or rows of int8 with a scale each.

``image.``, ``sound.`` and ``text.`` prefix the parameters of the three networks under their module names. A tensor
``NAME`` of type int8 comes with ``NAME.scale``, one number per row (first axis): value = int8 * scale.
``text.vocabulary`` is the word-piece list, one a line, as UTF-8 bytes; ``labels.vectors`` the text tower's unit vectors
of all names of all labels, AudioSet first. The metadata is one JSON object under the key ``tvsl``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tvsl_core.errors import WeightsError
from tvsl_core.model.facts import METADATA_KEY

FORMAT = "tvsl-compact"
VERSION = 1
SCALE = ".scale"
VOCABULARY = "text.vocabulary"
LABEL_VECTORS = "labels.vectors"
REBUILD = "Reinstall tvsl, or rebuild the file with 'tvsl models build compact --from DIR'."


def pack_rows(name: str, values: Tensor) -> dict[str, Tensor]:
    """A tensor as rows of int8 in [-127, 127] with one half-float scale each; the largest error is half a scale."""
    rows = values.double().flatten(1)
    largest = rows.abs().amax(dim=1)
    scale = (largest / 127).half()
    # Rounding the scale down would push the largest value beyond 127.
    scale = torch.where(scale.double() * 127.49 < largest, torch.nextafter(scale, torch.full_like(scale, 6e4)), scale)
    scale = scale.clamp(min=6e-8)
    steps = torch.round(rows / scale.double()[:, None]).clamp(-127, 127)
    return {name: steps.to(torch.int8).reshape(values.shape).contiguous(), name + SCALE: scale}


def pack_half(name: str, values: Tensor) -> dict[str, Tensor]:
    """A tensor as half floats.

    Raises: WeightsError: A value is not finite, or too large for a half float.
    """
    half = values.half().contiguous()
    if not bool(torch.isfinite(half).all()):
        raise WeightsError(f"tensor {name} has a value that no half float can hold.", hint="Check the source package.")
    return {name: half}


def unpack(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The float32 parameters of one network, without their prefix; ``scale`` companions are used up."""
    found: dict[str, Tensor] = {}
    for name, values in tensors.items():
        if not name.startswith(prefix) or name.endswith(SCALE):
            continue
        if values.dtype == torch.int8:
            scale = tensors[name + SCALE].float()
            parameter = values.float() * scale.reshape(-1, *[1] * (values.ndim - 1))
        else:
            parameter = values.float() if values.is_floating_point() else values
        found[name.removeprefix(prefix)] = parameter
    return found


def dump_metadata(details: Mapping[str, Any], *, kind: str = FORMAT) -> dict[str, str]:
    """Metadata for a safetensors header, the same text for the same details."""
    text = json.dumps({"format": kind, "version": VERSION, **details}, sort_keys=True, ensure_ascii=False)
    return {METADATA_KEY: text}


def read_metadata(header: Mapping[str, str] | None, *, kind: str = FORMAT) -> dict[str, Any]:
    """The details of a header.

    Args:
        header: Of a safetensors file.
        kind: The format that it must be.

    Raises: WeightsError: The header is missing, not ours, or of another version of the format.
    """
    try:
        details = json.loads((header or {})[METADATA_KEY])
        found, version = details["format"], details["version"]
    except (KeyError, TypeError, ValueError) as error:
        what = f"not a {kind.removeprefix('tvsl-')} model of tvsl"
        raise WeightsError(f"these weights are {what}: its metadata is missing.", hint=REBUILD) from error
    if found != kind or version != VERSION:
        raise WeightsError(
            f"these weights are {found!r} version {version}, this tvsl reads {kind!r} version {VERSION}.", hint=REBUILD
        )
    return dict(details)
