"""Score a model, or anybody's predictions, on a benchmark, beside what doing nothing would score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tvsl_core.api.evaluate_data import (
    by_sources,
    clip_source,
    load_benchmark,
    other_duet_list,
    overlap_warning,
)
from tvsl_core.api.evaluate_events import evaluate_events
from tvsl_core.api.evaluate_request import EvaluateRequest
from tvsl_core.data.benchmarks.catalog import EVENTS
from tvsl_core.data.benchmarks.clips import ClipLoader
from tvsl_core.data.benchmarks.sample import Benchmark, Sample
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.data.predictions.read import open_predictions
from tvsl_core.errors import MediaError
from tvsl_core.evaluation.protocols import PROTOCOLS, find_protocol
from tvsl_core.evaluation.run import Evaluation, Predictor, evaluate_floors
from tvsl_core.evaluation.run import evaluate as score_benchmark
from tvsl_core.model.load import pick_device
from tvsl_core.report.page import render_page
from tvsl_core.report.scores import combined, write_json, write_rows, write_whole
from tvsl_core.report.thumbnails import Picture, Thumbnail, draw, pick_rows
from tvsl_core.system.machine import cores
from tvsl_core.system.progress import OnProgress, reporting
from tvsl_core.system.versions import tvsl_version
from tvsl_core.tuning.answers import MISSING, Answered, AnswerOptions, answer_samples, read_answer, shard_of
from tvsl_core.tuning.predict import load_predictor
from tvsl_core.types import AnyPath

WORTH_WORKERS = 200
"""Samples from which on several processes are faster: each first loads the model, for the time of some 30 samples."""
FRAME_RATE_HZ = 16_000
"""Of the sound that comes with a picture of a contact sheet; nobody hears it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """What is scored: a predictor, and the ids that it has something for when that is known."""

    predict: Predictor
    ids: frozenset[str] | None = None
    frame: Callable[[Sample], Picture | None] = lambda _sample: None
    """The picture that a sample asks about, for contact sheets."""
    missing: str = "there is no prediction for it"
    """What is missing when it says nothing about a sample."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EvaluateResult:
    """Everything that was measured."""

    evaluations: tuple[Evaluation, ...]
    """One; several for several numbers of sources, and for floors under every protocol."""
    warnings: tuple[str, ...] = ()
    """What one should know before trusting the figures, in sentences."""
    benchmarks: tuple[Benchmark, ...] = ()
    """What each evaluation asked; empty for floors."""
    answers: Answers | None = None
    """Who answered; None for floors."""

    @property
    def complete(self) -> bool:
        """Whether every sample was scored and every prediction was for one of them."""
        return all(evaluation.complete for evaluation in self.evaluations)

    @property
    def only_missing(self) -> bool:
        """Whether all that keeps it from being complete are samples without prediction or media."""
        return not any(evaluation.unusable or evaluation.unknown for evaluation in self.evaluations)

    def write_json(self, path: AnyPath, *, command: Sequence[str] = ()) -> None:
        """Write all scores as one JSON document.

        Args:
            path: The file.
            command: What was typed, for the record.

        Raises: OutputError: It cannot be written.
        """
        write_json(Path(path), combined(self.evaluations, command=command, version=tvsl_version()))

    def write_report(self, folder: AnyPath, *, command: Sequence[str] = ()) -> tuple[Path, ...]:
        """Write ``scores.json``, ``per_sample.parquet`` and ``index.html``; a folder each when there are several.

        Args:
            folder: Where they go; created when missing.
            command: What was typed, for the record.

        Returns: Every page.

        Raises: OutputError: They cannot be written.
        """
        pages = []
        for number, evaluation in enumerate(self.evaluations):
            place = Path(folder)
            if len(self.evaluations) > 1:
                place /= f"{number + 1:02d}-{evaluation.benchmark}-{evaluation.protocol.name}"
            write_json(place / "scores.json", combined([evaluation], command=command, version=tvsl_version()))
            if evaluation.floor_rows:  # nothing is placed where only times are asked
                write_rows(place / "per_sample.parquet", evaluation)
            sheets = {} if self.answers is None else _sheets(evaluation, self.answers, self.benchmarks[number])
            pages.append(place / "index.html")
            write_whole(pages[-1], render_page(evaluation, sheets).encode())
        return tuple(pages)


def evaluate(request: EvaluateRequest, *, progress: bool | OnProgress = False) -> EvaluateResult:
    """Score a model, or anybody's predictions, on a benchmark.

    Args:
        request: What is asked.
        progress: True shows a bar; a function is called with what is scored, how many samples are, and of how many.

    Returns: Scores beside what doing nothing would score. Missing samples are listed and counted, never replaced.

    Raises:
        InputError: There is no such benchmark or protocol, or it lacks what only the user can name.
        ManifestError: Its files cannot be found or used, or no sample can be scored; the message says what to do.
        WeightsError: The model cannot be loaded.
    """
    with reporting(progress) as advance:
        if request.benchmark == EVENTS:
            return EvaluateResult(evaluations=(evaluate_events(request, advance),))
        if request.floors:
            return _evaluate_floors(request, advance)
        protocol = find_protocol(request.protocol or "strict")
        benchmark = load_benchmark(request)
        answers = _answers(request, benchmark, advance)
        full_ids = {sample.id for sample in benchmark.samples} | {entry.id for entry in benchmark.refused}
        parts = by_sources(benchmark, request.sources)
        evaluations = []
        for part in parts:
            advanced = partial(advance, part.name)
            found = score_benchmark(
                part, answers.predict, protocol, modes=request.modes, missing=answers.missing, advanced=advanced
            )
            if answers.ids is not None and not request.limit and not request.split:
                found = replace(found, unknown=tuple(sorted(answers.ids - full_ids)))
            evaluations.append(found)
    return EvaluateResult(
        evaluations=tuple(evaluations),
        warnings=overlap_warning(benchmark, request),
        benchmarks=parts,
        answers=answers,
    )


def _evaluate_floors(request: EvaluateRequest, advance: OnProgress) -> EvaluateResult:
    """Floors under the wanted protocol, or under all; MUSIC-Duet in both of its lists."""
    protocols = [find_protocol(request.protocol)] if request.protocol else list(PROTOCOLS.values())
    lists = [load_benchmark(request)]
    warnings = overlap_warning(lists[0], request)
    if request.benchmark == "music-duet":
        if (shorter := other_duet_list(request)) is not None:
            lists.append(shorter)
        else:
            warnings += ("The shorter list of MUSIC-Duet (music_duet.json) is not there; its floors are left out.",)
    evaluations = []
    for benchmark in lists:
        done: dict[tuple[object, ...], Evaluation] = {}
        for protocol in protocols:
            arithmetic = (protocol.threshold, protocol.scope, protocol.unit, protocol.ranked, protocol.piap)
            if arithmetic not in done:
                advanced = partial(advance, f"{benchmark.name} {protocol.name}")
                done[arithmetic] = evaluate_floors(benchmark, protocol, advanced=advanced)
            evaluations.append(done[arithmetic].renamed(protocol))
    return EvaluateResult(evaluations=tuple(evaluations), warnings=warnings)


def predict_shard(request: EvaluateRequest, index: int, count: int, *, progress: bool | OnProgress = False) -> Answered:
    """Predict every ``count``-th sample from the ``index``-th into ``save_predictions``; scores nothing.

    The same request without a shard then scores what all of them left.

    Raises:
        ValueError: The index is not one of the count, or the request names no folder.
        TvslError: The data, the media or the model cannot be found or used.
    """
    if request.save_predictions is None:
        raise ValueError("a shard I/N fills a folder of predictions; name it with save-predictions")
    benchmark = load_benchmark(request)
    samples = shard_of(benchmark.samples, index, count)
    folder = Path(request.save_predictions)
    with reporting(progress) as advance:
        advanced = partial(advance, f"Predicting {benchmark.name}")
        return answer_samples(samples, clip_source(request), folder, _options(request, benchmark), advanced)


def _workers(request: EvaluateRequest, benchmark: Benchmark) -> int:
    """Processes that predict: those asked for, or what is fastest."""
    if request.workers is not None:
        return request.workers
    many = len(benchmark.samples) >= WORTH_WORKERS and pick_device(request.device).type == "cpu"
    return cores() if many else 1


def _options(request: EvaluateRequest, benchmark: Benchmark) -> AnswerOptions:
    return AnswerOptions(
        model=str(request.model), device=request.device, classes=benchmark.classes, workers=_workers(request, benchmark)
    )


def _answers(request: EvaluateRequest, benchmark: Benchmark, advance: OnProgress) -> Answers:
    """The predictions or the model that is scored.

    Raises: TvslError: The media, the predictions or the model's weights cannot be found.
    """
    if request.predictions is not None:
        found = open_predictions(Path(request.predictions), benchmark.samples)
        return Answers(predict=found.read, ids=found.ids)
    if request.save_predictions is not None or _workers(request, benchmark) > 1:
        return _answers_by_file(request, benchmark, advance)
    load_clip = clip_source(request).open()
    answer = load_predictor(str(request.model), device=request.device, classes=benchmark.classes)

    def predict(sample: Sample) -> Prediction | None:
        clip = load_clip(sample, answer.sample_rate)
        return None if clip is None else answer(clip.frame, clip.waveform, sample.names)

    return Answers(predict=predict, frame=_frames(load_clip), missing=MISSING)


def _answers_by_file(request: EvaluateRequest, benchmark: Benchmark, advance: OnProgress) -> Answers:
    """Predict first, a file a clip; then every answer is read."""
    source = clip_source(request)
    passing = None if request.save_predictions else TemporaryDirectory(prefix="tvsl-evaluate-")
    folder = Path(passing.name if passing is not None else str(request.save_predictions))
    advanced = partial(advance, f"Predicting {benchmark.name}")
    answered = answer_samples(benchmark.samples, source, folder, _options(request, benchmark), advanced)
    failed = dict(answered.failed)

    def predict(sample: Sample, _kept: TemporaryDirectory[str] | None = passing) -> Prediction | None:
        if sample.id in failed:
            raise MediaError(failed[sample.id].removesuffix("."))
        return read_answer(folder, sample)

    return Answers(predict=predict, frame=_frames(source.open()), missing=MISSING)


def _frames(load_clip: ClipLoader) -> Callable[[Sample], Picture | None]:
    def frame(sample: Sample) -> Picture | None:
        clip = load_clip(sample, FRAME_RATE_HZ)
        return None if clip is None else clip.frame

    return frame


def _sheets(evaluation: Evaluation, answers: Answers, benchmark: Benchmark) -> dict[str, list[Thumbnail]]:
    """Contact sheets of the last class mode."""
    samples = {sample.id: sample for sample in benchmark.samples}
    mode = evaluation.rows[-1].classes if evaluation.rows else ""
    picked = pick_rows([row for row in evaluation.rows if row.classes == mode])
    sheets: dict[str, list[Thumbnail]] = {}
    for title, rows in picked.items():
        for row in rows:
            prediction = answers.predict(samples[row.sample])
            if prediction is not None:
                sheets.setdefault(title, []).append(draw(row, samples[row.sample], prediction, answers.frame))
    return sheets
