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
    from tvsl_core.tuning.answers import AnswerOptions, ClipSource


SAMPLE_VIDEOS = Path("sample_videos")
"""What composed benchmarks are made of, when --media does not say where it lies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What is scored: a predictor, and the ids that it has something for when that is known."""

    predict: Predictor
    ids: frozenset[str] | None = None
    frame: Callable[[Any], Any] = lambda _sample: None
    missing: str = "there is no prediction for it"
    """What is missing when it says nothing about a sample."""


def model_answers(request: EvaluateRequest, benchmark: Benchmark) -> Answers:
    """Answers of the model that was asked for, on the benchmark's media.

    Raises: TvslError: The media or the model's weights cannot be found.
    """
    from tvsl_core.tuning.answers import MISSING
    from tvsl_core.tuning.predict import load_predictor

    if request.save_predictions is not None or request.workers > 1:
        folder = request.save_predictions or _passing_folder()
        return _answers_by_file(request, benchmark, folder)
    load_clip = clip_source(request).open()
    answer = load_predictor(request.model, device=request.device, classes=benchmark.classes)

    def predict(sample: Sample) -> Prediction | None:
        clip = load_clip(sample, answer.sample_rate)
        return None if clip is None else answer(clip.frame, clip.waveform, sample.names)

    return Answers(predict=predict, frame=_frames(load_clip), missing=MISSING)


def _answers_by_file(request: EvaluateRequest, benchmark: Benchmark, folder: Path) -> Answers:
    """Predict first, a file a clip; then every answer is read."""
    from tvsl_cli.evaluate.tables import progress
    from tvsl_core.errors import MediaError
    from tvsl_core.tuning.answers import MISSING, answer_samples, read_answer

    source = clip_source(request)
    with progress(f"Predicting {benchmark.name}") as advanced:
        answered = answer_samples(benchmark.samples, source, folder, answer_options(request, benchmark), advanced)
    failed = dict(answered.failed)

    def predict(sample: Sample) -> Prediction | None:
        if sample.id in failed:
            raise MediaError(failed[sample.id].removesuffix("."))
        return read_answer(folder, sample)

    return Answers(predict=predict, frame=_frames(source.open()), missing=MISSING)


def predict_shard(request: EvaluateRequest, benchmark: Benchmark) -> int:
    """Predict one shard of the samples into the folder of predictions; scores nothing. Returns the exit code."""
    from tvsl_cli.evaluate.tables import progress
    from tvsl_cli.shared.terminal import say
    from tvsl_core.tuning.answers import answer_samples, shard_of

    assert request.shard is not None
    assert request.save_predictions is not None
    samples = shard_of(benchmark.samples, *request.shard)
    options = answer_options(request, benchmark)
    with progress(f"Predicting {benchmark.name}") as advanced:
        found = answer_samples(samples, clip_source(request), request.save_predictions, options, advanced)
    say(
        f"Shard {request.shard[0]}/{request.shard[1]}: {found.done} predicted now, {found.there} were there, "
        f"{len(found.missing)} lack their media, {len(found.failed)} failed. Score all with the same command "
        "without --shard."
    )
    for identity, problem in found.failed[:10]:
        say(f"  {identity}: {problem}")
    incomplete = bool(found.failed) or (bool(found.missing) and not request.allow_missing)
    return 1 if incomplete else 0


def answer_options(request: EvaluateRequest, benchmark: Benchmark) -> AnswerOptions:
    """Which model answers, and how."""
    from tvsl_core.tuning.answers import AnswerOptions

    return AnswerOptions(model=request.model, device=request.device, classes=benchmark.classes, workers=request.workers)


def _frames(load_clip: ClipLoader) -> Callable[[Any], Any]:
    def frame(sample: Sample) -> object:
        clip = load_clip(sample, 16_000)
        return None if clip is None else clip.frame

    return frame


def _passing_folder() -> Path:
    """A folder that is gone when the program ends."""
    import atexit
    import tempfile

    folder = tempfile.TemporaryDirectory(prefix="tvsl-evaluate-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def clip_source(request: EvaluateRequest) -> ClipSource:
    """Where the clips come from: composed by recipe, or files.

    Raises: ManifestError: The media folder cannot be found; the message says what to do.
    """
    from tvsl_core.data.benchmarks.catalog import COMPOSED, CUSTOM, find_entry, media_folder
    from tvsl_core.errors import InputError
    from tvsl_core.tuning.answers import ClipSource

    if request.benchmark in COMPOSED:
        return ClipSource(media=request.media or SAMPLE_VIDEOS, composed=request.benchmark)
    if request.benchmark == CUSTOM:
        if request.media is None:
            raise InputError("the benchmark 'custom' needs media.", hint="Name your folder with --media DIR.")
        return ClipSource(media=request.media)
    return ClipSource(media=media_folder(find_entry(request.benchmark), request.media, request.data))
