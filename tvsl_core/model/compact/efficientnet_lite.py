"""EfficientNet-Lite0: a picture becomes ImageNet logits, for the whole and for every cell of its grid.

The network is the mobile-friendly EfficientNet without squeeze-and-excitation and with ReLU6, as its authors published
it (Tan and Le, "EfficientNet", ICML 2019, arXiv 1905.11946; the Lite variant in Google's TPU repository, Apache-2.0).
Every batch normalisation is folded into the convolution before it, so that only weights and biases remain.
Convolutions pad as TensorFlow's "SAME" does, for any height and width: on the right and bottom first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tvsl_core.model.layers.compiled import Traced, run
from tvsl_core.model.layers.convolution import Activation, convolve

STRIDE = 32
"""Pixels of the prepared picture per cell of the feature grid, in each direction."""
FEATURES = 1280
CLASSES = 1000
MEAN, SCALE = 127.0, 128.0
"""A prepared picture is ``(pixel - MEAN) / SCALE``."""
STEM = 32
LOCAL_STAGE = 4
"""The last stage at stride 16, whose 112 channels serve as local features."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A run of inverted bottlenecks of one width."""

    repeats: int
    kernel: int
    stride: int
    """Of the first bottleneck; the others have 1."""
    expansion: int
    channels: int


STAGES = (
    Stage(repeats=1, kernel=3, stride=1, expansion=1, channels=16),
    Stage(repeats=2, kernel=3, stride=2, expansion=6, channels=24),
    Stage(repeats=2, kernel=5, stride=2, expansion=6, channels=40),
    Stage(repeats=3, kernel=3, stride=2, expansion=6, channels=80),
    Stage(repeats=3, kernel=5, stride=1, expansion=6, channels=112),
    Stage(repeats=4, kernel=5, stride=2, expansion=6, channels=192),
    Stage(repeats=1, kernel=3, stride=1, expansion=6, channels=320),
)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after an axis so that a convolution gives ``ceil(size / stride)`` values.

    An odd total puts the extra zero after, as TensorFlow's "SAME" does.
    """
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """A convolution with bias that pads its input as TensorFlow's "SAME"."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        # At stride 1 and an odd kernel "SAME" is symmetric, which the convolution can do without a copy.
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride=stride, padding=padding, groups=groups, bias=True)

    def reset_parameters(self) -> None:
        """Leave the memory as it is: every parameter comes from a file, and drawing random ones takes longer."""

    def forward(self, input: Any, *, activation: Activation = "none", shortcut: Any = None) -> Any:
        """``[clip inputs height width]`` to ``[clip outputs ceil(height/stride) ceil(width/stride)]``.

        With an activation after it, and before that a shortcut added, over which the answer may be written. All are
        tensors, or all are traced.
        """
        if isinstance(input, Traced):
            return input.convolve(self, activation=activation, shortcut=shortcut)
        kernel, stride = self.kernel_size[0], self.stride[0]
        weight, padding = self.weight, (int(self.padding[0]), int(self.padding[1]))
        if stride > 1:
            top, bottom = same_padding(input.shape[-2], kernel, stride)
            left, right = same_padding(input.shape[-1], kernel, stride)
            if (top + 1, left + 1) == (bottom, right):
                # Even sides want one zero less before than after. A kernel with a row and a column of zeros in front
                # and equal padding computes the same; to copy the picture into a larger one takes longer.
                weight, padding = F.pad(weight, (1, 0, 1, 0)), (bottom, right)
            else:
                input = F.pad(input, (left, right, top, bottom))
        assert self.bias is not None
        return convolve(
            input,
            weight,
            self.bias,
            stride=(stride, stride),
            padding=padding,
            groups=self.groups,
            activation=activation,
            shortcut=shortcut,
        )


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel in space, narrow; added to its input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = SameConv2d(inputs, wide) if expansion > 1 else None
        self.filter = SameConv2d(wide, wide, kernel=kernel, stride=stride, groups=wide)
        self.project = SameConv2d(wide, outputs)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """``[clip inputs height width]`` to ``[clip outputs height' width']``, which may be written over ``x``."""
        wide = self.expand(x, activation="relu6") if self.expand is not None else x
        narrow: Tensor = self.project(self.filter(wide, activation="relu6"), shortcut=x if self.shortcut else None)
        return narrow


class ImageFeatures(NamedTuple):
    """What the picture network sees."""

    cells: Tensor
    """``[clip 1280 row column]`` at stride 32, not negative, at most 6."""
    local: Tensor
    """``[clip 112 row' column']`` at stride 16: finer, and closer to the pixels."""


class EfficientNetLite0(nn.Module):
    """Picture in, ImageNet logits out; 4.65 million parameters, of which 1.28 million are the classifier's."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv2d(3, STEM, kernel=3, stride=2)
        stages = []
        inputs = STEM
        for stage in STAGES:
            blocks = []
            for repeat in range(stage.repeats):
                stride = stage.stride if repeat == 0 else 1
                blocks.append(
                    InvertedBottleneck(
                        inputs, stage.channels, kernel=stage.kernel, stride=stride, expansion=stage.expansion
                    )
                )
                inputs = stage.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.head = SameConv2d(inputs, FEATURES)
        self.classifier = nn.Linear(FEATURES, CLASSES)

    def features(self, images: Tensor) -> ImageFeatures:
        """Prepared pictures ``[clip 3 height width]`` to their features at strides 32 and 16."""
        return ImageFeatures(*run(self, self._maps, images, clips=1))

    def _maps(self, images: Any) -> tuple[Any, Any]:
        x = self.stem(images, activation="relu6")
        local = x
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index == LOCAL_STAGE:
                local = x
        return self.head(x, activation="relu6"), local

    def forward(self, images: Tensor) -> Tensor:
        """Prepared pictures ``[clip 3 height width]`` to ImageNet logits ``[clip 1000]``."""
        pooled = self.features(images).cells.mean(dim=(-2, -1))
        logits: Tensor = self.classifier(pooled)
        return logits


def fold_batch_norm(
    weight: Tensor, *, gain: Tensor, shift: Tensor, mean: Tensor, variance: Tensor
) -> tuple[Tensor, Tensor]:
    """One convolution that does what a convolution and the batch normalisation after it do.

    Args:
        weight: ``[outputs inputs height width]`` of a convolution without bias.
        gain: ``[outputs]``, the normalisation's weight.
        shift: ``[outputs]``, its bias.
        mean: ``[outputs]``, its running mean.
        variance: ``[outputs]``, its running variance.

    Returns: Weight and bias in float64. The network's epsilon, 1e-3, is that of the published one.
    """
    factor = gain.double() / torch.sqrt(variance.double() + 1e-3)
    return weight.double() * factor[:, None, None, None], shift.double() - mean.double() * factor
