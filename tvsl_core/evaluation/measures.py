"""What some benchmarks measure besides: negatives, masks, and pictures whose objects sound in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.sample import Sample
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.evaluation.floors import floor_maps
from tvsl_core.evaluation.metrics import interaction, negatives, segmentation
from tvsl_core.evaluation.metrics.maps import GRID, FloatMap, Region, binarize, resize_map
from tvsl_core.evaluation.metrics.negatives import JudgedClip
from tvsl_core.evaluation.protocols import Protocol
from tvsl_core.evaluation.scene import ReferenceScene
from tvsl_core.evaluation.scoring import SourceRow


@dataclass(kw_only=True, slots=True)
class MaskScores:
    """How the masks of the frames so far were met."""

    ious: list[float] = field(default_factory=list)
    curves: list[NDArray[np.float64]] = field(default_factory=list)


def confidence_of(prediction: Prediction) -> float:
    """How sure a system is that something in the picture sounds: its surest report, minus infinity without one."""
    reported = zip(prediction.scores, prediction.detected, strict=True)
    return max((score for score, by_itself in reported if by_itself), default=-np.inf)


def score_masks(
    sample: Sample, scene: ReferenceScene | None, maps: Mapping[str, Prediction], protocol: Protocol
) -> dict[str, MaskScores]:
    """One frame, for each of several answers: everything that is reported, taken together."""
    height, width = GRID, GRID * len(sample.clips)
    reference: Region = np.zeros((height, width), dtype=bool)
    if scene is not None:
        reference = np.logical_or.reduce(scene.references)
    wanted = int(np.count_nonzero(reference))
    scores = {}
    for name, prediction in maps.items():
        whole = [resize_map(one, height=height, width=width) for one in _reported(prediction)]
        region: Region = np.zeros((height, width), dtype=bool)
        soft: FloatMap = np.zeros((height, width), dtype=np.float32)
        for one in whole:
            region |= one > 0 if prediction.regions else binarize(one, protocol.threshold, wanted)
            low, high = float(one.min()), float(one.max())
            soft = np.maximum(soft, (one - low) / (high - low) if high > low else np.full_like(one, float(high > 0)))
        curves = [segmentation.f_curve(reference, soft)] if reference.any() else []
        scores[name] = MaskScores(ious=[segmentation.mask_iou(reference, region)], curves=curves)
    return scores


def _reported(prediction: Prediction) -> Iterable[FloatMap]:
    return (one for one, by_itself in zip(prediction.maps, prediction.detected, strict=True) if by_itself)


def mask_floors(tiles: int) -> dict[str, Prediction]:
    """What doing nothing says about a frame, as a system would say it."""
    return {
        name: Prediction(classes=("",), maps=one[None], scores=(1.0,), detected=(True,), regions=name == "whole-frame")
        for name, one in floor_maps(tiles).items()
    }


def negative_scores(
    rows: Sequence[SourceRow], silent: Sequence[str], confidence: Mapping[str, float]
) -> dict[str, float]:
    """Scores of one answer on samples with and without a source.

    Args:
        rows: Of the samples with a source; a sample's best ciou counts.
        silent: Ids of the samples in whose picture nothing sounds.
        confidence: By sample; 0 for samples that are not in it.
    """
    best: dict[str, float] = {}
    for row in rows:
        best[row.sample] = max(best.get(row.sample, 0.0), row.ciou)
    clips = [JudgedClip(confidence=confidence.get(sample, 0.0), ciou=ciou) for sample, ciou in best.items()]
    clips += [JudgedClip(confidence=confidence.get(sample, 0.0), ciou=None) for sample in silent]
    return negatives.evaluate(clips)


def pair_scores(rows: Sequence[SourceRow], pairs: Mapping[str, str]) -> dict[str, float]:
    """Scores of one answer on pictures whose objects sound in turn.

    Args:
        rows: Of all samples.
        pairs: Sample to picture.
    """
    cious: dict[str, list[float]] = {}
    for row in rows:
        if row.sample in pairs:
            cious.setdefault(pairs[row.sample], []).append(row.ciou)
    return interaction.evaluate(list(cious.values()))


@dataclass(kw_only=True, slots=True)
class Measuring:
    """Gathers, sample by sample, what a benchmark measures besides."""

    wanted: tuple[str, ...]
    """``negatives``, ``segmentation``, ``interaction``."""
    protocol: Protocol
    masks: dict[str, MaskScores] = field(default_factory=dict)
    confidence: dict[str, float] = field(default_factory=dict)
    silent: list[str] = field(default_factory=list)
    pairs: dict[str, str] = field(default_factory=dict)

    def add(self, sample: Sample, scene: ReferenceScene | None, prediction: Prediction | None) -> None:
        """Note one sample; ``prediction`` None scores the floors alone."""
        if not sample.sources:
            self.silent.append(sample.id)
        if sample.pair:
            self.pairs[sample.id] = sample.pair
        if prediction is not None:
            self.confidence[sample.id] = confidence_of(prediction)
        if "segmentation" in self.wanted:
            answers = mask_floors(len(sample.clips)) | ({} if prediction is None else {"predicted": prediction})
            for name, found in score_masks(sample, scene, answers, self.protocol).items():
                kept = self.masks.setdefault(name, MaskScores())
                kept.ious += found.ious
                kept.curves += found.curves

    def finish(self, rows: Mapping[str, Sequence[SourceRow]]) -> dict[str, dict[str, float]]:
        """The measures of every answer.

        Args:
            rows: By class mode, and by floor.
        """
        found: dict[str, dict[str, float]] = {name: {} for name in (*rows, *self.masks)}
        for name, entries in rows.items():
            if "negatives" in self.wanted:
                # Who only knows the place is equally sure everywhere.
                sure = self.confidence if name in ("oracle", "predicted") else {}
                found[name] |= negative_scores(entries, self.silent, sure)
            if "interaction" in self.wanted and self.pairs and entries:
                found[name] |= pair_scores(entries, self.pairs)
        for name, scores in self.masks.items():
            found[name] |= segmentation.evaluate(scores.ious, scores.curves)
        return {name: scores for name, scores in found.items() if scores}
