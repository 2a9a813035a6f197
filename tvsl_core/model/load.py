"""Getting a model ready: by name, from a file, on a device, at a precision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from tvsl_core.errors import InputError, WeightsError
from tvsl_core.model.calibration import Calibration
from tvsl_core.model.compact import embedded_heads
from tvsl_core.model.heads import TvslHeads
from tvsl_core.model.heads_file import HeadsInfo, check_towers, is_heads_file, load_heads
from tvsl_core.model.learned import LearnedTowers
from tvsl_core.model.towers import Towers
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.model.weights.cache import hash_file
from tvsl_core.vocabulary.classes import Vocabulary, load_vocabulary

Precision = Literal["auto", "fp32", "bf16"]
UNTRAINED = "compact-untrained"
"""The compact towers without the heads that ship with them: what the published networks know by themselves."""
MODELS = ("compact", UNTRAINED, "audioclip")
UPGRADE = "Use the version of tvsl that made them, or export them again."


def pick_device(device: str = "auto") -> torch.device:
    """``auto`` is the first GPU if there is one, else the CPU; ``cpu``, ``cuda`` and ``cuda:N`` are themselves.

    Raises: InputError: The name is unknown, or that GPU is not there.
    """
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"unknown device {device!r}.", hint="Use auto, cpu or cuda:N.") from error
    if chosen.type not in ("cpu", "cuda"):
        raise InputError(f"device {device!r} is not supported.", hint="Use auto, cpu or cuda:N.")
    if chosen.type == "cuda" and not (torch.cuda.is_available() and (chosen.index or 0) < torch.cuda.device_count()):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        raise InputError(
            f"device {device!r} is not available: this machine shows {count} CUDA devices.", hint="Use --device cpu."
        )
    return chosen


def load_towers(
    name: str = "compact",
    *,
    weights: Path | str | Mapping[str, Any] | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    vocabulary: Vocabulary | None = None,
) -> Towers:
    """Towers by name: ``compact`` (embedded, needs nothing) or ``audioclip`` (published weights).

    Args:
        name: Which towers.
        weights: Another weights file, or the tensors themselves under their published names (loaded strictly).
        device: ``auto``, ``cpu`` or ``cuda:N``.
        precision: ``auto`` is full precision, whose results are the reference; ``bf16`` is faster.
        vocabulary: Curated evidence for class names, for towers that can use it.

    Raises:
        WeightsError: The weights are missing, damaged or of another model.
        InputError: The device is not there.
    """
    towers = _load_bare(name, weights=weights, device=device, precision=precision)
    towers.curate((vocabulary or load_vocabulary(None)).evidence())
    return towers


def _load_bare(
    name: str, *, weights: Path | str | Mapping[str, Any] | None, device: str, precision: Precision
) -> Towers:
    """Towers that nobody has told anything about class names yet; a model tells them of its own vocabulary."""
    chosen = pick_device(device)
    fixed: Literal["fp32", "bf16"] = "bf16" if precision == "bf16" else "fp32"
    source = Path(weights) if isinstance(weights, str) else weights
    if name == "compact":
        from tvsl_core.model.compact import load_compact

        return load_compact(weights=source, device=chosen, precision=fixed)
    if name == "audioclip":
        from tvsl_core.model.audioclip import load_audioclip

        return load_audioclip(weights=source, device=chosen, precision=fixed)
    raise WeightsError(f"unknown towers {name!r}.", hint="Known towers: compact, audioclip.")


def load_model(
    name: str = "compact",
    *,
    weights: Path | str | Mapping[str, Any] | None = None,
    device: str = "auto",
    precision: Precision = "auto",
    vocabulary: Vocabulary | None = None,
) -> TvslModel:
    """Everything that annotation needs: towers, T-VSL heads, calibration and a vocabulary.

    Args:
        name: ``compact``, ``compact-untrained``, ``audioclip``, or the path of a ``.safetensors`` file: heads that
            ``tvsl train`` made and ``tvsl models export`` wrote, or weights in the compact form.
        weights: Another weights file for the named towers.
        device: ``auto``, ``cpu`` or ``cuda:N``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        vocabulary: The classes to look for; None is the default vocabulary.

    Raises:
        WeightsError: The weights are missing, damaged or of another model.
        InputError: The device is not there.

    Example:
        >>> from tvsl_core import load_model
        >>> load_model("compact").name
        'compact'
    """
    heads = None
    if name == UNTRAINED:
        towers = _load_bare("compact", weights=weights, device=device, precision=precision)
        return _assemble(towers, None, towers.weights_sha256, vocabulary or load_vocabulary(None))
    if name not in MODELS:
        path = Path(name)
        if not path.suffix or not path.is_file():
            raise WeightsError(
                f"no model {name!r}.",
                hint=f"Known models: {', '.join(MODELS)}; or give the path of a .safetensors file.",
            )
        if is_heads_file(path):
            heads = load_heads(path)
            name = heads[1].towers
        else:
            name, weights = "compact", path
    towers = _load_bare(name, weights=weights, device=device, precision=precision)
    sha256 = towers.weights_sha256
    if heads is not None:
        check_towers(heads[1], towers=name, sha256=towers.weights_sha256, path=path)
        sha256 = hash_file(path)
    elif name == "compact" and not isinstance(weights, Mapping):
        heads, sha256 = embedded_heads(None if weights is None else Path(weights))
    return _assemble(towers, heads, sha256, vocabulary or load_vocabulary(None))


def _assemble(
    towers: Towers, heads: tuple[TvslHeads, HeadsInfo] | None, sha256: str, vocabulary: Vocabulary
) -> TvslModel:
    if heads is None:
        calibration = _read_calibration(towers.name)
        return TvslModel(towers=towers, vocabulary=vocabulary, calibration=calibration, sha256=sha256)
    info = heads[1]
    try:
        calibration = Calibration(**info.calibration) if info.calibration else _read_calibration(towers.name)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"the heads' settings are not those of this tvsl ({error}).", hint=UPGRADE) from error
    return TvslModel(
        towers=LearnedTowers(towers, *heads, weights_sha256=sha256),
        vocabulary=vocabulary,
        calibration=calibration,
        untrained=_read_calibration(towers.name),
        sha256=sha256,
    )


def _read_calibration(name: str) -> Calibration:
    text = (Path(__file__).parent / name / "calibration.json").read_text(encoding="utf-8")
    return Calibration(**json.loads(text))
