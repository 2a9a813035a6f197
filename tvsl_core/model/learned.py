"""Class evidence that has learned: trained heads over frozen towers.

For the classes that the heads were trained on, their evidence replaces the untrained mapping; any other name is judged
by the untrained mapping as before, so that nothing is lost. A generic name (drum) is answered by what was trained below
it (snare drum, drum kit).

Heads that were taught more have those that they come from beside them, which go on answering for the classes that they
knew: to make room for a new class, training moves what the heads make of everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.model.evidence import ClassEvidence, Klasses, Patches, PictureParts, Positions, choose
from tvsl_core.model.heads import TvslHeads
from tvsl_core.model.heads_file import HeadsInfo
from tvsl_core.model.towers import TrainableTowers
from tvsl_core.vocabulary.classes import Vocabulary, load_vocabulary

LOOKS = "looks"
SOUNDS = "sounds"
"""Keys of a heads file's details: which of its classes were trained on pictures, and which on sounds."""
TRUST, SUPPORT = "trust", "support"
"""Keys of a heads file's details: by class, the weights of the heads' logit and of the untrained mapping's logit.
Where a class was trained on few recordings, the untrained mapping, which learned from thousands, knows more."""
FAINT = 1e-3
"""Untrained evidence below this is none; how far below says nothing."""
GENERIC = 0.9
"""Share of a trained class's evidence that its generic name gets: guitar must not crowd out acoustic guitar."""


class LearnedHeads:
    """Trained heads, over the towers that they were trained on, whatever classes are looked for.

    Args:
        towers: What the heads were trained over.
        heads: In eval mode.
        info: What the heads' file says.
    """

    def __init__(self, towers: TrainableTowers, heads: TvslHeads, info: HeadsInfo) -> None:
        self.towers = towers
        self.heads = heads.to(towers.device)
        self.info = info
        self.earlier = info.earlier and info.earlier._replace(heads=info.earlier.heads.to(towers.device))
        """What answers for the classes that were known before; None where all were learned together."""
        self.text = info.text.to(towers.device)
        """``[trained names_dim]`` of the trained classes."""
        self.names = info.classes
        """What the heads were trained on."""
        self.vocabulary = load_vocabulary(None).extend(info.classes)
        """The default classes, and those that only the heads know."""
        self.coverage = _Coverage(info, self.vocabulary)
        self.trust, self.support = (
            torch.tensor([weights.get(name, usual) for name in info.classes], device=towers.device)
            for weights, usual in ((dict(info.details.get(TRUST, {})), 1.0), (dict(info.details.get(SUPPORT, {})), 0.0))
        )
        """``[trained]``: how much heads and untrained mapping each count in what a trained class sounds like."""
        self.mapped = towers.class_evidence(info.classes, self.vocabulary.evidence())
        """The untrained mapping of the trained classes."""

    def patches(self, features: Tensor, joint: Tensor | None = None) -> Patches:
        """What towers and heads say of patches ``[clip patch feature]``.

        Args:
            features: Of the patches.
            joint: What the towers say, where it is known already.
        """
        features, before = features.float(), None
        seen = self.heads.see(features)
        likely = torch.softmax(self.heads.image_logits(seen, self.text), dim=-1)
        if self.earlier is not None:
            old, known = self.earlier
            before = old.see(features)
            new = likely[..., known:-1]
            # The classes of a patch exclude each other: what is new there is taken from the others.
            others = torch.softmax(old.image_logits(before, self.text[:known]), dim=-1)
            others = others * (1 - new.sum(dim=-1, keepdim=True))
            likely = torch.cat((others[..., :-1], new, others[..., -1:]), dim=-1)
        joint = self.towers.joint_image(features) if joint is None else joint
        return Patches(joint=joint.float(), likely=likely, seen=seen, seen_before=before)

    def positions(self, features: Tensor) -> Positions:
        """What towers say of sound positions ``[clip sound feature]``, which the heads judge together later."""
        return Positions(joint=self.towers.joint_sound(features).float(), features=features.float())

    def sounding(self, positions: Positions) -> Tensor:
        """How surely each trained class sounds at each position, in [0, 1]: ``[clip sound trained]``."""
        mapped = torch.logit(self.mapped.sound(positions), eps=FAINT)

        def say(heads: TvslHeads, names: int) -> Tensor:
            logits = heads.sound_logits(heads.hear(_read(positions.features)), self.text[:names])
            return torch.sigmoid(self.trust[:names] * logits + self.support[:names] * mapped[..., :names])

        said = say(self.heads, len(self.text))
        if self.earlier is None:
            return said
        old, known = self.earlier
        new = said[..., known:]
        # Sounds mix: where something new is heard, only heads that know it can tell what else is there.
        before = say(old, known).lerp(said[..., :known], new.amax(dim=-1, keepdim=True))
        return torch.cat((before, new), dim=-1)

    def agreement(self, patches: Patches, positions: Positions) -> Tensor:
        """How well each patch agrees with what each trained class pulls out of the sound: ``[clip trained patch]``."""
        features = _read(positions.features)
        found = self.heads.correspondence(_read(patches.seen), self.heads.hear(features), self.text)
        if self.earlier is None:
            return found
        old, known = self.earlier
        before = old.correspondence(_read(patches.seen_before), old.hear(features), self.text[:known])
        return torch.cat((before, found[:, known:]), dim=1)


