"""Stage 2 of annotation: which classes sound at an instant, and which of them are in the picture.

Sound alone decides that something sounds; the picture chooses among the names that the sound allows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.model.calibration import EPSILON
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.pipeline.embed import EmbeddedClip
from tvsl_core.types import Detection, Verdict

NEAR_S = 0.75
"""Sound within this many seconds of an instant counts as sounding *at* it; the rest of the window only names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectOptions:
    """What is worth reporting."""

    max_sources: int = 4
    min_score: float | None = None
    """Least score, in [0, 1]; None is the threshold stored with the model."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ClassEvidence:
    """What sound and picture say about every class at one instant; arrays ``[klass]`` in [0, 1]."""

    sound: NDArray[np.float64]
    image: NDArray[np.float64]
    audible: NDArray[np.float64]
    visible: NDArray[np.float64]


def detect(clip: EmbeddedClip, model: TvslModel, options: DetectOptions) -> tuple[Detection, ...]:
    """The classes that sound at this instant, the likeliest first; none in silence."""
    if len(clip.positions) == 0:
        return ()
    evidence = weigh(clip, model)
    chosen = _choose(evidence, model, options)
    return tuple(_detection(klass, evidence, model) for klass in chosen)


def weigh(clip: EmbeddedClip, model: TvslModel) -> ClassEvidence:
    """Sound and image evidence of every class, before any decision."""
    with torch.inference_mode():
        heard = model.towers.sound_evidence(clip.positions[None], model.text)[0]
        shown = model.towers.image_evidence(clip.patches[None], model.text)[0]
        sound = pool_sound(heard.float(), torch.from_numpy(clip.offsets_s).to(heard.device))
        image = shown.float().amax(dim=0)
        calibration = model.calibration
        return ClassEvidence(
            sound=_numbers(sound),
            image=_numbers(image),
            audible=_numbers(calibration.audible(sound)),
            visible=_numbers(calibration.visible(image)),
        )


def pool_sound(heard: Tensor, offsets_s: Tensor) -> Tensor:
    """From sound evidence along a window to one value a class at its middle.

    The strongest third of the window says which class it is; what lies near the instant says whether it sounds now.

    Args:
        heard: ``[sound klass]`` in [0, 1].
        offsets_s: ``[sound]``, centre of each position relative to the instant.

    Returns: ``[klass]`` in [0, 1]; 0 when nothing sounds near the instant.
    """
    near = heard[offsets_s.abs() <= NEAR_S]
    if len(near) == 0:
        return heard.new_zeros(heard.shape[1])
    strongest = heard.topk(max(1, -(-len(heard) // 3)), dim=0).values.mean(dim=0)
    return (near.amax(dim=0) * strongest).sqrt()


def _choose(evidence: ClassEvidence, model: TvslModel, options: DetectOptions) -> list[int]:
    """Indices of the reported classes, the likeliest first."""
    calibration = model.calibration
    floor = calibration.threshold if options.min_score is None else options.min_score
    offscreen_floor = max(floor, calibration.offscreen_threshold if options.min_score is None else floor)
    rank = 2 * np.log(evidence.sound + EPSILON) + np.log(evidence.image + EPSILON)
    loudest = float(evidence.sound.max())
    chosen: list[int] = []
    for klass in np.argsort(-rank):
        if len(chosen) == options.max_sources:
            break
        seen = evidence.visible[klass] >= calibration.visible_threshold
        if evidence.audible[klass] < (floor if seen else offscreen_floor):
            continue
        if evidence.sound[klass] < calibration.rival_ratio * loudest:
            continue
        if any(model.same_source(int(klass), other) for other in chosen):
            continue
        chosen.append(int(klass))
    return chosen


def _detection(klass: int, evidence: ClassEvidence, model: TvslModel) -> Detection:
    visible = evidence.visible[klass] >= model.calibration.visible_threshold
    verdict: Verdict = "sounding" if visible else "offscreen"
    return Detection(
        klass=klass,
        name=model.vocabulary.names[klass],
        score=float(evidence.audible[klass]),
        audio_score=float(evidence.sound[klass]),
        image_score=float(evidence.image[klass]),
        verdict=verdict,
    )


def _numbers(values: Tensor) -> NDArray[np.float64]:
    return values.double().clamp(0, 1).cpu().numpy()
