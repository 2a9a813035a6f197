"""From evidence to a decision: which classes sound, which of them are visible.

Sound alone decides *that* something sounds. The picture only chooses among the names that the sound allows, and says
whether the source is in view. (A picture that shares in the decision reports silent objects; see docs/experiments.md.)
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

EPSILON = 1e-6
_UNBOUNDED = (
    "sound_gain",
    "sound_offset",
    "image_gain",
    "image_offset",
    "image_weight",
    "familiar_gain",
    "fitted_on",
)
_SCORES = (
    "threshold",
    "offscreen_threshold",
    "noise_threshold",
    "noise_offscreen_threshold",
    "kin_offscreen_threshold",
    "familiar_threshold",
)
"""Thresholds of the score, which move with the offset."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """How evidence becomes a score; stored with the weights, fitted on a validation split and never on a test split.

    Source: SPEC section 3. ``audible = sigmoid(sound_gain * (logit(sound) - sound_offset))`` and likewise for visible.
    """

    sound_gain: float = 1.0
    sound_offset: float = -2.0
    """Logit of the sound evidence at which a class is as likely to sound as not."""
    image_gain: float = 1.0
    image_offset: float = -2.0
    """Logit of the image evidence at which a class is as likely to be visible as not."""
    image_weight: float = 1.0
    """How much the picture counts in choosing among names, against 2 for the sound."""
    threshold: float = 0.5
    """Least score of a source that is in the picture."""
    offscreen_threshold: float = 0.81
    """Least score of a source that nothing in the picture shows."""
    noise_threshold: float = 0.77
    """Least score of a source in the picture whose sound is mostly noise, such as a waterfall or an engine."""
    noise_offscreen_threshold: float = 0.97
    """The same, when nothing in the picture shows it: any hiss resembles a distant aeroplane."""
    kin_offscreen_threshold: float = 0.98
    """Least score of an unseen source when one of its kind (two instruments, two animals) is found already."""
    visible_threshold: float = 0.5
    """Least visibility at which a source counts as in the picture."""
    second_visible_threshold: float = 0.9
    """The same, for every source after the first: a mixture lends itself to more names than it holds."""
    rival_ratio: float = 0.25
    """A further source needs at least this share of the first one's sound evidence."""
    rival_offscreen_ratio: float = 0.5
    """The same, when nothing in the picture shows it."""
    familiar_threshold: float = 0.22
    """Least score of a source in the picture that was reported a moment ago: what is known to play is heard sooner."""
    familiar_gain: float = 3.0
    """How many times likelier a name is that was reported a moment ago, against another name for the same sound."""
    same_name: float = 0.9
    """Two names whose vectors have at least this cosine mean the same source."""
    fitted_on: str = ""
    """Name of the validation split, with its precision and recall."""

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if name not in _UNBOUNDED and not 0 <= value <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {value}")

    def audible(self, sound: Tensor) -> Tensor:
        """Probability that a class sounds, from its sound evidence in [0, 1]; any shape."""
        return torch.sigmoid(self.sound_gain * (torch.logit(sound, eps=EPSILON) - self.sound_offset))

    def visible(self, image: Tensor) -> Tensor:
        """Probability that a class is in the picture, from its image evidence in [0, 1]; any shape."""
        return torch.sigmoid(self.image_gain * (torch.logit(image, eps=EPSILON) - self.image_offset))

    def centred(self) -> Calibration:
        """The same decisions with a threshold of 0.5, so that a score says on which side of it a source is."""
        shift = math.log(self.threshold / (1 - self.threshold))

        def moved(value: float) -> float:
            if not 0 < value < 1:
                return value
            return 1 / (1 + math.exp(-(math.log(value / (1 - value)) - shift)))

        thresholds: dict[str, Any] = {name: moved(getattr(self, name)) for name in _SCORES}
        return dataclasses.replace(self, sound_offset=self.sound_offset + shift / self.sound_gain, **thresholds)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for the weights file."""
        return dataclasses.asdict(self)


def read_calibration(path: Path) -> Calibration:
    """From a JSON file whose keys are the fields."""
    return Calibration(**json.loads(path.read_text(encoding="utf-8")))
