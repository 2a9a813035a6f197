"""The convolutions that the networks of people are built from; every parameter comes from a file."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812


class Filter(nn.Conv2d):
    """Each channel filtered in space by itself, with as many zeros on every side as keeps the size at stride 1.

    Args:
        channels: How many.
        stride: 2 halves the picture; the kernel then lies on even pixels.
    """

    def __init__(self, channels: int, *, stride: int = 1) -> None:
        super().__init__(channels, channels, 3, stride=stride, padding=1, groups=channels)

    def reset_parameters(self) -> None:
        """Leave the memory as it is: to draw random numbers that a file replaces takes longer than to read it."""


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

    def forward(self, input: Tensor) -> Tensor:
        """``[picture inputs height width]`` to ``[picture outputs height width]``."""
        # A matrix product over channels-last pixels; on one thread torch's own convolution takes several times as long.
        return F.linear(input.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias).permute(0, 3, 1, 2)
