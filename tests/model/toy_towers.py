"""Towers as another package brings them, in one file: a dog is red and hums, a violin is green and whistles.

The joint space has two dimensions: redness and hum, greenness and whistle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.model.calibration import Calibration
from tvsl_core.model.evidence import Klasses, LabelEvidence, Patches, PictureParts, Positions, choose
from tvsl_core.model.joint import JointEvidence

NAMES = {"dog": 0, "violin": 1}
CELL, ROWS, COLUMNS = 8, 6, 8
HOP, SPAN = 800, 1600
WHISTLE_HZ = 1000


class ToyEvidence(JointEvidence):
    """A place speaks for a name as far as it lies along it."""

    def image(self, patches: Patches, klasses: Klasses = None) -> Tensor:
        return patches.joint @ choose(self.text, klasses).T

    def sound(self, positions: Positions, klasses: Klasses = None) -> Tensor:
        return positions.joint @ choose(self.text, klasses).T

    def without_image(self, patches: Patches, klass: int) -> Patches:
        return replace(patches, joint=patches.joint * (1 - self.text[klass]))

    def without_sound(self, positions: Positions, klass: int) -> Positions:
        return replace(positions, joint=positions.joint * (1 - self.text[klass]))


class ToyTowers:
    """Colours, pitches and two words."""

    name = "toy"
    dim = 2
    sample_rate = 8000
    weights_sha256 = "toy"
    calibration = Calibration()
    sound_hop_s = HOP / sample_rate
    sound_span_s = SPAN / sample_rate

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def preprocess(self, frames: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
        return torch.nn.functional.adaptive_avg_pool2d(pixels, (ROWS * CELL, COLUMNS * CELL)).to(self.device)

    def image_patches(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        red, green, blue = torch.nn.functional.avg_pool2d(images, CELL).unbind(dim=1)
        bold = torch.stack((red - green.maximum(blue), green - red.maximum(blue)), dim=-1)
        return bold.clamp(0, 1).flatten(1, 2), (ROWS, COLUMNS)

    def embed_images(self, images: Tensor) -> Tensor:
        return self.image_patches(images)[0].mean(dim=1)

    def inspect_images(self, images: Tensor) -> PictureParts:
        patches, grid = self.image_patches(images)
        alike = (patches[:, :, None] - patches[:, None]).abs().amax(dim=-1)
        return PictureParts(
            patches=Patches(joint=patches), grid=grid, features=patches,
            foreground=patches.amax(dim=-1).unflatten(1, grid), affinity=1 - alike,
        )  # fmt: skip

    def sound_positions(self, waveforms: Tensor) -> Tensor:
        padded = torch.nn.functional.pad(waveforms, (0, max(0, SPAN - waveforms.shape[1])))
        power = torch.fft.rfft(padded.unfold(1, SPAN, HOP)).abs() ** 2
        edge = round(WHISTLE_HZ * SPAN / self.sample_rate)
        bands = torch.stack((power[..., :edge].sum(-1), power[..., edge:].sum(-1)), dim=-1)
        return bands / bands.sum(dim=-1, keepdim=True).clamp_min(1e-9)

    def embed_audio(self, waveforms: Tensor) -> Tensor:
        return self.sound_positions(waveforms).mean(dim=1)

    def embed_text(self, names: Sequence[str]) -> Tensor:
        text = torch.zeros(len(names), self.dim, device=self.device)
        for row, name in enumerate(names):
            if name in NAMES:
                text[row, NAMES[name]] = 1
        return text

    def class_evidence(self, names: Sequence[str], labels: Mapping[str, LabelEvidence]) -> ToyEvidence:
        return ToyEvidence(self, self.embed_text(names))


def load(*, weights: Path | Mapping[str, Any] | None, device: torch.device, precision: str) -> ToyTowers:
    """What an entry point of the group ``tvsl.towers`` names."""
    return ToyTowers(device)
