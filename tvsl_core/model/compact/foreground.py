"""Where in a picture any object is, without knowing which and without training: three weak signs, multiplied.

1. *Strength*: the classifier's features are strong where it recognises things (root mean square over channels).
2. *Unlike the surroundings, in meaning*: features at stride 32 that point another way than the border's weak cells.
3. *Unlike the surroundings, in looks*: the same with the features at stride 16, which follow colour and texture.

A first map from these gives the object's own features, and a second pass asks of each cell whether it is more like the
object than like the surroundings. This is the idea of LOST (Simeoni et al., BMVC 2021) and TokenCut (Wang et al.,
CVPR 2022), seeds and affinities of frozen features, with the seed taken from a supervised network's strength and
without an eigenvalue problem, which was no better here (docs/compact-weights.md has the comparison).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tvsl_core.model.compact.efficientnet_lite import ImageFeatures

BLANK, FULL = 0.4, 0.9
"""Range of the strength over a frame: at BLANK nothing stands out (a plain colour has 0.4 to 0.6, from the borders
alone), from FULL on the map is believed in full (of 330 pictures with an object the least was 0.91)."""


class Affinities(NamedTuple):
    """How alike two patches are: cosines ``[clip patch patch]``."""

    meaning: Tensor
    """At stride 32; in [0, 1], since no feature of meaning is negative."""
    looks: Tensor
    """At stride 16, pooled to the same patches."""

    @classmethod
    def of(cls, features: ImageFeatures) -> Affinities:
        """Of every picture by itself."""
        cells = F.normalize(features.cells.float().flatten(2), dim=1)
        local = F.normalize(F.avg_pool2d(features.local.float(), 2).flatten(2), dim=1)
        return cls(meaning=cells.transpose(1, 2) @ cells, looks=local.transpose(1, 2) @ local)

    def mean(self) -> Tensor:
        """Of both, ``[clip patch patch]`` in [0, 1]; looks are clipped at 0."""
        return (self.meaning + self.looks.clamp(min=0)) / 2


def objectness(features: ImageFeatures, affinities: Affinities) -> Tensor:
    """How likely some object is at each cell: ``[clip row column]`` in [0, 1], finite; about 0.5 and more is object.

    The scale is the frame's own: the most object-like cell is near 1, unless nothing in the frame stands out
    (``BLANK``, ``FULL``).
    """
    rows, columns = features.cells.shape[-2:]
    raw = features.cells.float().square().mean(dim=1).sqrt().flatten(1)
    strength = _stretch(raw)
    surroundings = _border(rows, columns, raw.device) * (1 - strength).square() + 1e-4
    first = strength
    for alike in affinities:
        first = first * _stretch(1 - _mean_likeness(alike, surroundings))
    seed = _stretch(first).square() + 1e-5
    second = strength
    for alike in affinities:
        second = second * _stretch(_mean_likeness(alike, seed) - _mean_likeness(alike, surroundings))
    contrast = ((raw.amax(dim=1) - raw.amin(dim=1) - BLANK) / (FULL - BLANK)).clamp(0.0, 1.0)
    return (second.pow(1 / 3) * contrast[:, None]).reshape(-1, rows, columns)


def _mean_likeness(alike: Tensor, weights: Tensor) -> Tensor:
    """Of every patch with a weighted group of patches: ``[clip patch patch]``, ``[clip patch]`` to ``[clip patch]``."""
    return (alike @ weights[..., None]).squeeze(-1) / weights.sum(dim=1, keepdim=True)


def _stretch(values: Tensor) -> Tensor:
    """Each row to [0, 1]; all zeros where a row is constant."""
    low, high = values.amin(dim=1, keepdim=True), values.amax(dim=1, keepdim=True)
    return (values - low) / (high - low).clamp(min=1e-6)


def _border(rows: int, columns: int, device: torch.device) -> Tensor:
    """1 on the outermost cells of the grid, else 0: ``[patch]``."""
    border = torch.ones(rows, columns, device=device)
    border[1:-1, 1:-1] = 0
    return border.flatten()
