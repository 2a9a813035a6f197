"""The convolutions that the networks of people are built from; every parameter comes from a file."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn import functional as F  # noqa: N812

from tvsl_core.model.layers.compiled import Traced


class Padded(nn.Conv2d):
    """A 3 x 3 convolution with as many zeros on every side as keeps the size at stride 1.

    Args:
        inputs: Channels that come.
        outputs: Channels that go.
        stride: 2 halves the picture; the kernel then lies on even pixels.
        groups: Into which the channels are split.
    """

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride=stride, padding=1, groups=groups)

    def reset_parameters(self) -> None:
        """Leave the memory as it is: to draw random numbers that a file replaces takes longer than to read it."""

    def forward(self, input: Any) -> Any:
        """``[picture inputs height width]`` to ``[picture outputs height/stride width/stride]``."""
        return input.convolve(self, same=False) if isinstance(input, Traced) else super().forward(input)


class Filter(Padded):
    """Each channel filtered in space by itself.

    Args:
        channels: How many.
        stride: 2 halves the picture.
    """

    def __init__(self, channels: int, *, stride: int = 1) -> None:
        super().__init__(channels, channels, stride=stride, groups=channels)


class Mix(nn.Conv2d):
    """A 1 x 1 convolution.

    Args:
        inputs: Channels that come.
        outputs: Channels that go.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 1)

    def reset_parameters(self) -> None:
        """Leave the memory as it is."""

    def forward(self, input: Any) -> Any:
        """``[picture inputs height width]`` to ``[picture outputs height width]``."""
        if isinstance(input, Traced):
            return input.convolve(self)
        # A matrix product over channels-last pixels; on one thread torch's own convolution takes several times as long.
        return F.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)
