"""Stage 2 of annotation: which classes sound at an instant, and which of them are in the picture.

Sound alone decides that something sounds; the picture chooses among the names that the sound allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.annotate.embed import EmbeddedClip
from tvsl_core.model.calibration import EPSILON
from tvsl_core.model.evidence import Patches, Positions
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.types import Detection, Verdict

OF_LOOKS = ("visible_threshold", "second_visible_threshold")
"""Numbers of the calibration that ask how a class looks; all others ask how it sounds."""
UNSEEN = 0.02
"""Image evidence below this is as good as none; how far below says nothing."""
FAMILIAR_S = 1.25
"""What was reported no longer ago than this is familiar."""
FAMILIAR_TIMES = 2
"""What was reported fewer times in a row may still be a mistake, and is not familiar yet."""
NEAR_S = 0.75
"""Sound within this many seconds of an instant counts as sounding *at* it; the rest of the window only names it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectOptions:
    """What is worth reporting."""

    max_sources: int = 4
    min_score: float | None = None
    """Least score, in [0, 1]; None is the threshold stored with the model."""


class ClassWeights(NamedTuple):
    """What the towers say about every class at one instant; both ``[klass]`` in [0, 1]."""

    sound: Tensor
    image: Tensor


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class InstantEvidence:
    """What sound and picture say about every class at one instant; arrays ``[klass]`` in [0, 1]."""

    sound: NDArray[np.float64]
    image: NDArray[np.float64]
    audible: NDArray[np.float64]
    visible: NDArray[np.float64]

    def rank(self, model: TvslModel) -> NDArray[np.float64]:
        """How well sound and picture agree on a class; sound weighs 2, and being unseen costs only so much.

        Sound is taken relative to where a class is as likely to sound as not: trained and other classes differ there.
        """
        heard = np.log(self.sound + EPSILON) - per_class(model, "sound_offset")
        return 2 * heard + per_class(model, "image_weight") * np.log(np.maximum(self.image, UNSEEN) + EPSILON)


class Detector:
    """Detects from instant to instant, and remembers what was reported a moment ago.

    Args:
        model: What embeds the clips.
        options: What is worth reporting.
    """

    def __init__(self, model: TvslModel, options: DetectOptions) -> None:
        self._model, self._options = model, options
        self._last_heard: dict[int, Fraction] = {}
        self._times_heard: Counter[int] = Counter()

    def feed(self, clip: EmbeddedClip) -> tuple[Detection, ...]:
        """The classes that sound at this instant, the likeliest first. Instants must come in order."""
        recent = {k for k, time in self._last_heard.items() if clip.time - time <= FAMILIAR_S}
        self._times_heard = Counter({k: self._times_heard[k] for k in recent})
        familiar = frozenset(k for k in recent if self._times_heard[k] >= FAMILIAR_TIMES)
        found = detect(clip, self._model, self._options, familiar=familiar)
        in_view = [detection.klass for detection in found if detection.verdict == "sounding"]
        self._last_heard |= dict.fromkeys(in_view, clip.time)
        self._times_heard.update(in_view)
        return found


def detect(
    clip: EmbeddedClip, model: TvslModel, options: DetectOptions, *, familiar: frozenset[int] = frozenset()
) -> tuple[Detection, ...]:
    """The classes that sound at this instant, the likeliest first; none in silence.

    One class is found at a time, and what speaks for it is taken out of the sound and the picture before the next is
    looked for: otherwise a violin would be reported as a viola, a fiddle and a string section as well.

    Args:
        clip: The instant's vectors.
        model: What embedded them.
        options: What is worth reporting.
        familiar: Classes in the picture that were reported a moment ago.
    """
    return decide(lambda found: weigh_without(clip, model, found), model, options, familiar=familiar)


def decide(
    weighed: Callable[[tuple[int, ...]], ClassWeights | None],
    model: TvslModel,
    options: DetectOptions,
    *,
    familiar: frozenset[int] = frozenset(),
) -> tuple[Detection, ...]:
    """The decisions of ``detect`` apart from where the evidence comes from, so that thresholds can be tried quickly.

    Args:
        weighed: Evidence without the classes that were found already; None when nothing is heard.
        model: Its vocabulary and calibration.
        options: What is worth reporting.
        familiar: Classes in the picture that were reported a moment ago.
    """
    known = np.zeros(len(model.vocabulary.names), dtype=bool)
    known[list(familiar)] = True
    found: list[Detection] = []
    loudest = 0.0
    while len(found) < options.max_sources:
        weights = weighed(tuple(detection.klass for detection in found))
        if weights is None:
            break
        evidence = judge_evidence(weights, model)
        loudest = loudest or float(evidence.sound.max())
        seen = evidence.visible >= per_class(model, "second_visible_threshold" if found else "visible_threshold")
        klass = _best(evidence, seen, known & seen, found, loudest, model, options)
        if klass is None:
            break
        found.append(_detection(klass, evidence, model, "sounding" if seen[klass] else "offscreen"))
    return tuple(found)


