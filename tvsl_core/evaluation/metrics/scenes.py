"""What a model reports on scenes whose truth is known to the pixel: who sounds, who is silent, and where.

Conventions: a reported class is right when it is the one that sounds, or its generic or a more specific name. A box is
judged by its intersection over union with the box around the object's own pixels, among the objects whose pixels are
known. Every share has a 95 % Wilson interval (Wilson, "Probable inference", JASA 1927) over what it was counted on.

References: the kinds are defined in ``tvsl_core.data.scenes.kinds``; ciou and pixel AP as in ``localization``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tvsl_core.data.predictions.judged import JudgedScene
from tvsl_core.evaluation.metrics.localization import ciou, pixel_ap
from tvsl_core.evaluation.metrics.maps import FloatMap, Threshold, binarize, resize_map
from tvsl_core.types import Corners, box_iou

HALF = Threshold(kind="stretched", value=0.5)
SQUARE = 224
"""Rows and columns on which the pixels of a given class's map are counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One share with what it was counted on."""

    name: str
    value: float
    """In [0, 1]; NaN when there was nothing to count."""
    number: int
    low: float
    high: float


def wilson(hits: float, number: int) -> tuple[float, float]:
    """95 % interval of a share."""
    if number == 0:
        return math.nan, math.nan
    z, share = 1.959964, hits / number
    middle = (share + z * z / (2 * number)) / (1 + z * z / number)
    half = z / (1 + z * z / number) * math.sqrt(share * (1 - share) / number + z * z / (4 * number * number))
    return max(0.0, middle - half), min(1.0, middle + half)


def score_scenes(scenes: Sequence[JudgedScene]) -> tuple[Figure, ...]:
    """Every figure over all scenes of its kind."""
    figures = []
    for name, kind, count in FIGURES:
        values = [float(value) for scene in scenes if scene.kind == kind for value in count(scene)]
        mean = float(np.mean(values)) if values else math.nan
        low, high = wilson(sum(values), len(values))
        figures.append(Figure(name=name, value=mean, number=len(values), low=low, high=high))
    return tuple(figures)


def _found(scene: JudgedScene) -> Iterator[float]:
    for name in scene.sounding:
        yield scene.report_of(name) is not None


def _exact(scene: JudgedScene) -> Iterator[float]:
    yield all(_found(scene)) and len(scene.reported) == len(scene.sounding)


def _silent_named(scene: JudgedScene) -> Iterator[float]:
    for thing in scene.objects:
        if not thing.sounds:
            yield scene.report_of(thing.name) is not None


def _marked(scene: JudgedScene) -> Iterator[tuple[Corners, Corners | None]]:
    """True and reported box of every sounding object whose pixels are known."""
    for thing in scene.objects:
        if thing.sounds and thing.box is not None:
            report = scene.report_of(thing.name)
            yield thing.box, report.box if report is not None else None


def _box_half(scene: JudgedScene) -> Iterator[float]:
    for true, box in _marked(scene):
        yield box is not None and box_iou(true, box) >= 0.5


def _box_third(scene: JudgedScene) -> Iterator[float]:
    for true, box in _marked(scene):
        yield box is not None and box_iou(true, box) >= 0.3


def _boxed_half(scene: JudgedScene) -> Iterator[float]:
    for true, box in _marked(scene):
        if box is not None:
            yield box_iou(true, box) >= 0.5


def _on_object(scene: JudgedScene) -> Iterator[float]:
    for true, box in _marked(scene):
        if box is not None:
            x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            yield true[0] <= x <= true[2] and true[1] <= y <= true[3]


def _quiet(scene: JudgedScene) -> Iterator[float]:
    yield not scene.reported


def _nobody_boxed(scene: JudgedScene) -> Iterator[float]:
    yield all(one.box is None for one in scene.reported)


def _given(scene: JudgedScene, measure: Callable[[np.ndarray, FloatMap], float]) -> Iterator[float]:
    if any(thing.box is None for thing in scene.objects):
        return
    for thing in scene.objects:
        if thing.sounds and thing.box is not None and thing.given_map is not None:
            reference = np.zeros((SQUARE, SQUARE))
            x, y = (np.array(thing.box[i::2]) * SQUARE / scene.size[i] for i in (0, 1))
            reference[int(y[0]) : max(int(y[1]), int(y[0]) + 1), int(x[0]) : max(int(x[1]), int(x[0]) + 1)] = 1.0
            yield measure(reference, resize_map(thing.given_map, height=SQUARE, width=SQUARE))


def _given_ap(scene: JudgedScene) -> Iterator[float]:
    yield from _given(scene, pixel_ap)


def _given_ciou(scene: JudgedScene) -> Iterator[float]:
    yield from _given(scene, lambda reference, found: ciou(reference, binarize(found, HALF)) >= 0.5)


FIGURES: tuple[tuple[str, str, Callable[[JudgedScene], Iterator[float]]], ...] = (
    ("pair: each sounding object found", "pair", _found),
    ("pair: exactly the right set", "pair", _exact),
    ("pair: box IoU >= 0.5, of all", "pair", _box_half),
    ("pair: box IoU >= 0.5, of the boxed", "pair", _boxed_half),
    ("pair: box on the right object", "pair", _on_object),
    ("pair, names given: pixel AP", "pair", _given_ap),
    ("pair, names given: CIoU@0.5", "pair", _given_ciou),
    ("one silent: sounding object found", "silent", _found),
    ("one silent: silent object named", "silent", _silent_named),
    ("one silent: box IoU >= 0.5, of all", "silent", _box_half),
    ("one silent: box IoU >= 0.5, of the boxed", "silent", _boxed_half),
    ("single: class found", "single", _found),
    ("single: exactly the right set", "single", _exact),
    ("single: box IoU >= 0.3, of all", "single", _box_third),
    ("offscreen: named", "offscreen", _found),
    ("offscreen: no visible object boxed", "offscreen", _nobody_boxed),
    ("noise or silence: nothing reported", "noise", _quiet),
)
"""Name, kind of scene, and what is counted on one scene. Pixel AP is a mean, and its interval only a rough one."""
