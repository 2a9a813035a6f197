"""Which pixels of a square picture show people.

The network is MediaPipe's ``selfie_segmentation`` (Apache-2.0): a MobileNetV3 and a decoder that gates every finer
level by what is seen as a whole. Source: Howard et al., "Searching for MobileNetV3", ICCV 2019.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from tvsl_core.model.compact.efficientnet_lite import SameConv2d
from tvsl_core.model.layers.compiled import double, mean, run
from tvsl_core.model.layers.convolution import Activation

SIDE = 256
"""Pixels along each side of the picture that the network takes, and of the mask that it gives."""


class Gate(nn.Module):
    """How much each channel counts, in [0, 1], from its mean over the picture."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.narrow, self.widen = SameConv2d(channels, narrow), SameConv2d(narrow, channels)

    def forward(self, x: Any) -> Any:
        """``[picture channels height width]`` to ``[picture channels 1 1]``."""
        return self.widen(self.narrow(mean(x), activation="relu"), activation="sigmoid")


class GatedBottleneck(nn.Module):
    """Widen, filter, gate, narrow; added to its input where shapes allow.

    Args:
        inputs: Channels that come.
        wide: Channels in between.
        outputs: Channels that go.
        stride: 2 halves the picture.
        kernel: Pixels along each side of the filter; the network has ReLU at 3 and hard swish at 5.
        gate: Channels inside the gate; 0 for none.
    """

    def __init__(
        self, inputs: int, wide: int, outputs: int, *, stride: int = 1, kernel: int = 3, gate: int = 0
    ) -> None:
        super().__init__()
        self.expand = SameConv2d(inputs, wide)
        self.filter = SameConv2d(wide, wide, kernel=kernel, stride=stride, groups=wide)
        self.gate = Gate(wide, gate) if gate else None
        self.project = SameConv2d(wide, outputs)
        self.bend: Activation = "relu" if kernel == 3 else "hardswish"
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Any) -> Any:
        """``[picture inputs height width]`` to ``[picture outputs height' width']``."""
        wide = self.filter(self.expand(x, activation=self.bend), activation=self.bend)
        if self.gate is not None:
            wide = wide * self.gate(wide)
        narrow = self.project(wide)
        return x + narrow if self.shortcut else narrow


class Merge(nn.Module):
    """Carry a coarse level to the finer one: where and how much of the finer one counts, the coarse one says."""

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.reduce = SameConv2d(inputs, channels)
        self.gate = Gate(channels, channels)
        self.mix = SameConv2d(channels, channels)
        self.filter = SameConv2d(channels, channels, kernel=3, groups=channels)

    def forward(self, coarse: Any, fine: Any) -> Any:
        """``[picture inputs h w]`` and ``[picture channels 2h 2w]`` to ``[picture channels 2h 2w]``."""
        above = self.reduce(double(coarse))
        mixed = self.mix(fine * self.gate(fine + above) + above, activation="relu")
        filtered = self.filter(mixed, activation="relu")
        return mixed + filtered


class BodyMask(nn.Module):
    """Prepared pictures in, masks of people out; 0.1 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv2d(3, 16, kernel=3, stride=2)
        self.level2 = GatedBottleneck(16, 16, 16, stride=2, gate=8)
        self.level3 = nn.Sequential(GatedBottleneck(16, 72, 24, stride=2), GatedBottleneck(24, 88, 24))
        self.level4 = nn.Sequential(
            GatedBottleneck(24, 96, 32, stride=2, kernel=5, gate=24),
            *[GatedBottleneck(32, wide, 32, kernel=5, gate=wide // 4) for wide in (128, 128, 96, 96)],
        )
        self.top, self.whole = SameConv2d(32, 128), SameConv2d(32, 128)
        self.merge3, self.merge2, self.merge1 = Merge(128, 24), Merge(24, 16), Merge(16, 16)
        self.last = nn.ConvTranspose2d(16, 1, 2, stride=2)

    def forward(self, images: Tensor) -> Tensor:
        """Pictures ``[picture 3 256 256]``, RGB in [0, 1], to masks ``[picture 256 256]`` in [0, 1]."""
        (merged,) = run(self, self._maps, images, clips=1)
        mask: Tensor = self.last(merged)
        return mask[:, 0].sigmoid()

    def _maps(self, images: Any) -> tuple[Any]:
        level1 = self.stem(images, activation="hardswish")
        level2 = self.level2(level1)
        level3 = self.level3(level2)
        level4 = self.level4(level3)
        whole = self.whole(mean(level4), activation="sigmoid")
        merged = self.merge3(self.top(level4, activation="relu") * whole, level3)
        return (self.merge1(self.merge2(merged, level2), level1),)
