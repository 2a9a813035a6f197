"""The sound tower: ESResNeXt-fbsp (arXiv 2104.11587), pooled as published or read position by position."""

from __future__ import annotations

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from tvsl_core.model.audioclip import fbsp
from tvsl_core.model.audioclip.blocks import stage
from tvsl_core.model.audioclip.sizes import EXPANSION, STRIDE, SoundSizes

INT16_SCALE = 32_768.0
"""What [-1, 1] is multiplied with by default: AudioCLIP's own pipeline works on 16-bit samples."""
ATTENTION_KERNELS = ((3, 1), (1, 5), (3, 1), (1, 5), (3, 5))
"""Rows by columns of the five depthwise convolutions."""
WIDEN = 2
"""Width of the grouped convolution per planes of the stage: 32 groups of 4 for 64 planes."""


def to_filter_scale(samples: Tensor) -> Tensor:
    """Samples on the +-32768 scale to what the filters saw in training; same order of operations as published.

    Shapes: samples ``[clip sample]`` to ``[clip sample]``.
    """
    return (samples + 32_768.0) * 2 / 65_535 - 1


class SoundAttention(nn.Module):
    """A gate in (0, 1) for the output of a stage, computed from its input (arXiv 2104.11587, section 3.2)."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        same = (kernel[0] // 2, kernel[1] // 2)
        self.conv_depth = nn.Conv2d(inputs, inputs, kernel, padding=same, groups=inputs)
        self.conv_point = nn.Conv2d(inputs, outputs, 1)
        self.bn: nn.Module = nn.BatchNorm2d(outputs)
        self.sigmoid: nn.Module = nn.Sigmoid()

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """The gate on a grid of the given size.

        Shapes: x ``[clip inputs row column]`` to ``[clip outputs row2 column2]``.
        """
        pooled = x if x.shape[-2:] == size else fn.adaptive_max_pool2d(x, size)
        gate: Tensor = self.sigmoid(self.bn(self.conv_point(self.conv_depth(pooled))))
        return gate


class SoundTower(nn.Module):
    """ESResNeXt-fbsp. Attribute names are those of the published weights under ``audio.``."""

    window: Tensor
    kernel: Tensor | None
    """The filters, computed once; None computes them at every call, as the published model does."""

    def __init__(self, sizes: SoundSizes, *, dim: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.at_once: int | None = None
        self.register_buffer("window", fbsp.blackman_harris(sizes.frame))
        self.register_buffer("kernel", None, persistent=False)
        self.fbsp = fbsp.FbspFilters(sizes)
        planes = sizes.planes
        self.conv1 = nn.Conv2d(sizes.bands, planes, 7, stride=2, padding=3, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(planes)
        self.relu1: nn.Module = nn.ReLU(inplace=True)
        inputs = planes
        for index, depth in enumerate(sizes.blocks):
            width = planes * 2**index
            outputs = width * EXPANSION
            self.add_module(
                f"layer{index + 1}",
                stage(
                    inputs=inputs,
                    planes=width,
                    depth=depth,
                    stride=1 if index == 0 else 2,
                    widen=WIDEN,
                    groups=sizes.cardinality,
                    pool=False,
                ),
            )
            self.add_module(f"att{index + 1}", SoundAttention(inputs, outputs, ATTENTION_KERNELS[index]))
            inputs = outputs
        self.att5 = SoundAttention(inputs, inputs, ATTENTION_KERNELS[4])
        self.fc = nn.Linear(inputs, dim)

    def spectrogram(self, waveforms: Tensor) -> Tensor:
        """Decibels of a sound on the +-32768 scale.

        Shapes: waveforms ``[clip sample]`` to ``[clip band bin column]``.
        """
        matrix = self.kernel
        if matrix is None:
            matrix = fbsp.kernel(self.fbsp, self.sizes)
        samples = to_filter_scale(waveforms.float())
        return fbsp.spectrogram(samples, window=self.window.float(), matrix=matrix, sizes=self.sizes)

    def features(self, decibels: Tensor) -> Tensor:
        """The last feature grid, after the fourth attention.

        Shapes: decibels ``[clip band bin column]`` to ``[clip channel row column2]``.
        """
        x: Tensor = self.relu1(self.bn1(self.conv1(decibels)))
        x = fn.max_pool2d(x, 3, stride=2, padding=1)
        for index in range(1, 5):
            y = self.get_submodule(f"layer{index}")(x)
            x = y * self.get_submodule(f"att{index}")(x, tuple(y.shape[-2:]))
        return x

    def listen(self, waveforms: Tensor) -> Tensor:
        """From sound on the +-32768 scale to the last feature grid, ``at_once`` clips together (None: all).

        Shapes: waveforms ``[clip sample]`` to ``[clip channel row column]``.
        """
        parts = torch.split(waveforms, self.at_once or max(1, len(waveforms)))
        grids = [self.features(self.spectrogram(part)) for part in parts]
        return grids[0] if len(grids) == 1 else torch.cat(grids)

    def grid(self, samples: int) -> tuple[int, int]:
        """(rows, columns) of the last feature grid for a sound of so many samples: five halvings, rounded up."""
        rows, columns = self.sizes.band_bins, fbsp.frame_count(samples, self.sizes)
        return -(-rows // STRIDE), -(-columns // STRIDE)

    def pool(self, features: Tensor) -> Tensor:
        """The published pooled embedding of a feature grid.

        Shapes: features ``[clip channel row column]`` to ``[clip dim]``.
        """
        gate = self.att5(features, (1, 1))
        pooled: Tensor = self.fc((features.mean((2, 3), keepdim=True) * gate).flatten(1))
        return pooled

    def positions(self, features: Tensor) -> Tensor:
        """One embedding per cell, by time and then by frequency, with the last gate at full resolution.

        Shapes: features ``[clip channel row column]`` to ``[clip sound dim]``.
        """
        gated = features * self.att5(features, tuple(features.shape[-2:]))
        cells: Tensor = self.fc(gated.permute(0, 3, 2, 1).flatten(1, 2))
        return cells
