"""Where in a picture any object is, without knowing which."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from tvsl_core.model.compact.efficientnet_lite import ImageFeatures


def affinity(features: ImageFeatures) -> Tensor:
    """Cosines between patches ``[clip patch patch]``."""
    cells = F.normalize(features.cells.float().flatten(2), dim=1)
    return cells.transpose(1, 2) @ cells


def objectness(images: Tensor, features: ImageFeatures, logits: Tensor) -> Tensor:
    """``[clip row column]`` in [0, 1]."""
    strength = features.cells.float().square().mean(dim=1)
    low, high = strength.amin(dim=(1, 2), keepdim=True), strength.amax(dim=(1, 2), keepdim=True)
    return (strength - low) / (high - low).clamp(min=1e-6)
