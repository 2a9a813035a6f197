"""Let a model answer for the samples of a benchmark."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tvsl_cli.evaluate.request import EvaluateRequest
    from tvsl_core.data.benchmarks.clips import ClipLoader
    from tvsl_core.data.benchmarks.sample import Benchmark, Sample
    from tvsl_core.data.predictions.prediction import Prediction
    from tvsl_core.evaluation.run import Predictor


SAMPLE_VIDEOS = Path("sample_videos")
"""What composed benchmarks are made of, when --media does not say where it lies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What is scored: a predictor, and the ids that it has something for when that is known."""

    predict: Predictor
    ids: frozenset[str] | None = None
    frame: Callable[[Any], Any] = lambda _sample: None


def model_answers(request: EvaluateRequest, benchmark: Benchmark) -> Answers:
    """Answers of the model that was asked for, on the benchmark's media.

    Raises: TvslError: The media or the model's weights cannot be found.
    """
    from tvsl_core.data.predictions.read import save_maps
    from tvsl_core.tuning.predict import load_predictor

    load_clip = _loader(request, benchmark)
    answer = load_predictor(request.model, device=request.device, classes=benchmark.classes)

    def predict(sample: Sample) -> Prediction | None:
        clip = load_clip(sample, answer.sample_rate)
        if clip is None:
            return None
        prediction = answer(clip.frame, clip.waveform, sample.names)
        if request.save_predictions is not None:
            save_maps(request.save_predictions / f"{sample.id}.npz", prediction)
        return prediction

    def frame(sample: Sample) -> object:
        clip = load_clip(sample, answer.sample_rate)
        return None if clip is None else clip.frame

    return Answers(predict=predict, frame=frame)


def _loader(request: EvaluateRequest, benchmark: Benchmark) -> ClipLoader:
    """Where the clips come from: composed by recipe, or files.

    Raises: ManifestError: The media folder cannot be found; the message says what to do.
    """
    from tvsl_core.data.benchmarks.catalog import COMPOSED, CUSTOM, find_entry, media_folder
    from tvsl_core.data.benchmarks.clips import folder_loader
    from tvsl_core.data.benchmarks.composed import compose
    from tvsl_core.errors import InputError

    if request.benchmark in COMPOSED:
        return compose(request.benchmark, request.media or SAMPLE_VIDEOS).loader()
    if request.benchmark == CUSTOM:
        if request.media is None:
            raise InputError("the benchmark 'custom' needs media.", hint="Name your folder with --media DIR.")
        return folder_loader(request.media)
    return folder_loader(media_folder(find_entry(request.benchmark), request.media, request.data))
