"""Getting a model ready: by name, from a file, on a device, at a precision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from tvsl_core.errors import InputError, WeightsError
from tvsl_core.model.calibration import Calibration
from tvsl_core.model.compact import embedded_heads
from tvsl_core.model.facts import SCORER_FILE, UNTRAINED
from tvsl_core.model.heads import TvslHeads
from tvsl_core.model.heads_file import HeadsInfo, check_towers, is_heads_file, load_heads
from tvsl_core.model.learned import LearnedHeads
from tvsl_core.model.registry import find_loader, towers_names
from tvsl_core.model.scorer import FoundScorer, load_scorer, restore_scorer
from tvsl_core.model.towers import Towers, require_trainable
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.model.weights.hashing import hash_file
from tvsl_core.system.suggest import closest
from tvsl_core.types import AnyPath
from tvsl_core.vocabulary.classes import Vocabulary, load_vocabulary

Precision = Literal["auto", "fp32", "bf16"]
Weights = Path | str | Mapping[str, Any] | None
"""A file, tensors under their published names, or None for the model's own."""
UPGRADE = "Use the version of tvsl that made them, or export them again."


def pick_device(device: str = "auto") -> torch.device:
    """``auto`` is the first CUDA GPU if there is one, else the CPU; all others are themselves.

    ``mps``, the GPU of a Mac, is never chosen by itself: nobody has tested it.

    Raises: InputError: The name is unknown, or that GPU is not there.
    """
    if device == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"unknown device {device!r}.", hint="Use auto, cpu, cuda:N or mps.") from error
    if chosen.type not in ("cpu", "cuda", "mps"):
        raise InputError(f"device {device!r} is not supported.", hint="Use auto, cpu, cuda:N or mps.")
    if chosen.type == "mps" and not torch.backends.mps.is_available():
        raise InputError("device 'mps' is not available: torch reports no GPU of Apple.", hint="Use --device cpu.")
    if chosen.type == "cuda" and not (torch.cuda.is_available() and (chosen.index or 0) < torch.cuda.device_count()):
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        raise InputError(
            f"device {device!r} is not available: this machine shows {count} CUDA devices.", hint="Use --device cpu."
        )
    return chosen


def load_towers(
    name: str = "compact",
    *,
    weights: Weights = None,
    device: str = "auto",
    precision: Precision = "auto",
) -> Towers:
    """Towers by name: ``compact`` (embedded, needs nothing), ``audioclip`` (published weights), or anybody's.

    Args:
        name: Which towers; see ``tvsl_core.model.registry`` for how others become known.
        weights: Another weights file, or the tensors themselves under their published names (loaded strictly).
        device: ``auto``, ``cpu`` or ``cuda:N``.
        precision: ``auto`` is fp32, whose results are the reference; ``bf16`` is faster.

    Raises:
        WeightsError: There are no such towers, or the weights are missing, damaged or of another model.
        InputError: The device is not there.
    """
    chosen = pick_device(device)
    source = Path(weights) if isinstance(weights, str) else weights
    if isinstance(source, Path) and is_heads_file(source):
        raise WeightsError(
            f"{source} holds trained heads, not the weights of towers.",
            hint="Give the file in the place of the model's name; it knows its towers.",
        )
    loader = find_loader(name)
    picked: Literal["fp32", "bf16"] = "bf16" if precision == "bf16" else "fp32"
    if chosen.type == "cuda" and picked == "fp32":
        # Full precision is the reference: ten bits of mantissa, as cuDNN takes them by default, moved looks by 0.05.
        torch.backends.cudnn.allow_tf32 = False
    return loader(weights=source, device=chosen, precision=picked)


