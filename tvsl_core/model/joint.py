"""Evidence of towers as they are, without trained heads: places and names meet in the joint space alone.

A set of towers derives its ``ClassEvidence`` from ``JointEvidence``, and says how much a vector speaks for a name and
what is left of it without one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from tvsl_core.model.evidence import Klasses, Patches, PictureParts, Positions
from tvsl_core.model.towers import Towers


class JointEvidence(ABC):
    """What all towers share that have not learned; see ``tvsl_core.model.evidence.ClassEvidence``.

    Args:
        towers: What reads pictures and sounds.
        text: ``[klass dim]``, the classes' names in their joint space.
    """

    def __init__(self, towers: Towers, text: Tensor) -> None:
        self._towers = towers
        self.text = text
        self.is_look_trained: NDArray[np.bool_] = np.zeros(len(text), dtype=bool)
        self.is_sound_trained: NDArray[np.bool_] = np.zeros(len(text), dtype=bool)

    @property
    def no_sound(self) -> Positions:
        """No position at all."""
        return Positions(joint=torch.zeros(0, self._towers.dim, device=self._towers.device))

    def read_images(self, images: Tensor) -> PictureParts:
        """What the towers see."""
        return self._towers.inspect_images(images)

    def read_sounds(self, waveforms: Tensor) -> Positions:
        """What the towers hear."""
        return Positions(joint=self._towers.sound_positions(waveforms).float())

    @abstractmethod
    def image(self, patches: Patches, klasses: Klasses = None) -> Tensor:
        """``[clip patch ...]`` to ``[clip patch klass]`` in [0, 1]."""

    @abstractmethod
    def sound(self, positions: Positions, klasses: Klasses = None) -> Tensor:
        """``[clip sound ...]`` to ``[clip sound klass]`` in [0, 1]."""

    @abstractmethod
    def without_image(self, patches: Patches, klass: int) -> Patches:
        """One picture without a class."""

    @abstractmethod
    def without_sound(self, positions: Positions, klass: int) -> Positions:
        """One sound without a class."""

    @torch.inference_mode()
    def agreement(self, patches: Patches, positions: Positions, klasses: Klasses = None) -> Tensor:
        """Cosine of each patch with the part of the sound that each name pulls out: ``[clip klass patch]``."""
        pulled = normalize(self.sound(positions, klasses).transpose(1, 2) @ positions.joint, dim=-1)
        return pulled @ normalize(patches.joint, dim=-1).transpose(1, 2)

    def likeness(self, klass: int, other: int) -> float:
        """Cosine of two names."""
        return float(torch.cosine_similarity(self.text[klass], self.text[other], dim=0))
