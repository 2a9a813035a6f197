"""Loads the compact towers from the file in the package, another file, or a table of tensors; strictly."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact.efficientnet_lite import EfficientNetLite0
from tvsl_core.model.compact.labels import Label, audioset_labels, imagenet_labels, parse_audioset, parse_imagenet
from tvsl_core.model.compact.language import look_space, sound_space
from tvsl_core.model.compact.store import (
    LABEL_VECTORS,
    REBUILD,
    SCALE,
    VOCABULARY,
    read_metadata,
    unpack,
)
from tvsl_core.model.compact.text import VOCABULARY as PIECES
from tvsl_core.model.compact.text import WIDTH, TextTower
from tvsl_core.model.compact.towers import CompactTowers, Networks
from tvsl_core.model.compact.yamnet import Yamnet
from tvsl_core.model.evidence import LabelEvidence
from tvsl_core.model.facts import HEADS, TOWERS_SHA256, WEIGHTS_FILE
from tvsl_core.model.heads import TvslHeads
from tvsl_core.model.heads_file import HeadsInfo, parse_heads
from tvsl_core.model.weights.hashing import hash_file
from tvsl_core.vocabulary.classes import load_vocabulary

Network = TypeVar("Network", bound=nn.Module)


def load_compact(
    *,
    weights: Path | Mapping[str, Any] | None = None,
    device: torch.device | str = "cpu",
    precision: Literal["fp32", "bf16"] = "fp32",
    evidence: Mapping[str, LabelEvidence] | None = None,
) -> CompactTowers:
    """The compact towers, ready to use.

    Args:
        weights: A file in the form of ``compact.safetensors``, or its tensors as torch or numpy arrays; None is the
            file in the package.
        device: Where they run.
        precision: ``bf16`` runs the picture and sound networks in bfloat16; the text tower and all scores stay float32.
        evidence: Curated labels behind class names, None for those of the default vocabulary; names without are
            derived through the text tower.

    Raises:
        WeightsError: The file is missing or damaged, a tensor is missing, unknown, of another shape or type, or not
            finite.
        ValueError: The evidence names an unknown label, or the precision is unknown.
    """
    if precision not in ("fp32", "bf16"):
        raise ValueError(f"precision must be fp32 or bf16, got {precision!r}")
    if isinstance(weights, Mapping):
        tensors, digest = _as_tensors(weights), ""
        tensors.pop(HEADS, None)
        sounds, looks = audioset_labels(), imagenet_labels()
    else:
        tensors, sounds, looks, digest = read_weights(weights or WEIGHTS_FILE)
    vectors = _label_vectors(tensors, sounds, looks)
    pieces = _pieces(tensors)
    text = TextTower(pieces)
    image, sound = EfficientNetLite0(), Yamnet()
    _check_names(tensors, {"image.": image, "sound.": sound, "text.": text})
    split = sum(len(label.names) for label in sounds)
    return CompactTowers(
        networks=Networks(
            image=_fill(image, tensors, "image."),
            sound=_fill(sound, tensors, "sound."),
            text=lambda: _fill(text, tensors, "text."),
        ),
        sounds=sound_space(sounds, vectors[:split]),
        looks=look_space(looks, vectors[split:]),
        device=torch.device(device),
        precision=precision,
        evidence=load_vocabulary(None).evidence() if evidence is None else evidence,
        weights_sha256=digest or digest_tensors(tensors),
    )


def read_weights(path: Path) -> tuple[dict[str, Tensor], tuple[Label, ...], tuple[Label, ...], str]:
    """The towers' tensors, the sound labels, the look labels and the sha256 of a weights file (without heads in it).

    Raises: WeightsError: The file is missing, damaged, or not of this model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            details = read_metadata(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        heads = tensors.pop(HEADS, None)
        # Heads are trained over towers; the towers keep their identity when heads are put beside them.
        digest = hash_file(path) if heads is None else str(details.get(TOWERS_SHA256, ""))
    except OSError as error:
        raise WeightsError(f"cannot read the weights {path} ({error.strerror or error}).", hint=REBUILD) from error
    except SafetensorError as error:
        raise WeightsError(f"the weights {path} are damaged ({error}).", hint=REBUILD) from error
    try:
        sounds = tuple(parse_audioset(line) for line in details["labels_audioset"])
        looks = tuple(parse_imagenet(line) for line in details["labels_imagenet"])
    except (KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"the weights {path} do not say which labels they know.", hint=REBUILD) from error
    return tensors, sounds, looks, digest


def embedded_heads(path: Path | None = None) -> tuple[tuple[TvslHeads, HeadsInfo] | None, str]:
    """The trained heads that a weights file carries, None without any; and the sha256 of the whole file.

    Args:
        path: In the form of ``compact.safetensors``; None is the file in the package.

    Raises: WeightsError: The file is missing or damaged.
    """
    path = path or WEIGHTS_FILE
    try:
        sha256 = hash_file(path)
        with safe_open(path, framework="pt") as file:
            content = file.get_tensor(HEADS) if HEADS in file.keys() else None  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"cannot read the weights {path} ({error}).", hint=REBUILD) from error
    if content is None:
        return None, sha256
    return parse_heads(content.to(torch.uint8).numpy().tobytes(), source=str(path)), sha256


