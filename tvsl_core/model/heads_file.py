"""Trained heads as one safetensors file: the tensors, and in the metadata everything that is needed to use them.

Tensors stand under the heads' own names with the prefix ``heads.``; ``text`` holds the unit vectors of the names that
were trained on. The metadata is one JSON object under the key ``tvsl``. Heads that were taught more have those that
they come from beside them, under the prefix ``earlier.``. A scorer that was fitted over the heads may stand there too,
with fields of its own (``tvsl_core.model.scorer``). The file does not hold the towers: it names them, with the sha256
of the weights that it was trained on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from tvsl_core.errors import WeightsError
from tvsl_core.model.facts import FORMAT, METADATA_KEY
from tvsl_core.model.heads import HeadOptions, TvslHeads
from tvsl_core.model.scorer import StoredScorer, stored_scorer
from tvsl_core.model.weights.safe_load import read_metadata, read_tensors
from tvsl_core.model.weights.strict import fit

VERSION = 1
PREFIX, EARLIER = "heads.", "earlier."
TEXT = "text"
FOR_TRAINING = ("fuse.", "image_class.", "sound_class.")
"""Parts of the heads that no use of them asks."""
_HINT = "Make such a file with 'tvsl models export RUN --out my.safetensors'."


class EarlierHeads(NamedTuple):
    """What heads knew before they were taught more."""

    heads: TvslHeads
    """As they were."""
    known: int
    """So many of the classes are theirs; they come first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadsInfo:
    """What a file says about its heads."""

    towers: str
    """Name of the towers that they were trained over: ``compact`` or ``audioclip``."""
    towers_sha256: str
    """Of those towers' weights; over others the heads mean nothing."""
    classes: tuple[str, ...]
    """Names that were trained on, in the order of ``text``."""
    text: Tensor
    """Unit vectors ``[klass dim]`` of ``classes``."""
    trained_on: str = ""
    """Which data."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Anything else that fits into JSON: options, steps, scores, terms of the data."""
    calibration: Mapping[str, Any] | None = None
    """How evidence becomes a score; None leaves it to the towers' own."""
    scorer: StoredScorer | None = None
    """What judges events, fitted over these heads by ``tvsl models calibrate``; None leaves it to the shipped one."""
    earlier: EarlierHeads | None = None
    """What goes on answering for the classes that were known before; None where all were learned together."""


def dump_heads(heads: TvslHeads, info: HeadsInfo, *, half: bool = False, lean: bool = False) -> bytes:
    """The file's content; the same heads and the same info give the same bytes.

    Args:
        heads: Trained.
        info: What the file says about them.
        half: Round matrices to half floats, for a file of half the size.
        lean: Leave out what only training needs; such heads cannot be trained further.
    """
    tensors = _tensors_of(heads, PREFIX, half=half, lean=lean)
    if info.earlier is not None:
        tensors |= _tensors_of(info.earlier.heads, EARLIER, half=half, lean=True)
    tensors[TEXT] = info.text.detach().cpu().float().contiguous()
    about = {
        "format": FORMAT,
        "version": VERSION,
        "options": heads.options.to_dict(),
        "lean": lean,
        "towers": info.towers,
        "towers_sha256": info.towers_sha256,
        "classes": list(info.classes),
        "trained_on": info.trained_on,
        "details": dict(info.details),
        "calibration": None if info.calibration is None else dict(info.calibration),
    }
    if info.earlier is not None:
        about["earlier"] = {"known": info.earlier.known, "options": info.earlier.heads.options.to_dict()}
    metadata = {METADATA_KEY: json.dumps(about, sort_keys=True, ensure_ascii=False)}
    if info.scorer is not None:
        tensors |= info.scorer.tensors
        metadata |= info.scorer.metadata
    return save(tensors, metadata=metadata)


def _tensors_of(heads: TvslHeads, prefix: str, *, half: bool, lean: bool) -> dict[str, Tensor]:
    return {
        prefix + name: (value.half() if half and value.ndim == 2 else value).detach().cpu().contiguous()
        for name, value in heads.state_dict().items()
        if not (lean and name.startswith(FOR_TRAINING))
    }


def is_heads_file(path: Path) -> bool:
    """Whether a file says of itself that it holds heads; False for anything else, also for what cannot be read."""
    try:
        about = json.loads(read_metadata(path)[METADATA_KEY])
    except (KeyError, ValueError):
        return False
    return isinstance(about, dict) and about.get("format") == FORMAT


