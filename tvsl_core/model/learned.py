"""Towers that have learned: trained heads over frozen towers, behind the same interface.

For the classes that the heads were trained on, their evidence replaces the untrained mapping; any other name is judged
by the untrained mapping as before, so that nothing is lost. A generic name (drum) is answered by what was trained below
it (snare drum, drum kit).

A *patch* of these towers is the untrained vector, then the probability of each trained class and of background, then
where the heads put it among names. A *position* is the untrained vector, then the sound's features, since a position
is judged beside those around it. A *name* is its untrained vector, then which trained classes it stands for, in
pictures and in sounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.model.heads import TvslHeads
from tvsl_core.model.heads_file import HeadsInfo
from tvsl_core.model.towers import LabelEvidence, PictureParts, Side, Towers
from tvsl_core.vocabulary.classes import Vocabulary, load_vocabulary

LOOKS: Side = "looks"
SOUNDS: Side = "sounds"
"""Keys of a heads file's details: which of its classes were trained on pictures, and which on sounds."""
TRUST, SUPPORT = "trust", "support"
"""Keys of a heads file's details: by class, the weights of the heads' logit and of the untrained mapping's logit.
Where a class was trained on few recordings, the untrained mapping, which learned from thousands, knows more."""
FAINT = 1e-3
"""Untrained evidence below this is none; how far below says nothing."""
GENERIC = 0.9
"""Share of a trained class's evidence that its generic name gets: guitar must not crowd out acoustic guitar."""


