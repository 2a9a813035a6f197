"""Evidence of the compact towers: a class is a weight on every label, which meets the labels of a place."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from tvsl_core.model.compact.efficientnet_lite import CLASSES as LOOKS
from tvsl_core.model.evidence import Klasses, Patches, Positions, choose
from tvsl_core.model.joint import JointEvidence
from tvsl_core.model.towers import Towers


class CompactEvidence(JointEvidence):
    """Class evidence in the space of labels.

    Args:
        towers: What reads pictures and sounds.
        text: ``[klass 1521]``, weights in [0, 1].
    """

    def __init__(self, towers: Towers, text: Tensor) -> None:
        super().__init__(towers, text)
        weights = text[:, LOOKS:]
        # A class has few labels: gather those instead of multiplying all positions, classes and labels.
        most = max(int((weights > 0).sum(dim=1).amax()), 1) if len(weights) else 1
        self._weight, self._label = weights.topk(most, dim=1)

    @torch.inference_mode()
    def image(self, patches: Patches, klasses: Klasses = None) -> Tensor:
        """``[clip patch 1521]`` to ``[clip patch klass]`` in [0, 1].

        The labels of a picture exclude each other, so the probability of any label of the class is their sum.
        """
        return (patches.joint[..., :LOOKS] @ choose(self.text, klasses)[:, :LOOKS].T).clamp(0.0, 1.0)

    @torch.inference_mode()
    def sound(self, positions: Positions, klasses: Klasses = None) -> Tensor:
        """``[clip sound 1521]`` to ``[clip sound klass]`` in [0, 1].

        The labels of a sound contain each other ("Guitar", "Acoustic guitar"), so the best of a class counts.
        """
        weight, label = choose(self._weight, klasses), choose(self._label, klasses)
        return (positions.joint[..., LOOKS:][..., label] * weight).amax(dim=-1).clamp(0.0, 1.0)

    @torch.inference_mode()
    def without_image(self, patches: Patches, klass: int) -> Patches:
        """What is left of a picture without a class: every label keeps the share that the class does not claim."""
        return replace(patches, joint=self._left_of(patches.joint, klass))

    @torch.inference_mode()
    def without_sound(self, positions: Positions, klass: int) -> Positions:
        """What is left of a sound without a class: a label of weight 1 is gone."""
        return replace(positions, joint=self._left_of(positions.joint, klass))

    def _left_of(self, places: Tensor, klass: int) -> Tensor:
        return places * (1 - self.text[klass].clamp(0.0, 1.0))