def digest_tensors(tensors: Mapping[str, Tensor]) -> str:
    """A sha256 of names and contents, for weights that did not come from a file."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _as_tensors(weights: Mapping[str, Any]) -> dict[str, Tensor]:
    found = {}
    for name, value in weights.items():
        if not isinstance(value, Tensor | np.ndarray):
            raise WeightsError(f"tensor {name} is a {type(value).__name__}, not an array.", hint=REBUILD)
        found[name] = value if isinstance(value, Tensor) else torch.from_numpy(value)
    return found


def _label_vectors(tensors: dict[str, Tensor], sounds: tuple[Label, ...], looks: tuple[Label, ...]) -> Tensor:
    """The names' vectors, checked against the labels."""
    names = sum(len(label.names) for labels in (sounds, looks) for label in labels)
    vectors = _take(tensors, LABEL_VECTORS, (names, WIDTH)).float()
    if not bool(torch.isfinite(vectors).all()):
        raise WeightsError(f"tensor {LABEL_VECTORS} has values that are not finite.", hint=REBUILD)
    return vectors


def _pieces(tensors: dict[str, Tensor]) -> list[str]:
    """The text tower's word pieces, checked for their number."""
    data = _take(tensors, VOCABULARY, None)
    try:
        pieces = bytes(data.to(torch.uint8).numpy()).decode("utf-8").splitlines()
    except (UnicodeDecodeError, RuntimeError) as error:
        raise WeightsError(f"tensor {VOCABULARY} is no list of words.", hint=REBUILD) from error
    if len(pieces) != PIECES:
        raise WeightsError(f"tensor {VOCABULARY} holds {len(pieces)} words, not {PIECES}.", hint=REBUILD)
    return pieces


def _take(tensors: Mapping[str, Tensor], name: str, shape: tuple[int, ...] | None) -> Tensor:
    if name not in tensors:
        raise WeightsError(f"the weights lack tensor {name}.", hint=REBUILD)
    if shape is not None and tuple(tensors[name].shape) != shape:
        raise WeightsError(f"tensor {name} has shape {tuple(tensors[name].shape)}, not {shape}.", hint=REBUILD)
    return tensors[name]


def _check_names(tensors: Mapping[str, Tensor], networks: Mapping[str, nn.Module]) -> None:
    """Every parameter once, with its scale if it is int8, and nothing else."""
    expected = {LABEL_VECTORS, VOCABULARY}
    for prefix, network in networks.items():
        for name, parameter in network.state_dict().items():
            full = f"{prefix}{name}"
            value = _take(tensors, full, tuple(parameter.shape))
            expected.add(full)
            numbers = value
            if value.dtype == torch.int8:
                numbers = _take(tensors, full + SCALE, (parameter.shape[0],))
                expected.add(full + SCALE)
            elif not value.is_floating_point():
                raise WeightsError(f"tensor {full} has type {value.dtype}, not float or int8.", hint=REBUILD)
            if not bool(torch.isfinite(numbers).all()):
                raise WeightsError(f"tensor {full} has values that are not finite.", hint=REBUILD)
    unknown = sorted(set(tensors) - expected)
    if unknown:
        raise WeightsError(f"the weights hold an unknown tensor {unknown[0]}.", hint=REBUILD)


def _fill(network: Network, tensors: Mapping[str, Tensor], prefix: str) -> Network:
    parameters = unpack({name: value for name, value in tensors.items() if name != VOCABULARY}, prefix)
    network.load_state_dict(parameters, strict=True, assign=True)
    network.requires_grad_(False).eval()
    return network