class LearnedTowers:
    """Trained heads over frozen towers; see ``tvsl_core.model.towers.Towers``.

    Args:
        towers: What the heads were trained over.
        heads: In eval mode.
        info: What the heads' file says.
        weights_sha256: What identifies towers and heads together in a result.
    """

    def __init__(self, towers: Towers, heads: TvslHeads, info: HeadsInfo, *, weights_sha256: str) -> None:
        self.towers = towers
        self.heads = heads.to(towers.device)
        self.info = info
        self.name = towers.name
        self.dim = towers.dim
        self.sample_rate = towers.sample_rate
        self.patch_size = towers.patch_size
        self.device = towers.device
        self.weights_sha256 = weights_sha256
        self.feature_dims = towers.feature_dims
        self.names_dim = towers.names_dim
        self.text = info.text.to(towers.device)
        """``[klass names_dim]`` of the trained classes."""
        self._coverage = _Coverage(info)
        self._known_looks = torch.from_numpy(self._coverage.looks).to(towers.device)
        self._trust, self._support = (
            torch.tensor([weights.get(name, usual) for name in info.classes], device=towers.device)
            for weights, usual in ((dict(info.details.get(TRUST, {})), 1.0), (dict(info.details.get(SUPPORT, {})), 0.0))
        )
        """``[klass]``: how much the heads and the untrained mapping each count in what a trained class sounds like."""
        towers.curate(load_vocabulary(None).evidence())
        with torch.inference_mode():
            self._mapped_names = towers.embed_text(info.classes).float()

    @property
    def sound_hop_s(self) -> float | None:
        """As of the towers below."""
        return self.towers.sound_hop_s

    @property
    def sound_span_s(self) -> float:
        """As of the towers below."""
        return self.towers.sound_span_s

    def preprocess(self, frames: NDArray[np.uint8]) -> Tensor:
        """As of the towers below."""
        return self.towers.preprocess(frames)

    def embed_images(self, images: Tensor) -> Tensor:
        """As of the towers below: the joint space for search is the untrained one."""
        return self.towers.embed_images(images)

    def embed_audio(self, waveforms: Tensor) -> Tensor:
        """As of the towers below."""
        return self.towers.embed_audio(waveforms)

    def embed_names(self, names: Sequence[str]) -> Tensor:
        """As of the towers below."""
        return self.towers.embed_names(names)

    def image_features(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """As of the towers below."""
        return self.towers.image_features(images)

    def sound_features(self, waveforms: Tensor) -> Tensor:
        """As of the towers below."""
        return self.towers.sound_features(waveforms)

    def joint_image(self, features: Tensor) -> Tensor:
        """Features to ``[clip patch dim+klass+1+names_dim]``: untrained vector, trained classes, background, heads."""
        seen = self.heads.see(features.float())
        likely = torch.softmax(self.heads.image_logits(seen, self.text), dim=-1)
        return torch.cat((self.towers.joint_image(features).float(), likely, seen), dim=-1)

    def joint_sound(self, features: Tensor) -> Tensor:
        """Features to ``[clip sound dim+features]``: untrained vector, features."""
        return torch.cat((self.towers.joint_sound(features).float(), features.float()), dim=-1)

    @torch.inference_mode()
    def image_patches(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Normalised ``[clip 3 height width]`` to (``[clip patch dim+klass+1+names_dim]``, (rows, columns))."""
        features, grid = self.towers.image_features(images)
        return self.joint_image(features), grid

    @torch.inference_mode()
    def sound_positions(self, waveforms: Tensor) -> Tensor:
        """Mono ``[clip sample]`` to ``[clip sound dim+features]``."""
        return self.joint_sound(self.towers.sound_features(waveforms))

    def curate(self, evidence: Mapping[str, LabelEvidence]) -> None:
        """As of the towers below."""
        self.towers.curate(evidence)

    def is_trained(self, names: Sequence[str], side: Side) -> Sequence[bool]:
        """Those for whose look or sound a trained class answers."""
        looks, sounds = np.split(self._coverage.marks(names), 2, axis=1)
        return [bool(row.any()) for row in (looks if side == LOOKS else sounds)]

    @torch.inference_mode()
    def embed_text(self, names: Sequence[str]) -> Tensor:
        """Names to ``[klass dim+2*trained]``: untrained vector, trained classes it stands for by look and by sound."""
        marks = torch.from_numpy(self._coverage.marks(names)).to(self.device)
        return torch.cat((self.towers.embed_text(names).float(), marks), dim=-1)

    @torch.inference_mode()
    def image_evidence(self, patches: Tensor, text: Tensor) -> Tensor:
        """``[clip patch ...]`` and ``[klass ...]`` to ``[clip patch klass]`` in [0, 1]."""
        trained = len(self.text)
        marks = text[:, self.dim : self.dim + trained]
        learned = patches[..., self.dim : self.dim + trained] @ marks.T
        untrained = self.towers.image_evidence(patches[..., : self.dim], text[:, : self.dim])
        # A class that was trained keeps its untrained look only as far as the heads see no class there: to the towers
        # below, every violin is something of a cello.
        claimed = patches[..., self.dim : self.dim + trained][..., self._known_looks].sum(dim=-1, keepdim=True)
        is_heard = text[:, self.dim + trained :].any(dim=1)
        untrained = torch.where(is_heard, untrained * (1 - claimed), untrained)
        # One that leans on the untrained mapping for its sound was shown in few pictures as well (most animals).
        leans = (marks > 0).float() @ (self._trust < 1).float() > 0
        learned = torch.where(leans, torch.maximum(learned, untrained), learned)
        return torch.where(marks.any(dim=1), learned, untrained).clamp(0.0, 1.0)

    @torch.inference_mode()
    def sound_evidence(self, positions: Tensor, text: Tensor) -> Tensor:
        """``[clip sound ...]`` and ``[klass ...]`` to ``[clip sound klass]`` in [0, 1]."""
        marks = text[:, self.dim + len(self.text) :]
        untrained = self.towers.sound_evidence(positions[..., : self.dim], text[:, : self.dim])
        if not bool(marks.any()) or positions.shape[-2] == 0:
            return untrained
        logits = self.heads.sound_logits(self.heads.hear(positions[..., self.dim :]), self.text)
        mapped = self.towers.sound_evidence(positions[..., : self.dim], self._mapped_names)
        heard = torch.sigmoid(self._trust * logits + self._support * torch.logit(mapped, eps=FAINT))
        learned = (heard[..., None, :] * marks).amax(dim=-1)
        return torch.where(marks.any(dim=1), learned, untrained).clamp(0.0, 1.0)

    @torch.inference_mode()
    def without_sound(self, positions: Tensor, text: Tensor) -> Tensor:
        """Takes a class out of the untrained part; the trained heads have learned to hear one beside the other."""
        rest = self.towers.without_sound(positions[..., : self.dim], text[..., : self.dim])
        return torch.cat((rest, positions[..., self.dim :]), dim=-1)

    @torch.inference_mode()
    def without_image(self, patches: Tensor, text: Tensor) -> Tensor:
        """Takes a class out of the untrained part."""
        rest = self.towers.without_image(patches[..., : self.dim], text[..., : self.dim])
        return torch.cat((rest, patches[..., self.dim :]), dim=-1)

    @torch.inference_mode()
    def agreement(self, patches: Tensor, positions: Tensor, text: Tensor) -> Tensor:
        """By the heads for trained classes, by the towers below for others: ``[clip klass patch]``."""
        marks = text[:, self.dim : self.dim + len(self.text)]
        joint, names = patches[..., : self.dim], text[:, : self.dim]
        untrained = self.towers.agreement(joint, positions[..., : self.dim], names)
        heard = self.heads.hear(positions[..., self.dim :])
        learned = self.heads.correspondence(patches[..., -self.names_dim :], heard, self.text)
        return torch.where(marks.any(dim=1)[None, :, None], marks @ learned, untrained)

    @torch.inference_mode()
    def inspect_images(self, images: Tensor) -> PictureParts:
        """As of the towers below, with what was learned about patches."""
        parts = self.towers.inspect_images(images)
        return replace(parts, patches=self.joint_image(parts.features))


class _Coverage:
    """Which trained classes a name stands for: itself under any of its names, and what is below a generic name."""

    def __init__(self, info: HeadsInfo) -> None:
        self._classes = info.classes
        self._vocabulary: Vocabulary = load_vocabulary(None)
        looks, sounds = (set(info.details.get(key, info.classes)) for key in (LOOKS, SOUNDS))
        self.looks = np.array([name in looks for name in info.classes])
        self._sounds = np.array([name in sounds for name in info.classes])

    def marks(self, names: Sequence[str]) -> NDArray[np.float32]:
        """``[name 2*klass]``: how far each trained class answers for the name's look, then for its sound, in [0, 1]."""
        rows = [np.concatenate((row * self.looks, row * self._sounds)) for row in map(self._row, names)]
        return np.asarray(rows, np.float32).reshape(len(rows), 2 * len(self._classes))

    def _row(self, name: str) -> NDArray[np.float32]:
        known = self._vocabulary.find(name)
        itself = known.name if known is not None else name
        row = np.array([itself == trained for trained in self._classes], np.float32)
        if row.any():
            return row
        return np.array([GENERIC * (itself in self._above(trained)) for trained in self._classes], np.float32)

    def _above(self, trained: str) -> frozenset[str]:
        return self._vocabulary.ancestors(trained) if trained in self._vocabulary.names else frozenset()
