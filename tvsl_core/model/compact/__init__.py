"""The embedded default: three small towers whose joint space is the labels they know, with their weights.

- ``efficientnet_lite``: a picture to ImageNet logits, per cell;
- ``yamnet``: sound to AudioSet scores, every 0.48 s;
- ``text``: names to vectors, to tie class names to both label lists;
- ``labels``, ``language``, ``evidence``: the two label lists, and which labels speak for a class name;
- ``class_evidence``: how strongly labels speak for classes;
- ``foreground``: which patches belong to any object;
- ``towers``: the three behind the one interface; ``load`` and ``store``: from and to ``compact.safetensors``;
- ``conversion``: makes that file.

Importing this package imports no torch; ``load_compact`` and ``CompactTowers`` are resolved when first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tvsl_core.model.compact.evidence import LabelWeights
    from tvsl_core.model.compact.load import embedded_heads, load_compact
    from tvsl_core.model.compact.towers import CompactTowers

__all__ = ["CompactTowers", "LabelWeights", "embedded_heads", "load_compact"]

_HOMES = {"LabelWeights": "evidence", "CompactTowers": "towers", "embedded_heads": "load", "load_compact": "load"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