def load_heads(path: Path) -> tuple[TvslHeads, HeadsInfo]:
    """Heads in eval mode, without gradients, on the CPU, and what the file says about them.

    Raises: WeightsError: The file is missing, damaged, of another kind or version, or its tensors do not fit.
    """
    return _assemble(read_tensors(path), read_metadata(path), str(path))


def parse_heads(content: bytes, *, source: str) -> tuple[TvslHeads, HeadsInfo]:
    """The same from a file's content, which another file may carry.

    Args:
        content: What ``dump_heads`` made.
        source: Where it came from, for errors.

    Raises: WeightsError: It is damaged, of another kind or version, or its tensors do not fit.
    """
    try:
        tensors = load(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    except (SafetensorError, ValueError) as error:
        raise WeightsError(f"the heads in {source} are damaged ({error}).", hint=_HINT) from error
    return _assemble(tensors, metadata, source)


def _assemble(tensors: dict[str, Tensor], metadata: Mapping[str, str], path: str) -> tuple[TvslHeads, HeadsInfo]:
    about = _read_about(metadata, path)
    scorer = stored_scorer(tensors, metadata)
    tensors = {name: tensor for name, tensor in tensors.items() if scorer is None or name not in scorer.tensors}
    of_earlier = {name: tensors.pop(name) for name in list(tensors) if name.startswith(EARLIER)}
    try:
        options = HeadOptions(**about["options"])
        classes = tuple(str(name) for name in about["classes"])
        info = HeadsInfo(
            towers=str(about["towers"]),
            towers_sha256=str(about["towers_sha256"]),
            classes=classes,
            text=fit(
                {TEXT: tensors.pop(TEXT, torch.zeros(0))},
                {TEXT: torch.empty(len(classes), options.dim, device="meta")},
                model="the names' vectors",
                source=path,
            )[TEXT],
            trained_on=str(about["trained_on"]),
            details=dict(about["details"]),
            calibration=about["calibration"],
            scorer=scorer,
            earlier=_restored_earlier(of_earlier, about.get("earlier"), path),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} does not say what its heads are ({error}).", hint=_HINT) from error
    return _restored(tensors, PREFIX, options, path, lean=bool(about.get("lean", False))), info


def _restored_earlier(tensors: Mapping[str, Tensor], about: Any, path: str) -> EarlierHeads | None:
    if about is None:
        return None
    heads = _restored(tensors, EARLIER, HeadOptions(**about["options"]), path, lean=True)
    return EarlierHeads(heads, int(about["known"]))


def _restored(tensors: Mapping[str, Tensor], prefix: str, options: HeadOptions, path: str, *, lean: bool) -> TvslHeads:
    """Heads in eval mode. Raises: WeightsError: Their tensors do not fit."""
    with torch.device("meta"):
        heads = TvslHeads(options)
    found = {name.removeprefix(prefix): value.float() for name, value in tensors.items()}
    if lean:
        missing = {name: value for name, value in heads.state_dict().items() if name.startswith(FOR_TRAINING)}
        found |= {name: torch.zeros(value.shape) for name, value in missing.items()}
    heads.load_state_dict(fit(found, heads.state_dict(), model="T-VSL heads", source=path), strict=True, assign=True)
    return heads.eval().requires_grad_(False)


def check_towers(info: HeadsInfo, *, towers: str, sha256: str, path: Path) -> None:
    """Refuse heads over towers that they were not trained on.

    Raises: WeightsError: Another kind of towers, or other weights.
    """
    if info.towers != towers:
        raise WeightsError(
            f"{path} holds heads for the {info.towers} towers, not for {towers}.", hint=f"Use --model {info.towers}."
        )
    if info.towers_sha256 != sha256:
        raise WeightsError(
            f"{path} was trained over other {towers} weights (sha256 {info.towers_sha256[:12]}, here {sha256[:12]}).",
            hint="Name those weights with --weights, or train again.",
        )


def _read_about(metadata: Mapping[str, str], path: str) -> dict[str, Any]:
    try:
        about = json.loads(metadata[METADATA_KEY])
        kind, version = about["format"], about["version"]
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} holds no heads of tvsl: its metadata is missing.", hint=_HINT) from error
    if kind != FORMAT or version != VERSION:
        raise WeightsError(
            f"{path} is {kind!r} version {version}; this tvsl reads {FORMAT!r} version {VERSION}.", hint=_HINT
        )
    return dict(about)
