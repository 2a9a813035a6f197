"""A full-range face detector: a square picture becomes a score, a box and six points for every cell of a 48 x 48 grid.

The network is MediaPipe's ``face_detection_full_range_sparse`` (Apache-2.0), a single-shot detector without anchors of
different sizes. Bottlenecks of depthwise and 1 x 1 convolutions narrow in the middle; a pyramid carries what the
coarse levels see back to stride 4. Sources: Bazarevsky et al., "BlazeFace", 2019, arXiv 1907.05047; Lin et al.,
"Feature Pyramid Networks", CVPR 2017.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tvsl_core.model.layers.compiled import double, relu, run
from tvsl_core.model.people.layers import Filter, Mix, Padded

SIDE = 192
"""Pixels along each side of the picture that the network takes."""
STRIDE = 4
POINTS = 6
"""Right eye, left eye, tip of the nose, mouth, right ear, left ear; right is the person's own."""
RIGHT_EYE, LEFT_EYE, NOSE, MOUTH = range(4)
LOGIT_LIMIT = 100.0


class RawFaces(NamedTuple):
    """What every cell says, row by row; all places are shares of the picture's side."""

    scores: Tensor
    """``[picture cell]`` in [0, 1]."""
    boxes: Tensor
    """``[picture cell 4]``: left, top, right, bottom."""
    points: Tensor
    """``[picture cell 6 2]``: x and y."""


class DoubleBottleneck(nn.Module):
    """Filter, narrow, filter, widen; added to its input unless it halves the picture."""

    def __init__(self, inputs: int, narrow: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.first = Filter(inputs, stride=stride)
        self.narrow = Mix(inputs, narrow)
        self.second = Filter(narrow)
        self.widen = Mix(narrow, outputs)
        self.shortcut = stride == 1

    def forward(self, x: Any) -> Any:
        """``[picture inputs height width]`` to ``[picture outputs height' width']``."""
        narrow = relu(self.narrow(self.first(x)))
        wide = self.widen(self.second(narrow))
        return relu(x + wide if self.shortcut else wide)


def _stage(inputs: int, outputs: int, *, residual: int) -> nn.Sequential:
    """A bottleneck that halves the picture, and some at the size that it leaves."""
    narrow = outputs // 4
    first = DoubleBottleneck(inputs, narrow, outputs, stride=2)
    return nn.Sequential(first, *[DoubleBottleneck(outputs, narrow, outputs) for _ in range(residual)])


class Head(nn.Module):
    """Numbers for each cell at twice the resolution of its own filter."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.mix = Mix(inputs, 4 * outputs)
        self.filter = Filter(4 * outputs, stride=2)
        self.outputs = outputs

    def forward(self, x: Any) -> Any:
        """``[picture inputs row column]`` to four cells in the channels of one."""
        return self.filter(self.mix(x))

    def apart(self, packed: Tensor) -> Tensor:
        """Those, ``[picture 4*outputs row column]``, to ``[picture 4*row*column outputs]``."""
        batch, _, rows, columns = packed.shape
        # The upper row first.
        apart = packed.reshape(batch, 2, 2, self.outputs, rows, columns).permute(0, 4, 1, 5, 2, 3)
        return apart.reshape(batch, 4 * rows * columns, self.outputs)


class FaceDetector(nn.Module):
    """Prepared pictures in, faces by cell out; 0.95 million parameters, of which some 60 % are zero."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Padded(3, 32, stride=2)
        self.stage1 = nn.Sequential(DoubleBottleneck(32, 8, 32), DoubleBottleneck(32, 8, 32))
        self.stage2, self.side2 = _stage(32, 64, residual=2), Mix(64, 48)
        self.stage3, self.side3 = _stage(64, 128, residual=2), Mix(128, 64)
        self.stage4, self.side4 = _stage(128, 192, residual=2), Mix(192, 96)
        self.stage5, self.top = _stage(192, 384, residual=3), Mix(384, 96)
        self.merge4 = nn.Sequential(DoubleBottleneck(96, 48, 96), DoubleBottleneck(96, 48, 96))
        self.down4 = Mix(96, 64)
        self.merge3 = nn.Sequential(DoubleBottleneck(64, 32, 64), DoubleBottleneck(64, 32, 64))
        self.down3 = Mix(64, 48)
        self.merge2 = DoubleBottleneck(48, 24, 48)
        self.score = Head(48, 1)
        self.place = Head(48, 4 + 2 * POINTS)

    def forward(self, images: Tensor) -> RawFaces:
        """Pictures ``[picture 3 192 192]``, RGB in [-1, 1]."""
        score, place = run(self, self._maps, images, clips=1)
        logits = self.score.apart(score)[..., 0].clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
        return _decode(logits, self.place.apart(place))

    def _maps(self, images: Any) -> tuple[Any, Any]:
        level2 = self.stage2(self.stage1(relu(self.stem(images))))
        level3 = self.stage3(level2)
        level4 = self.stage4(level3)
        merged = relu(self.top(self.stage5(level4)))
        merged = self.merge4(relu(self.side4(level4)) + double(merged))
        merged = self.merge3(relu(self.side3(level3)) + double(relu(self.down4(merged))))
        merged = self.merge2(relu(self.side2(level2)) + double(relu(self.down3(merged))))
        return self.score(merged), self.place(merged)


def _decode(logits: Tensor, places: Tensor) -> RawFaces:
    """Places are pixels from the middle of their cell: first the centre of the box and its size, then the points."""
    cells = torch.arange(SIDE // STRIDE, device=places.device, dtype=places.dtype) + 0.5
    rows, columns = torch.meshgrid(cells, cells, indexing="ij")
    middles = torch.stack((columns.flatten(), rows.flatten()), dim=1) * STRIDE / SIDE
    centre, half = places[..., :2] / SIDE + middles, places[..., 2:4] / SIDE / 2
    points = places[..., 4:].reshape(*places.shape[:-1], POINTS, 2) / SIDE + middles[:, None]
    return RawFaces(scores=logits.sigmoid(), boxes=torch.cat((centre - half, centre + half), dim=-1), points=points)
