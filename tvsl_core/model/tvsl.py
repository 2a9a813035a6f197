"""T-VSL over any towers: the name of a class pulls its part out of a mixed picture and a mixed sound.

Source: Mahmud, Tian, Marculescu, "T-VSL", CVPR 2024 (arXiv 2404.01751), implemented from the published description.
With every adapter at the identity this is the training-free model: it already works on the towers as they are.

Where the description is weak we do otherwise, and say so at the line: the text similarity *weights* a map instead of
cancelling in a normalisation, and pictures and sounds are adapted before they are pooled, in training as in use.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor

from tvsl_core.model.calibration import Calibration
from tvsl_core.model.towers import Towers
from tvsl_core.vocabulary.classes import Vocabulary

NOISE_GROUPS = ("vehicle", "tool", "household", "nature")
"""Groups of the vocabulary whose classes sound mostly like noise."""


class TvslModel:
    """Towers (with T-VSL heads, if they have learned), calibration and a vocabulary: what annotation asks.

    Args:
        towers: Pictures, sounds and names in one space.
        vocabulary: The classes that are looked for.
        calibration: How evidence becomes a score.
        untrained: The same for names that the heads were not trained on; None is ``calibration``.
        sha256: Of the weights file; part of every result's fingerprint.
    """

    def __init__(
        self,
        *,
        towers: Towers,
        vocabulary: Vocabulary,
        calibration: Calibration,
        sha256: str,
        untrained: Calibration | None = None,
    ) -> None:
        self.towers = towers
        self.calibration = calibration
        self.untrained = untrained or calibration
        self.sha256 = sha256
        self._set_vocabulary(vocabulary)

    def _set_vocabulary(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.groups = np.asarray([klass.group for klass in vocabulary.classes])
        """``[klass]``, what kind of thing each class is."""
        self.is_noise = np.isin(self.groups, NOISE_GROUPS)
        """``[klass]``, whether its sound is mostly noise, so that any hiss resembles it."""
        with torch.inference_mode():
            self.towers.curate(vocabulary.evidence())
            self.text = self.towers.embed_text(vocabulary.prompts)
        self.is_sound_trained = np.asarray(self.towers.is_trained(vocabulary.prompts, "sounds"), dtype=bool)
        """``[klass]``, whether trained heads say how a class sounds."""
        self.is_look_trained = np.asarray(self.towers.is_trained(vocabulary.prompts, "looks"), dtype=bool)
        """``[klass]``, whether trained heads say how a class looks."""

    @property
    def name(self) -> str:
        """Which towers it stands on."""
        return self.towers.name

    def with_vocabulary(self, vocabulary: Vocabulary) -> TvslModel:
        """The same model, looking for other classes."""
        return TvslModel(
            towers=self.towers,
            vocabulary=vocabulary,
            calibration=self.calibration,
            untrained=self.untrained,
            sha256=self.sha256,
        )

    def with_calibration(self, calibration: Calibration) -> TvslModel:
        """The same model with other thresholds for what it was trained on; nothing is computed anew."""
        other = copy.copy(self)
        other.calibration = calibration
        if self.untrained is self.calibration:
            other.untrained = calibration
        return other

    def same_source(self, klass: int, other: int) -> bool:
        """Whether two classes name one thing: one is the generic name of the other, or both mean nearly the same."""
        vocabulary = self.vocabulary
        one, two = vocabulary.names[klass], vocabulary.names[other]
        if one in vocabulary.ancestors(two) or two in vocabulary.ancestors(one):
            return True
        likeness = torch.cosine_similarity(self.text[klass], self.text[other], dim=0)
        return float(likeness) >= self.calibration.same_name

    def class_maps(
        self, *, patches: Tensor, positions: Tensor, klasses: list[int], correspondence: float = 0.0
    ) -> Tensor:
        """Where each class is, given what is heard. [TVSL] section 3.2, steps 3 and 5 of SPEC section 2.

        Args:
            patches: ``[patch dim]`` of one clip.
            positions: ``[sound dim]`` of the same clip.
            klasses: Which classes of the vocabulary.
            correspondence: How much the agreement of patch and sound counts beside the name, in [0, 1].

        Returns: ``[klass patch]`` in [0, 1]; each class gets the map that it would get alone.
        """
        text = self.text[klasses]
        shown = self.towers.image_evidence(patches[None], text)[0].T
        if correspondence == 0 or not klasses:
            return shown
        agreement = self.towers.agreement(patches[None], positions[None], text)[0].clamp_min(0)
        strongest = agreement.amax(dim=-1, keepdim=True).clamp_min(1e-12)
        return shown * (agreement / strongest) ** correspondence
