"""Which classes a weights file was trained on, read from its head alone: no network, and no torch, is loaded."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from tvsl_core.types import AnyPath

FORMAT = "tvsl-heads"
METADATA_KEY = "tvsl"
"""The only key of the metadata, because the order of several is not reproducible."""
HEADS = "heads"
"""In a file of towers: trained heads, if any, as the bytes of a heads file (``tvsl_core.model.heads_file``)."""
EMBEDDED = "compact"
"""The towers whose heads ship with them."""


def trained_names(model: AnyPath) -> tuple[str, ...]:
    """The classes that the heads of a model were trained on; none without heads.

    Args:
        model: As ``load_model`` takes it, a name or the path of a file. What cannot be used has no classes here;
            ``load_model`` says why.
    """
    path = Path(__file__).parent / EMBEDDED / f"{EMBEDDED}.safetensors" if str(model) == EMBEDDED else Path(model)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if HEADS in file.keys():  # noqa: SIM118 - not a mapping
                content = file.get_tensor(HEADS).tobytes()
                metadata = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {})
        about = json.loads(metadata[METADATA_KEY])
        return tuple(map(str, about["classes"])) if about["format"] == FORMAT else ()
    except (OSError, SafetensorError, KeyError, TypeError, ValueError):
        return ()
