"""The bottleneck that both residual towers are built from."""

from __future__ import annotations

import torch.nn.functional as fn
from torch import Tensor, nn

from tvsl_core.model.audioclip.sizes import EXPANSION


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions beside a shortcut; attribute names are those of the published weights.

    Args:
        inputs: Channels that come in.
        inner: Channels of the 3x3 convolution.
        outputs: Channels that go out.
        stride: 2 halves the grid.
        groups: Of the 3x3 convolution.
        pool: Halve by average pooling before the last convolution and the shortcut (CLIP), instead of by
            strided convolutions (ResNeXt).
    """

    def __init__(
        self, *, inputs: int, inner: int, outputs: int, stride: int = 1, groups: int = 1, pool: bool = False
    ) -> None:
        super().__init__()
        step = 1 if pool else stride
        self.pool = stride if pool else 1
        self.conv1 = nn.Conv2d(inputs, inner, 1, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride=step, padding=1, groups=groups, bias=False)
        self.bn2: nn.Module = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, outputs, 1, bias=False)
        self.bn3: nn.Module = nn.BatchNorm2d(outputs)
        self.downsample: nn.Sequential | None = None
        if stride > 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=step, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """One step of the tower; halves rows and columns when the stride is 2.

        Shapes: x ``[clip inputs row column]`` to ``[clip outputs row2 column2]``.
        """
        y = fn.relu(self.bn1(self.conv1(x)), inplace=True)
        y = fn.relu(self.bn2(self.conv2(y)), inplace=True)
        if self.pool > 1:
            y, x = fn.avg_pool2d(y, self.pool), fn.avg_pool2d(x, self.pool)
        y = self.bn3(self.conv3(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return fn.relu(shortcut + y, inplace=True)


def stage(
    *, inputs: int, planes: int, depth: int, stride: int, widen: int = 1, groups: int = 1, pool: bool
) -> nn.Sequential:
    """A run of ``depth`` bottlenecks, of which the first halves the grid when ``stride`` is 2."""
    outputs = planes * EXPANSION
    steps = [(inputs, stride)] + [(outputs, 1)] * (depth - 1)
    return nn.Sequential(
        *(
            Bottleneck(inputs=come, inner=planes * widen, outputs=outputs, stride=step, groups=groups, pool=pool)
            for come, step in steps
        )
    )
