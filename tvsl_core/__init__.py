"""Text-guided visual sound source localization: what is sounding, and where in the picture.

    from tvsl_core import annotate_video, load_model

    model = load_model("compact")
    sources = annotate_video("clip.mp4", out="results", model=model)

The public names are resolved when they are first used, so that ``import tvsl_core`` costs nothing and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tvsl_core.annotate.options import AnnotateOptions
    from tvsl_core.batch.single import annotate_video
    from tvsl_core.errors import InputError, ManifestError, MediaError, OutputError, TvslError, WeightsError
    from tvsl_core.media.read.probe import probe
    from tvsl_core.model.load import load_model, load_towers
    from tvsl_core.model.registry import register_towers
    from tvsl_core.vocabulary.classes import Vocabulary, load_vocabulary

    __version__: str
    """The installed version."""

__all__ = [
    "AnnotateOptions",
    "InputError",
    "ManifestError",
    "MediaError",
    "OutputError",
    "TvslError",
    "Vocabulary",
    "WeightsError",
    "__version__",
    "annotate_video",
    "load_model",
    "load_towers",
    "load_vocabulary",
    "probe",
    "register_towers",
]

_HOMES = {
    "AnnotateOptions": "tvsl_core.annotate.options",
    "InputError": "tvsl_core.errors",
    "ManifestError": "tvsl_core.errors",
    "MediaError": "tvsl_core.errors",
    "OutputError": "tvsl_core.errors",
    "TvslError": "tvsl_core.errors",
    "Vocabulary": "tvsl_core.vocabulary.classes",
    "WeightsError": "tvsl_core.errors",
    "annotate_video": "tvsl_core.batch.single",
    "load_model": "tvsl_core.model.load",
    "load_towers": "tvsl_core.model.load",
    "load_vocabulary": "tvsl_core.vocabulary.classes",
    "probe": "tvsl_core.media.read.probe",
    "register_towers": "tvsl_core.model.registry",
}
"""Public name to the module that it lives in."""


def __getattr__(name: str) -> Any:
    """Resolve a public name on first use (PEP 562)."""
    if name == "__version__":
        value: Any = _version()
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, resolved or not."""
    return sorted(__all__)


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("tvsl")
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"
