"""Evidence of the AudioCLIP towers: cosines with a class, set against its rivals (``evidence``)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tvsl_core.model.audioclip import evidence
from tvsl_core.model.evidence import Klasses, Patches, Positions, choose
from tvsl_core.model.joint import JointEvidence
from tvsl_core.model.towers import Towers


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Rivals:
    """What every class stands against in pictures, or in sounds."""

    background: Tensor
    """``[rival dim]``: names of what is there when no class is."""
    nothing: Tensor
    """``[clip place dim]`` without content."""
    scale: float
    """Logits per cosine."""


class AudioClipEvidence(JointEvidence):
    """Class evidence in AudioCLIP's joint space.

    Args:
        towers: What reads pictures and sounds.
        text: ``[klass dim]``.
        unseen: What classes stand against in pictures.
        unheard: The same in sounds.
    """

    def __init__(self, towers: Towers, text: Tensor, *, unseen: Rivals, unheard: Rivals) -> None:
        super().__init__(towers, text)
        self._unseen, self._unheard = unseen, unheard

    @torch.inference_mode()
    def image(self, patches: Patches, klasses: Klasses = None) -> Tensor:
        """How strongly each patch shows each class, in [0, 1]: ``[clip patch dim]`` to ``[clip patch klass]``."""
        return self._against(patches.joint, self._unseen, klasses)

    @torch.inference_mode()
    def sound(self, positions: Positions, klasses: Klasses = None) -> Tensor:
        """How strongly each position holds each class: ``[clip sound dim]`` to ``[clip sound klass]``.

        In [0, 1], at most 0.05 in digital silence of 5 s.
        """
        return self._against(positions.joint, self._unheard, klasses)

    @torch.inference_mode()
    def without_image(self, patches: Patches, klass: int) -> Patches:
        """What is left of a picture, ``[patch dim]``, once a class is taken out."""
        left = evidence.without(patches.joint, text=self.text[klass], background=self._unseen.background)
        return replace(patches, joint=left)

    @torch.inference_mode()
    def without_sound(self, positions: Positions, klass: int) -> Positions:
        """What is left of a sound, ``[sound dim]``, once a class is taken out."""
        left = evidence.without(positions.joint, text=self.text[klass], background=self._unheard.background)
        return replace(positions, joint=left)

    def _against(self, places: Tensor, rivals: Rivals, klasses: Klasses) -> Tensor:
        return evidence.evidence(
            places,
            text=choose(self.text, klasses),
            background=rivals.background,
            nothing=rivals.nothing,
            scale=rivals.scale,
        )
