"""Score a whole benchmark: floors, predictions or a model, one sample after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol as Interface

import numpy as np

from tvsl_core.data.benchmarks.sample import Benchmark, Refused, Sample
from tvsl_core.data.predictions.prediction import NOTHING, Prediction
from tvsl_core.errors import ManifestError, MediaError
from tvsl_core.evaluation.floors import score_floors
from tvsl_core.evaluation.measures import Measuring
from tvsl_core.evaluation.metrics import checks, detection
from tvsl_core.evaluation.metrics.certainty import CertaintyScores
from tvsl_core.evaluation.metrics.detection import ClassScores, Heard
from tvsl_core.evaluation.metrics.maps import GRID, FloatMap, Region, resize_map
from tvsl_core.evaluation.metrics.recordings import RecordingScores
from tvsl_core.evaluation.protocols import Protocol
from tvsl_core.evaluation.published import REPORTED, Reported
from tvsl_core.evaluation.scene import ReferenceScene, draw_scene
from tvsl_core.evaluation.scoring import ClassMode, SourceRow, score_sample
from tvsl_core.evaluation.summary import Score, same_class_rows, summarize


class Predictor(Interface):
    """Whatever answers for a sample: a model on its media, or files that another system left."""

    def __call__(self, sample: Sample, /) -> Prediction | None:
        """What the system says about a sample; None when it says nothing because something is missing.

        Maps for the sample's own classes that the system would not report by itself carry ``detected=False``.

        Raises: ManifestError, MediaError: The sample's prediction or media cannot be used.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A sample that was not scored, and why."""

    id: str
    reason: str