class LearnedEvidence:
    """Evidence by trained heads where they know a class; see ``tvsl_core.model.evidence.ClassEvidence``.

    Args:
        learned: The heads.
        untrained: Evidence for the same classes by the towers alone.
        names: Of the classes, in order.
    """

    def __init__(self, learned: LearnedHeads, untrained: ClassEvidence, names: Sequence[str]) -> None:
        self._learned, self._untrained = learned, untrained
        self.text = untrained.text
        looks, sounds = learned.coverage.marks(names)
        self.is_look_trained: NDArray[np.bool_] = np.asarray(looks.any(axis=1), dtype=bool)
        self.is_sound_trained: NDArray[np.bool_] = np.asarray(sounds.any(axis=1), dtype=bool)
        device = learned.towers.device
        self._looks, self._sounds = (torch.from_numpy(side).to(device) for side in (looks, sounds))
        """``[klass trained]``: how far each trained class answers for a class, in pictures and in sounds."""
        self._known_looks = torch.from_numpy(learned.coverage.looks).to(device)

    @property
    def no_sound(self) -> Positions:
        """No position at all."""
        dim, (_, features) = self._learned.towers.dim, self._learned.towers.feature_dims
        device = self._learned.towers.device
        return Positions(joint=torch.zeros(0, dim, device=device), features=torch.zeros(0, features, device=device))

    @torch.inference_mode()
    def read_images(self, images: Tensor) -> PictureParts:
        """What the towers see, and what the heads say of it."""
        parts = self._learned.towers.inspect_images(images)
        return replace(parts, patches=self._learned.patches(parts.features, parts.patches.joint))

    @torch.inference_mode()
    def read_sounds(self, waveforms: Tensor) -> Positions:
        """What the towers hear, at the positions that the heads were trained on."""
        return self._learned.positions(self._learned.towers.sound_features(waveforms))

    @torch.inference_mode()
    def image(self, patches: Patches, klasses: Klasses = None) -> Tensor:
        """``[clip patch ...]`` to ``[clip patch klass]`` in [0, 1]."""
        marks, sounds = choose(self._looks, klasses), choose(self._sounds, klasses)
        likely = _read(patches.likely)[..., :-1]  # without background
        learned = likely @ marks.T
        untrained = self._untrained.image(patches, klasses)
        # A class that was trained keeps its untrained look only as far as the heads see no class there: to the towers
        # below, every violin is something of a cello.
        claimed = likely[..., self._known_looks].sum(dim=-1, keepdim=True)
        untrained = torch.where(sounds.any(dim=1), untrained * (1 - claimed), untrained)
        # One that leans on the untrained mapping for its sound was shown in few pictures as well (most animals).
        leans = (marks > 0).float() @ (self._learned.trust < 1).float() > 0
        learned = torch.where(leans, torch.maximum(learned, untrained), learned)
        return torch.where(marks.any(dim=1), learned, untrained).clamp(0.0, 1.0)

    @torch.inference_mode()
    def sound(self, positions: Positions, klasses: Klasses = None) -> Tensor:
        """``[clip sound ...]`` to ``[clip sound klass]`` in [0, 1]."""
        marks = choose(self._sounds, klasses)
        untrained = self._untrained.sound(positions, klasses)
        if not bool(marks.any()) or positions.joint.shape[-2] == 0:
            return untrained
        learned = (self._learned.sounding(positions)[..., None, :] * marks).amax(dim=-1)
        return torch.where(marks.any(dim=1), learned, untrained).clamp(0.0, 1.0)

    def without_image(self, patches: Patches, klass: int) -> Patches:
        """Takes a class out of what the towers alone see."""
        return self._untrained.without_image(patches, klass)

    def without_sound(self, positions: Positions, klass: int) -> Positions:
        """Takes a class out of what the towers alone hear; heads have learned to hear one beside the other."""
        return self._untrained.without_sound(positions, klass)

    @torch.inference_mode()
    def agreement(self, patches: Patches, positions: Positions, klasses: Klasses = None) -> Tensor:
        """By the heads for trained classes, by the towers alone for others: ``[clip klass patch]``."""
        marks = choose(self._looks, klasses)
        untrained = self._untrained.agreement(patches, positions, klasses)
        learned = marks @ self._learned.agreement(patches, positions)
        return torch.where(marks.any(dim=1)[None, :, None], learned, untrained)

    def likeness(self, klass: int, other: int) -> float:
        """Cosine of two names, the trained classes that each stands for among their coordinates."""
        one, two = (torch.cat((self.text[k].float(), self._looks[k], self._sounds[k])) for k in (klass, other))
        return float(torch.cosine_similarity(one, two, dim=0))


def _read(tensor: Tensor | None) -> Tensor:
    if tensor is None:
        raise ValueError("heads judge what the same evidence has read: use its read_images and read_sounds")
    return tensor


class _Coverage:
    """Which trained classes a name stands for: itself under any of its names, and what is below a generic name."""

    def __init__(self, info: HeadsInfo, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._classes = tuple(self._usual(name) for name in info.classes)
        looks, sounds = (set(info.details.get(key, info.classes)) for key in (LOOKS, SOUNDS))
        self.looks = np.array([name in looks for name in info.classes])
        self._sounds = np.array([name in sounds for name in info.classes])

    def marks(self, names: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """How far each trained class answers for a name's look, and its sound: ``[name trained]`` in [0, 1]."""
        rows = np.asarray([self._row(name) for name in names], np.float32).reshape(len(names), len(self._classes))
        return rows * self.looks, rows * self._sounds

    def _row(self, name: str) -> NDArray[np.float32]:
        itself = self._usual(name)
        row = np.array([itself == trained for trained in self._classes], np.float32)
        if row.any():
            return row
        return np.array([GENERIC * (itself in self._above(trained)) for trained in self._classes], np.float32)

    def _above(self, trained: str) -> frozenset[str]:
        return self._vocabulary.ancestors(trained) if trained in self._vocabulary.names else frozenset()

    def _usual(self, name: str) -> str:
        """What the vocabulary calls it: a list of VGGSound says "playing cello"."""
        known = self._vocabulary.find(name)
        return known.name if known is not None else name
