"""T-VSL over any towers: the name of a class pulls its part out of a mixed picture and a mixed sound.

Source: Mahmud, Tian, Marculescu, "T-VSL", CVPR 2024 (arXiv 2404.01751), implemented from the published description.
With every adapter at the identity this is the training-free model: it already works on the towers as they are.

Where the description is weak we do otherwise, and say so at the line: the text similarity *weights* a map instead of
cancelling in a normalisation, and pictures and sounds are adapted before they are pooled, in training as in use.
"""

from __future__ import annotations

import copy
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.model.calibration import Calibration
from tvsl_core.model.evidence import ClassEvidence, Patches, Positions
from tvsl_core.model.learned import LearnedEvidence, LearnedHeads
from tvsl_core.model.scorer import EventScorer, FoundScorer
from tvsl_core.model.towers import Towers
from tvsl_core.vocabulary.classes import Vocabulary
from tvsl_core.vocabulary.people import PeopleClasses

NOISE_GROUPS = ("vehicle", "tool", "household", "nature")
"""Groups of the vocabulary whose classes sound mostly like noise."""


class TvslModel:
    """Towers (with T-VSL heads, if they have learned), calibration and a vocabulary: what annotation asks.

    Args:
        towers: Pictures, sounds and names in one space.
        learned: Heads that were trained over them; None is the model as the towers were published.
        vocabulary: The classes that are looked for.
        calibration: How evidence becomes a score.
        scorer: What judges when a class sounds and which events are right.
        untrained: The same for names that the heads were not trained on; None is ``calibration``.
        sha256: Of the weights file; part of every result's fingerprint.
    """

    def __init__(
        self,
        *,
        towers: Towers,
        vocabulary: Vocabulary,
        calibration: Calibration,
        scorer: FoundScorer,
        sha256: str,
        learned: LearnedHeads | None = None,
        untrained: Calibration | None = None,
    ) -> None:
        self.towers = towers
        self.learned = learned
        self.calibration = calibration
        self.untrained = untrained or calibration
        self.found_scorer = scorer
        self.sha256 = sha256
        self.vocabulary = vocabulary
        self.groups = np.asarray([klass.group for klass in vocabulary.classes])
        """``[klass]``, what kind of thing each class is."""
        self.is_noise = np.isin(self.groups, NOISE_GROUPS)
        """``[klass]``, whether its sound is mostly noise, so that any hiss resembles it."""
        self.is_curated = np.asarray([klass.is_curated for klass in vocabulary.classes], dtype=bool)
        """``[klass]``, whether labels of the towers are known to speak for it."""
        names = vocabulary.prompts
        self.published: ClassEvidence = towers.class_evidence(names, vocabulary.evidence())
        """The same as ``evidence`` by the towers as they were published, without trained heads."""
        self.evidence: ClassEvidence = (
            self.published if learned is None else LearnedEvidence(learned, self.published, names)
        )
        """How strongly pictures and sounds speak for the classes of the vocabulary."""

    @property
    def precision(self) -> str:
        """Number format of the towers' networks: fp32, or bf16."""
        return str(getattr(self.towers, "precision", "fp32"))

    @property
    def is_sound_trained(self) -> NDArray[np.bool_]:
        """``[klass]``, whether trained heads say how a class sounds."""
        return self.evidence.is_sound_trained

    @property
    def is_look_trained(self) -> NDArray[np.bool_]:
        """``[klass]``, whether trained heads say how a class looks."""
        return self.evidence.is_look_trained

    @cached_property
    def people(self) -> PeopleClasses:
        """The classes of the vocabulary that people make."""
        return PeopleClasses.of(self.vocabulary)

    @property
    def scorer(self) -> EventScorer:
        """What judges when a class sounds and which events are right."""
        return self.found_scorer.scorer

    @property
    def name(self) -> str:
        """Which towers it stands on."""
        return self.towers.name

    @property
    def trained_names(self) -> tuple[str, ...]:
        """The classes that its heads were trained on; none without heads."""
        return () if self.learned is None else self.learned.names

    def with_vocabulary(self, vocabulary: Vocabulary) -> TvslModel:
        """The same model, looking for other classes."""
        return TvslModel(
            towers=self.towers,
            learned=self.learned,
            vocabulary=vocabulary,
            calibration=self.calibration,
            untrained=self.untrained,
            scorer=self.found_scorer,
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
        return self.evidence.likeness(klass, other) >= self.calibration.same_name

    def class_maps(
        self, *, patches: Patches, positions: Positions, klasses: list[int], correspondence: float = 0.0
    ) -> Tensor:
        """Where each class is, given what is heard. [TVSL] section 3.2.

        Args:
            patches: ``[patch ...]`` of one clip.
            positions: ``[sound ...]`` of the same clip.
            klasses: Which classes of the vocabulary.
            correspondence: How much the agreement of patch and sound counts beside the name, in [0, 1].

        Returns: ``[klass patch]`` in [0, 1]; each class gets the map that it would get alone.
        """
        shown = self.evidence.image(patches[None], klasses)[0].T
        if correspondence == 0 or not klasses:
            return shown
        agreement = self.evidence.agreement(patches[None], positions[None], klasses)[0].clamp_min(0)
        strongest = agreement.amax(dim=-1, keepdim=True).clamp_min(1e-12)
        return shown * (agreement / strongest) ** correspondence