def load_model(
    name: AnyPath = "compact",
    *,
    weights: Weights = None,
    device: str = "auto",
    precision: Precision = "auto",
    vocabulary: Vocabulary | None = None,
) -> TvslModel:
    """Everything that annotation needs: towers, T-VSL heads, calibration and a vocabulary.

    Args:
        name: ``compact``, ``compact-untrained``, ``audioclip`` or other towers that are known, or the path of a
            ``.safetensors`` file: heads that ``tvsl train`` made and ``tvsl models export`` wrote, or weights in the
            compact form.
        weights: For the named towers: another weights file, or a file of heads that were trained over them.
        device: ``auto``, ``cpu`` or ``cuda:N``.
        precision: As of ``load_towers``.
        vocabulary: The classes to look for; None is the default vocabulary with the classes that the heads were
            trained on.

    Raises:
        WeightsError: There is no such model, or the weights are missing, damaged or of another model.
        InputError: The device is not there, or heads are given for towers that have no features.

    Example:
        >>> from tvsl_core import load_model
        >>> load_model("compact").name
        'compact'
    """
    name = str(name)
    if name == UNTRAINED:
        towers = load_towers("compact", weights=weights, device=device, precision=precision)
        return _assemble(towers, None, towers.weights_sha256, vocabulary)
    path = model_file(name)
    if path is not None:
        # A file of heads names its towers; any other is taken for weights in the compact form.
        name, weights = (load_heads(path)[1].towers if is_heads_file(path) else "compact"), path
    given = Path(weights) if isinstance(weights, str) else weights
    file = given if isinstance(given, Path) else None
    if file is not None and is_heads_file(file):
        heads = load_heads(file)
        towers = load_towers(name, device=device, precision=precision)
        check_towers(heads[1], towers=name, sha256=towers.weights_sha256, path=file)
        return _assemble(towers, heads, hash_file(file), vocabulary)
    towers = load_towers(name, weights=given, device=device, precision=precision)
    if name == "compact" and not isinstance(given, Mapping):
        return _assemble(towers, *embedded_heads(file), vocabulary, embedded=file is None)
    return _assemble(towers, None, towers.weights_sha256, vocabulary)


def model_file(name: AnyPath) -> Path | None:
    """The file of a model; None when it is known by name.

    Raises: WeightsError: There is neither; the nearest name is named.
    """
    name, path = str(name), Path(name)
    if name == UNTRAINED or name in towers_names():
        return None
    if path.suffix and path.is_file():
        return path
    known = (*towers_names(), UNTRAINED)
    near = closest(name, known)
    raise WeightsError(
        f"no model {name!r}{f'; the nearest name is {near!r}' if near else ''}.",
        hint=f"Known models: {', '.join(known)}; or give the path of a .safetensors file.",
    )


def find_scorer(info: HeadsInfo | None, sha256: str, *, embedded: bool) -> FoundScorer:
    """The scorer that was fitted over some heads and lies in their file, or else the one in the package.

    Args:
        info: What the file of heads holds beside them; None without heads.
        sha256: Of that file.
        embedded: Whether the model is the one in the package, for which its scorer was fitted.

    Raises: WeightsError: It cannot be used.
    """
    if info is not None and info.scorer is not None:
        scorer, _ = restore_scorer(*info.scorer, where="the file of heads")
        return FoundScorer(scorer=scorer, sha256=sha256, fitted=True)
    scorer, _ = load_scorer(SCORER_FILE)
    return FoundScorer(scorer=scorer, sha256=hash_file(SCORER_FILE), fitted=embedded)


def _assemble(
    towers: Towers,
    heads: tuple[TvslHeads, HeadsInfo] | None,
    sha256: str,
    vocabulary: Vocabulary | None,
    *,
    embedded: bool = False,
) -> TvslModel:
    scorer = find_scorer(heads[1] if heads is not None else None, sha256, embedded=embedded)
    if heads is None:
        names = vocabulary or load_vocabulary(None)
        return TvslModel(towers=towers, vocabulary=names, calibration=towers.calibration, scorer=scorer, sha256=sha256)
    info = heads[1]
    try:
        calibration = Calibration(**info.calibration) if info.calibration else towers.calibration
        learned = LearnedHeads(require_trainable(towers), *heads)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"the heads' settings are not those of this tvsl ({error}).", hint=UPGRADE) from error
    return TvslModel(
        towers=towers,
        learned=learned,
        vocabulary=vocabulary or learned.vocabulary,
        calibration=calibration,
        untrained=towers.calibration,
        scorer=scorer,
        sha256=sha256,
    )
