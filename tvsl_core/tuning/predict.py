"""One frame and its sound, judged as annotation judges an instant: what evaluation asks a model.

A class that the model reports by itself gets the map of its own detection. A class that is only *given* (the oracle
task of the field) gets a map beside those, marked as not detected, so that the honest task cannot profit from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.find import SourceFinder, detection_at
from tvsl_core.annotate.instant import PlacedSource
from tvsl_core.annotate.localize import localize
from tvsl_core.annotate.objects.moments import FoundEvent
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.signals.clip import ClipEvidence, read_clip
from tvsl_core.data.predictions.prediction import NOTHING, Prediction
from tvsl_core.model.load import load_model
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.types import Detection
from tvsl_core.vocabulary.classes import Vocabulary, VocabularyClass, load_vocabulary


class ClipPredictor:
    """Answers for single clips: a frame with the sound around it, the frame in the middle.

    Args:
        model: With the vocabulary of the benchmark.
        options: As annotation takes them.
    """

    def __init__(self, model: TvslModel, options: AnnotateOptions | None = None) -> None:
        self.model = model
        self._options = options or AnnotateOptions()

    @property
    def sample_rate(self) -> int:
        """Of the waveforms that it expects, in Hz."""
        return self.model.towers.sample_rate

    def __call__(self, frame: NDArray[np.uint8], waveform: NDArray[np.float32], names: Sequence[str]) -> Prediction:
        """What sounds in a clip, and where.

        Args:
            frame: RGB ``[height width 3]``.
            waveform: Mono ``[sample]`` in [-1, 1] at ``sample_rate``.
            names: Classes that are given; those that are not detected get a map all the same.
        """
        clip = self.read(frame, waveform)
        own = self.find(clip)
        reported = {source.detection.name for source in own}
        given = [name for name in dict.fromkeys(names) if name in self.model.vocabulary.names and name not in reported]
        beside = self.given_maps(clip, [source.detection for source in own], given)
        blank = np.zeros(clip.pictures.evidence(0).grid, np.float32)
        entries = [(one.detection, blank if one.map is None else one.map.values, True) for one in own]
        entries += [(detection, values, False) for detection, values in beside]
        if not entries:
            return NOTHING
        return Prediction(
            classes=tuple(detection.name for detection, _, _ in entries),
            maps=np.stack([_on_grid(values, blank.shape) for _, values, _ in entries]).astype(np.float32),
            scores=tuple(detection.score for detection, _, _ in entries),
            detected=tuple(by_itself for _, _, by_itself in entries),
        )

    def read(self, frame: NDArray[np.uint8], waveform: NDArray[np.float32]) -> ClipEvidence:
        """What one clip says: RGB ``[height width 3]`` and mono ``[sample]`` at ``sample_rate``."""
        return read_clip(frame, waveform, self.model, self._options)

    def find(self, clip: ClipEvidence) -> tuple[PlacedSource, ...]:
        """What annotation reports for a clip: every class that sounds in it, by its likeliest event.

        A clip's truth holds whatever sounds in it, not only what does so at its middle.
        """
        finder = SourceFinder(
            clip.sound, clip.pictures, self.model, self._options, frame_size=clip.size, part=(0.0, clip.seconds)
        )
        likeliest: dict[int, FoundEvent] = {}
        for one in sorted(finder.events(), key=_likeliest_in_view):
            likeliest.setdefault(one.klass, one)
        return tuple(self._placed(clip, one) for one in likeliest.values())

    def _placed(self, clip: ClipEvidence, one: FoundEvent) -> PlacedSource:
        event, moment = one.event, one.moments[0] if one.moments else None
        return PlacedSource(
            detection=detection_at(
                clip.sound, clip.pictures, self.model, one.klass, score=event.score, verdict=event.verdict, index=0
            ),
            map=moment.map if moment else None,
            boxes=(moment.box, *moment.further) if moment else (),
        )

    def given_maps(
        self, clip: ClipEvidence, found: Sequence[Detection], names: Sequence[str]
    ) -> list[tuple[Detection, NDArray[np.float32]]]:
        """Maps of classes that were given; what was detected counts as their rivals.

        Their score is the evidence of the sound at its strongest, which is no probability of being right.
        """
        if not names or not len(clip.sound.sound):
            return []
        index = {name: klass for klass, name in enumerate(self.model.vocabulary.names)}
        asked: list[Detection] = []
        for name in names:
            at_middle = detection_at(
                clip.sound, clip.pictures, self.model, index[name], score=0.0, verdict="sounding", index=0
            )
            heard = float(1 / (1 + np.exp(-clip.sound.sound[:, index[name]].max().astype(np.float64))))
            asked.append(replace(at_middle, score=heard))
        rivals = [detection for detection in found if detection.verdict == "sounding"]
        located = localize(clip.pictures.evidence(0), rivals + asked, self._options.maps, frame_size=clip.size)
        by_name = {detection.name: grid for detection, grid in located}
        return [(detection, grid.values) for detection in asked if (grid := by_name.get(detection.name)) is not None]


def _on_grid(values: NDArray[np.float32], grid: tuple[int, ...]) -> NDArray[np.float32]:
    """A map on the grid of the patches; those of people are finer."""
    if values.shape == grid:
        return values
    return np.asarray(cv2.resize(values, (grid[1], grid[0]), interpolation=cv2.INTER_AREA), np.float32)


def _likeliest_in_view(one: FoundEvent) -> tuple[bool, float, int]:
    return not one.event.in_view, -one.event.score, one.klass


def load_predictor(name: str = "compact", *, device: str = "auto", classes: Sequence[str]) -> ClipPredictor:
    """A model that answers for the classes of a benchmark, under the benchmark's own names.

    Args:
        name: ``compact``, ``audioclip`` or a weights file.
        device: ``auto``, ``cpu`` or ``cuda:N``.
        classes: What the benchmark's classes are called; none of them stands for the default vocabulary.

    Raises: WeightsError: The weights are missing, damaged or of another model.
    """
    return ClipPredictor(load_model(name, device=device, vocabulary=benchmark_vocabulary(classes)))


def benchmark_vocabulary(classes: Sequence[str]) -> Vocabulary:
    """The benchmark's classes under their own names; the default vocabulary where there are none."""
    known = load_vocabulary(None)
    if not classes:
        return known
    kept: list[VocabularyClass] = []
    for name in dict.fromkeys(classes):
        klass = known.find(name)
        kept.append(VocabularyClass(name=name) if klass is None else replace(klass, name=name, aliases=(), parents=()))
    return Vocabulary(classes=tuple(kept), masked=known.masked)
