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
    from tvsl_core.api.calibrate import CalibrateRequest, calibrate
    from tvsl_core.api.embed import EmbedRequest, EmbedResult, embed
    from tvsl_core.api.evaluate import EvaluateResult, evaluate
    from tvsl_core.api.evaluate_request import EvaluateRequest
    from tvsl_core.api.events import read_events
    from tvsl_core.api.localize import FoundSource, localize
    from tvsl_core.api.reproduce import PaperRequest, SeedRun, train_seeds
    from tvsl_core.api.score import ScoreRequest, score
    from tvsl_core.api.train import TrainingPlan, plan_training, train
    from tvsl_core.api.train_request import TrainRequest
    from tvsl_core.batch.batch import BatchReport, annotate_videos
    from tvsl_core.batch.merge import MergeReport, MergeRequest, merge
    from tvsl_core.batch.single import annotate_video
    from tvsl_core.data.scenes.options import MixtureOptions
    from tvsl_core.errors import (
        InputError,
        ManifestError,
        MediaError,
        OutputError,
        TrainingError,
        TvslError,
        WeightsError,
    )
    from tvsl_core.exports.clips import ClipOptions, cut_clips
    from tvsl_core.exports.export import export_results
    from tvsl_core.exports.results import Selection
    from tvsl_core.imports.run import LabelledVideo, import_labels
    from tvsl_core.limits import MediaLimits
    from tvsl_core.media.read.probe import probe
    from tvsl_core.model.load import load_model, load_towers
    from tvsl_core.model.registry import register_towers
    from tvsl_core.search.embeddings import EmbedOptions
    from tvsl_core.search.find import FindRequest, FoundMoment, MomentsFound, find_moments
    from tvsl_core.training.options import LossWeights, TrainOptions
    from tvsl_core.training.run import ExportRequest, Trained, export_heads
    from tvsl_core.training.sources import SourceOptions
    from tvsl_core.vocabulary.classes import Vocabulary, load_vocabulary

    __version__: str
    """The installed version."""

__all__ = [
    "AnnotateOptions",
    "BatchReport",
    "CalibrateRequest",
    "ClipOptions",
    "EmbedOptions",
    "EmbedRequest",
    "EmbedResult",
    "EvaluateRequest",
    "EvaluateResult",
    "ExportRequest",
    "FindRequest",
    "FoundMoment",
    "FoundSource",
    "InputError",
    "LabelledVideo",
    "LossWeights",
    "ManifestError",
    "MediaError",
    "MediaLimits",
    "MergeReport",
    "MergeRequest",
    "MixtureOptions",
    "MomentsFound",
    "OutputError",
    "PaperRequest",
    "ScoreRequest",
    "SeedRun",
    "Selection",
    "SourceOptions",
    "TrainOptions",
    "TrainRequest",
    "Trained",
    "TrainingError",
    "TrainingPlan",
    "TvslError",
    "Vocabulary",
    "WeightsError",
    "__version__",
    "annotate_video",
    "annotate_videos",
    "calibrate",
    "cut_clips",
    "embed",
    "evaluate",
    "export_heads",
    "export_results",
    "find_moments",
    "import_labels",
    "load_model",
    "load_towers",
    "load_vocabulary",
    "localize",
    "merge",
    "plan_training",
    "probe",
    "read_events",
    "register_towers",
    "score",
    "train",
    "train_seeds",
]

_HOMES = {
    "AnnotateOptions": "tvsl_core.annotate.options",
    "BatchReport": "tvsl_core.batch.batch",
    "CalibrateRequest": "tvsl_core.api.calibrate",
    "ClipOptions": "tvsl_core.exports.clips",
    "EmbedOptions": "tvsl_core.search.embeddings",
    "EmbedRequest": "tvsl_core.api.embed",
    "EmbedResult": "tvsl_core.api.embed",
    "EvaluateRequest": "tvsl_core.api.evaluate_request",
    "EvaluateResult": "tvsl_core.api.evaluate",
    "ExportRequest": "tvsl_core.training.run",
    "FindRequest": "tvsl_core.search.find",
    "FoundSource": "tvsl_core.api.localize",
    "InputError": "tvsl_core.errors",
    "LabelledVideo": "tvsl_core.imports.run",
    "LossWeights": "tvsl_core.training.options",
    "ManifestError": "tvsl_core.errors",
    "MediaError": "tvsl_core.errors",
    "MediaLimits": "tvsl_core.limits",
    "MergeReport": "tvsl_core.batch.merge",
    "MergeRequest": "tvsl_core.batch.merge",
    "MixtureOptions": "tvsl_core.data.scenes.options",
    "FoundMoment": "tvsl_core.search.find",
    "MomentsFound": "tvsl_core.search.find",
    "OutputError": "tvsl_core.errors",
    "PaperRequest": "tvsl_core.api.reproduce",
    "ScoreRequest": "tvsl_core.api.score",
    "SeedRun": "tvsl_core.api.reproduce",
    "Selection": "tvsl_core.exports.results",
    "SourceOptions": "tvsl_core.training.sources",
    "TrainOptions": "tvsl_core.training.options",
    "TrainRequest": "tvsl_core.api.train_request",
    "Trained": "tvsl_core.training.run",
    "TrainingError": "tvsl_core.errors",
    "TrainingPlan": "tvsl_core.api.train",
    "TvslError": "tvsl_core.errors",
    "Vocabulary": "tvsl_core.vocabulary.classes",
    "WeightsError": "tvsl_core.errors",
    "annotate_video": "tvsl_core.batch.single",
    "annotate_videos": "tvsl_core.batch.batch",
    "calibrate": "tvsl_core.api.calibrate",
    "cut_clips": "tvsl_core.exports.clips",
    "embed": "tvsl_core.api.embed",
    "evaluate": "tvsl_core.api.evaluate",
    "export_heads": "tvsl_core.training.run",
    "export_results": "tvsl_core.exports.export",
    "find_moments": "tvsl_core.search.find",
    "import_labels": "tvsl_core.imports.run",
    "load_model": "tvsl_core.model.load",
    "load_towers": "tvsl_core.model.load",
    "load_vocabulary": "tvsl_core.vocabulary.classes",
    "localize": "tvsl_core.api.localize",
    "merge": "tvsl_core.batch.merge",
    "plan_training": "tvsl_core.api.train",
    "probe": "tvsl_core.media.read.probe",
    "read_events": "tvsl_core.api.events",
    "register_towers": "tvsl_core.model.registry",
    "score": "tvsl_core.api.score",
    "train": "tvsl_core.api.train",
    "train_seeds": "tvsl_core.api.reproduce",
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
