"""What a weights file says of its model, read from its head alone: no network, and no torch, is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from tvsl_core.model.weights.hashing import hash_file
from tvsl_core.types import AnyPath

FORMAT = "tvsl-heads"
METADATA_KEY = "tvsl"
"""The only key of the metadata, because the order of several is not reproducible."""
HEADS = "heads"
"""In a file of towers: trained heads, if any, as the bytes of a heads file (``tvsl_core.model.heads_file``)."""
TOWERS_SHA256 = "towers_sha256"
"""Metadata of a file with heads: the sha256 that the file has without them."""
SCORER_KEY = "kind"
"""Metadata of a file that holds a scorer: its kind."""
EMBEDDED = "compact"
"""The towers whose heads ship with them."""
UNTRAINED = "compact-untrained"
"""The compact towers without the heads that ship with them: what the published networks know by themselves."""
WEIGHTS_FILE, SCORER_FILE = (Path(__file__).parent / EMBEDDED / f"{name}.safetensors" for name in (EMBEDDED, "scorer"))
"""The weights in the package, and the scorer that was fitted for them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """What can be known of a model that is not loaded; equal to what the loaded one says."""

    towers: str
    """Name of its towers."""
    classes: tuple[str, ...]
    """What its heads were trained on; none without heads."""
    sha256: str
    """Of its weights."""
    scorer_sha256: str


def trained_names(model: AnyPath) -> tuple[str, ...]:
    """The classes that the heads of a model were trained on; none without heads.

    Args:
        model: As ``load_model`` takes it, a name or the path of a file. What cannot be used has no classes here;
            ``load_model`` says why.
    """
    try:
        about = _about(_metadata(WEIGHTS_FILE if str(model) == EMBEDDED else Path(model))[1])
        return tuple(map(str, about["classes"])) if about["format"] == FORMAT else ()
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return ()


def read_facts(model: AnyPath) -> ModelFacts | None:
    """The facts of a model; None where only loading it shows them: towers that are not in a file, or a damaged file.

    Args:
        model: As ``load_model`` takes it, a name or the path of a file.
    """
    name = str(model)
    path = WEIGHTS_FILE if name in (EMBEDDED, UNTRAINED) else Path(name)
    if not path.suffix or not path.is_file():
        return None
    try:
        own, heads = _metadata(path)
        about, whole, scorer = _about(heads), hash_file(path), hash_file(SCORER_FILE)
        is_trained = about["format"] == FORMAT
        if name == UNTRAINED:
            without = str(_about(own)[TOWERS_SHA256]) if is_trained else whole
            return ModelFacts(towers=EMBEDDED, classes=(), sha256=without, scorer_sha256=scorer)
        return ModelFacts(
            towers=str(about["towers"]) if own is heads and is_trained else EMBEDDED,
            classes=tuple(map(str, about["classes"])) if is_trained else (),
            sha256=whole,
            scorer_sha256=whole if is_trained and SCORER_KEY in heads else scorer,
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return None


def _metadata(path: Path) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The metadata of a weights file, and of the heads that it holds; its own twice when it is all heads, or none."""
    with safe_open(path, framework="numpy") as file:
        own = file.metadata() or {}
        if HEADS not in file.keys():  # noqa: SIM118 - not a mapping
            return own, own
        content = file.get_tensor(HEADS).tobytes()
    return own, json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {})


def _about(metadata: Mapping[str, str]) -> dict[str, Any]:
    return dict(json.loads(metadata[METADATA_KEY]))