@dataclass(kw_only=True, slots=True)
class Evaluation:
    """Everything that was measured on one benchmark with one protocol."""

    benchmark: str
    protocol: Protocol
    scores: tuple[Score, ...]
    apart: tuple[Score, ...] = ()
    """The same scores for samples whose sources share one class."""
    rows: list[SourceRow] = field(default_factory=list)
    floor_rows: dict[str, list[SourceRow]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    detection: dict[str, float] = field(default_factory=dict)
    per_class: tuple[ClassScores, ...] = ()
    certainty: CertaintyScores | None = None
    """Whether scores mean what they say; None where they are no probabilities, or nothing was reported."""
    timing: Mapping[str, RecordingScores] = field(default_factory=dict)
    """When things are reported, by who says it (``predicted`` and floors); of ``composed-events`` alone."""
    measures: dict[str, dict[str, float]] = field(default_factory=dict)
    """What the benchmark measures besides, by class mode and floor."""
    missing: tuple[Problem, ...] = ()
    """Samples without prediction or media: listed and counted, never replaced."""
    unusable: tuple[Problem, ...] = ()
    """Samples whose prediction or media were refused."""
    unknown: tuple[str, ...] = ()
    """Predicted ids that the benchmark does not hold."""
    refused: tuple[Refused, ...] = ()
    """Annotations that cannot be scored."""
    samples: int = 0
    """Scored ones."""
    videos: int = 0
    dropped_boxes: int = 0
    notes: tuple[str, ...] = ()

    @property
    def reported(self) -> tuple[Reported, ...]:
        """What papers say about other systems on this benchmark."""
        return REPORTED.get(self.benchmark, ())

    @property
    def complete(self) -> bool:
        """Whether every sample was scored and every prediction was for one of them."""
        return not (self.missing or self.unusable or self.unknown)

    def renamed(self, protocol: Protocol) -> Evaluation:
        """The same numbers under the name of another protocol with the same arithmetic for floors."""
        scores = tuple(
            replace(score, protocol=protocol.name, name=score.name.replace(self.protocol.name, protocol.name, 1))
            for score in self.scores
        )
        return replace(self, protocol=protocol, scores=scores)

    def find(self, metric: str, classes: str, average: str | None = None) -> Score | None:
        """One score by its parts; ``average`` None is the protocol's own unit."""
        wanted = average or f"{self.protocol.unit}s"
        matches = (one for one in self.scores if (one.metric, one.classes, one.average) == (metric, classes, wanted))
        return next(matches, None)


def evaluate_floors(
    benchmark: Benchmark,
    protocol: Protocol,
    *,
    draws: int = 1000,
    seed: int = 0,
    advanced: Callable[[int, int], None] = lambda _done, _all: None,
) -> Evaluation:
    """Score what doing nothing would score; needs annotations only.

    Floors do not depend on names, so samples of one class on both sides are not set apart here.

    Raises: ManifestError: No sample can be scored.
    """
    return evaluate(benchmark, None, protocol, draws=draws, seed=seed, advanced=advanced)


def evaluate(
    benchmark: Benchmark,
    predict: Predictor | None,
    protocol: Protocol,
    *,
    modes: Sequence[ClassMode] = ("oracle", "predicted"),
    draws: int = 1000,
    seed: int = 0,
    missing: str = "there is no prediction for it",
    advanced: Callable[[int, int], None] = lambda _done, _all: None,
) -> Evaluation:
    """Score a predictor, and the floors, on every sample of a benchmark.

    Floors and predictions are scored on the same samples, so that margins compare like with like.

    Args:
        benchmark: What is asked.
        predict: What answers; None scores the floors alone.
        protocol: How maps are scored.
        modes: Oracle classes, predicted classes, or both.
        draws: Bootstrap samples of the intervals.
        seed: Of the bootstrap.
        missing: Why a predictor says nothing about a sample: what is missing then.
        advanced: Called with (samples done, all samples).

    Raises: ManifestError: No sample can be scored.
    """
    measuring = Measuring(wanted=benchmark.measures, protocol=protocol)
    gathered = _Gathered(protocol=protocol, modes=tuple(modes), measuring=measuring, missing_reason=missing)
    for done, sample in enumerate(benchmark.samples, start=1):
        gathered.add(sample, predict)
        advanced(done, len(benchmark.samples))
    if not gathered.samples:
        reasons = sorted({problem.reason for problem in (*gathered.missing, *gathered.unusable)})
        raise ManifestError(
            f"none of the {len(benchmark.samples)} samples of {benchmark.name} could be scored"
            + (f": {reasons[0].removesuffix('.')}." if reasons else "."),
            hint="Check that the files are called by the ids in the benchmark's annotation files.",
        )
    return gathered.finish(benchmark, draws, seed)


@dataclass(kw_only=True, slots=True)
class _Gathered:
    """Rows as they come in."""

    protocol: Protocol
    modes: tuple[ClassMode, ...]
    measuring: Measuring
    missing_reason: str
    rows: list[SourceRow] = field(default_factory=list)
    floor_rows: dict[str, list[SourceRow]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    missing: list[Problem] = field(default_factory=list)
    unusable: list[Problem] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    swaps: dict[str, list[tuple[FloatMap, Region]]] = field(default_factory=dict)

    def add(self, sample: Sample, predict: Predictor | None) -> None:
        """Score one sample, or note why not."""
        prediction: Prediction | None = NOTHING
        if predict is not None:
            try:
                prediction = predict(sample)
            except (ManifestError, MediaError) as problem:
                self.unusable.append(Problem(id=sample.id, reason=str(problem)))
                return
            if prediction is None:
                self.missing.append(Problem(id=sample.id, reason=self.missing_reason))
                return
        scene = None
        if sample.sources:
            try:
                scene = draw_scene(sample)
            except ManifestError as problem:
                self.refused.append(Refused(id=sample.id, reason=str(problem)))
                return
            self._add_floors(scene)
            if predict is not None and prediction is not None:
                self.rows += score_sample(scene, prediction, self.protocol, self.modes)
                if sample.swap:
                    self.swaps.setdefault(sample.swap, []).append((_surest(scene, prediction), scene.references[0]))
        self.samples.append(sample)
        self.measuring.add(sample, scene, None if predict is None else prediction)
        named = bool(sample.names) or not sample.sources  # without names there is nothing to hear them by
        if predict is not None and prediction is not None and named:
            self.heard.append(_heard(sample, prediction))

    def _add_floors(self, scene: ReferenceScene) -> None:
        sample = scene.sample
        for floor in score_floors(scene, self.protocol):
            self.floor_rows.setdefault(floor.floor, []).extend(
                SourceRow(
                    sample=sample.id,
                    video=sample.video,
                    klass=name,
                    source=row,
                    classes="oracle",
                    ciou=float(floor.cious[row]),
                    ap=float(floor.aps[row]),
                    ap_permuted=float(floor.permuted[row]),
                    peak=float(floor.peaks[row]),
                    answered=True,
                    answered_by=name,
                    tag=",".join(sorted(sample.tags)),
                )
                for row, name in enumerate(scene.names)
            )

    def _checks(self) -> dict[str, float]:
        """Silence and swap, where the benchmark has such samples."""
        silent = [clip.reported for clip in self.heard if not clip.reference]
        pairs = [(one[0], two[0], one[1], two[1]) for one, two in (p for p in self.swaps.values() if len(p) == 2)]
        return checks.evaluate(silent, pairs)

    def finish(self, benchmark: Benchmark, draws: int, seed: int) -> Evaluation:
        """Average everything."""
        plain, apart = _split({mode: [row for row in self.rows if row.classes == mode] for mode in self.modes})
        plain_floors, apart_floors = _split(self.floor_rows) if self.rows else (self.floor_rows, {})
        detecting = self.heard and "predicted" in self.modes
        return Evaluation(
            benchmark=benchmark.name,
            protocol=self.protocol,
            scores=summarize(plain, plain_floors, self.protocol, draws=draws, seed=seed),
            apart=summarize(apart, apart_floors, self.protocol, draws=draws, seed=seed),
            rows=self.rows,
            floor_rows=self.floor_rows,
            heard=self.heard,
            detection={**detection.evaluate(self.heard), **self._checks()} if detecting else {},
            per_class=detection.per_class(self.heard) if detecting else (),
            certainty=detection.certainty(self.heard) if detecting else None,
            measures=self.measuring.finish(
                {str(mode): [row for row in self.rows if row.classes == mode] for mode in self.modes if self.rows}
                | self.floor_rows
            ),
            missing=tuple(self.missing),
            unusable=tuple(self.unusable),
            refused=(*benchmark.refused, *self.refused),
            samples=len(self.samples),
            videos=len({sample.video for sample in self.samples}),
            dropped_boxes=benchmark.dropped_boxes,
            notes=benchmark.notes,
        )


_Named = dict[str, list[SourceRow]]


def _split(rows: dict[str, list[SourceRow]] | dict[ClassMode, list[SourceRow]]) -> tuple[_Named, _Named]:
    """Rows that names can tell apart, and the others, under the same labels."""
    parts = {str(name): same_class_rows(entries) for name, entries in rows.items()}
    return {name: part[0] for name, part in parts.items()}, {name: part[1] for name, part in parts.items() if part[1]}


def _surest(scene: ReferenceScene, prediction: Prediction) -> FloatMap:
    """The map of the surest source that is reported; a flat one when there is none."""
    height, width = GRID, GRID * scene.tile_count
    reported = [index for index, flag in enumerate(prediction.detected) if flag]
    if not reported:
        return np.zeros((height, width), dtype=np.float32)
    best = max(reported, key=lambda index: prediction.scores[index])
    return resize_map(prediction.maps[best], height=height, width=width)


def _heard(sample: Sample, prediction: Prediction) -> Heard:
    """The names alone.

    A class that was only given has a score too, but ranking it would leak the answer: only reports are ranked.
    """
    said: Iterable[tuple[str, bool]] = zip(prediction.classes, prediction.detected, strict=True)
    return Heard(
        reference=sample.names,
        silent=sample.silent,
        reported=tuple(dict.fromkeys(name for name, reported in said if reported)),
        scored=tuple(
            (name, score)
            for name, score, reported in zip(prediction.classes, prediction.scores, prediction.detected, strict=True)
            if reported
        ),
    )