@torch.inference_mode()
def weigh_without(clip: EmbeddedClip, model: TvslModel, found: Sequence[int]) -> ClassWeights | None:
    """Sound and image evidence of every class once some classes are taken out; None when nothing is heard."""
    positions, patches = clip.positions, clip.patches
    if len(positions) == 0:
        return None
    for klass in found:
        positions = model.evidence.without_sound(positions, klass)
        patches = model.evidence.without_image(patches, klass)
    return measure(positions, patches, clip.offsets_s, model)


def weigh(positions: Positions, patches: Patches, offsets_s: NDArray[np.float64], model: TvslModel) -> InstantEvidence:
    """Sound and image evidence of every class, before any decision.

    Args:
        positions: ``[sound ...]``.
        patches: ``[patch ...]``.
        offsets_s: ``[sound]``, centre of each position relative to the instant.
        model: What embedded them.
    """
    return judge_evidence(measure(positions, patches, offsets_s, model), model)


def measure(positions: Positions, patches: Patches, offsets_s: NDArray[np.float64], model: TvslModel) -> ClassWeights:
    """Sound and image evidence of every class as the towers give them; arguments as of ``weigh``."""
    heard = model.evidence.sound(positions[None])[0].float()
    sound = pool_sound(heard, torch.from_numpy(offsets_s).to(heard.device))
    image = model.evidence.image(patches[None])[0].float().amax(dim=0)
    return ClassWeights(sound.clamp(0, 1).cpu(), image.clamp(0, 1).cpu())


def judge_evidence(weights: ClassWeights, model: TvslModel) -> InstantEvidence:
    """Evidence with what it means by the model's calibrations."""
    trained, untrained = model.calibration, model.untrained
    return InstantEvidence(
        sound=_numbers(weights.sound),
        image=_numbers(weights.image),
        audible=_either(model.is_sound_trained, trained.audible(weights.sound), untrained.audible(weights.sound)),
        visible=_either(model.is_look_trained, trained.visible(weights.image), untrained.visible(weights.image)),
    )


def per_class(model: TvslModel, field: str) -> NDArray[np.float64]:
    """A number of the calibration for every class, ``[klass]``: of the trained ones, or of all others."""
    trained, untrained = float(getattr(model.calibration, field)), float(getattr(model.untrained, field))
    return np.where(model.is_look_trained if field in OF_LOOKS else model.is_sound_trained, trained, untrained)


def _either(is_trained: NDArray[np.bool_], trained: Tensor, other: Tensor) -> NDArray[np.float64]:
    return np.where(is_trained, _numbers(trained), _numbers(other))


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


def _best(
    evidence: InstantEvidence,
    seen: NDArray[np.bool_],
    known: NDArray[np.bool_],
    found: list[Detection],
    loudest: float,
    model: TvslModel,
    options: DetectOptions,
) -> int | None:
    """The likeliest class that is worth reporting beside those already found; None when there is none."""
    share = np.where(seen, per_class(model, "rival_ratio"), per_class(model, "rival_offscreen_ratio"))
    loud_enough = known | (evidence.sound >= share * loudest)
    eligible = loud_enough & (evidence.audible >= _least(seen, known, found, model, options))
    rank = evidence.rank(model) + known * np.log(per_class(model, "familiar_gain"))
    for klass in np.argsort(-rank):
        if eligible[klass] and not any(model.same_source(int(klass), other.klass) for other in found):
            return int(klass)
    return None


def _least(
    seen: NDArray[np.bool_],
    known: NDArray[np.bool_],
    found: list[Detection],
    model: TvslModel,
    options: DetectOptions,
) -> NDArray[np.float64]:
    """Least score of every class, ``[klass]``."""
    if options.min_score is not None:
        return np.full(len(seen), options.min_score)
    unseen = _by_noise(model, "offscreen_threshold", "noise_offscreen_threshold")
    if found:
        kin = np.isin(model.groups, [model.groups[other.klass] for other in found])
        unseen = np.where(kin, np.maximum(per_class(model, "kin_offscreen_threshold"), unseen), unseen)
    in_view = _by_noise(model, "threshold", "noise_threshold")
    return np.where(seen, np.where(known, np.minimum(per_class(model, "familiar_threshold"), in_view), in_view), unseen)


def _by_noise(model: TvslModel, usual: str, noise: str) -> NDArray[np.float64]:
    return np.where(model.is_noise, per_class(model, noise), per_class(model, usual))


def _detection(klass: int, evidence: InstantEvidence, model: TvslModel, verdict: Verdict) -> Detection:
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
