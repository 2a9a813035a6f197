"""468 points of a face that fills a square picture, the lips among them.

The network is MediaPipe's ``face_landmark`` (Apache-2.0). Source: Kartynnik et al., "Real-time Facial Surface Geometry
from Monocular Video on Mobile GPUs", 2019, arXiv 1907.06724.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn

from tvsl_core.model.compact.efficientnet_lite import SameConv2d
from tvsl_core.model.layers.compiled import Bend, halve, run, widen

SIDE = 192
"""Pixels along each side of the picture that the network takes."""
POINTS = 468
UPPER_LIP, LOWER_LIP = 13, 14
"""The middle of the inner edge of each lip."""
FOREHEAD, CHIN = 10, 152
"""The ends of the face's own height."""


class FacePoints(NamedTuple):
    """The surface of each face."""

    points: Tensor
    """``[face 468 3]``: x, y and depth, in pixels of the picture."""
    presence: Tensor
    """``[face]`` in [0, 1]: how likely it is a face at all."""


class MeshBlock(nn.Module):
    """Filter in space and mix channels, added to the input: halved and with channels of zeros where sizes differ."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.filter = SameConv2d(inputs, inputs, kernel=3, stride=stride, groups=inputs)
        self.mix = SameConv2d(inputs, outputs)
        self.bend = Bend(outputs)
        self.stride, self.added = stride, outputs - inputs

    def forward(self, x: Any) -> Any:
        """``[face inputs height width]`` to ``[face outputs height' width']``, which may be written over ``x``."""
        kept, filtered = halve(x) if self.stride == 2 else x, self.filter(x)
        return self.bend(self.mix(filtered, shortcut=widen(kept, self.added) if self.added else kept))


class Branch(nn.Module):
    """From the shared features to numbers about the face as a whole.

    Args:
        outputs: How many numbers.
        depth: Bottlenecks at full width.
    """

    def __init__(self, outputs: int, *, depth: int) -> None:
        super().__init__()
        wide = [MeshBlock(128, 128) for _ in range(depth)]
        self.layers = nn.Sequential(
            MeshBlock(128, 128, stride=2), *wide, SameConv2d(128, 32), Bend(32), MeshBlock(32, 32)
        )
        self.last = nn.Conv2d(32, outputs, 3)

    def forward(self, x: Any) -> Any:
        """``[face 128 6 6]`` to the features of the whole face, ``[face 32 3 3]``."""
        return self.layers(x)

    def numbers(self, features: Tensor) -> Tensor:
        """Those features to ``[face outputs]``."""
        numbers: Tensor = self.last(features)
        return numbers.flatten(1)


class FaceMesh(nn.Module):
    """Prepared pictures of faces in, their points out; 0.60 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bend = SameConv2d(3, 16, kernel=3, stride=2), Bend(16)
        blocks: list[nn.Module] = [MeshBlock(16, 16), MeshBlock(16, 16)]
        for inputs, outputs in ((16, 32), (32, 64), (64, 128), (128, 128)):
            blocks += [
                MeshBlock(inputs, outputs, stride=2),
                MeshBlock(outputs, outputs),
                MeshBlock(outputs, outputs),
            ]
        self.trunk = nn.Sequential(*blocks)
        self.surface = Branch(3 * POINTS, depth=2)
        self.face = Branch(1, depth=0)

    def forward(self, images: Tensor) -> FacePoints:
        """Pictures ``[face 3 192 192]``, RGB in [0, 1]."""
        surface, face = run(self, self._maps, images, clips=1)
        points = self.surface.numbers(surface).reshape(-1, POINTS, 3)
        return FacePoints(points=points, presence=self.face.numbers(face)[:, 0].sigmoid())

    def _maps(self, images: Any) -> tuple[Any, Any]:
        features = self.trunk(self.bend(self.stem(images)))
        return self.surface(features), self.face(features)


def mouth_opening(points: Tensor) -> Tensor:
    """How far the lips are apart, as a share of the face's height: ``[face 468 3]`` to ``[face]``.

    The height hardly changes with the side that a head turns to, as the mouth's width does. Depth is left out: the
    network guesses it.
    """
    gap = (points[:, UPPER_LIP, :2] - points[:, LOWER_LIP, :2]).norm(dim=-1)
    height = (points[:, FOREHEAD, :2] - points[:, CHIN, :2]).norm(dim=-1)
    opening: Tensor = gap / height.clamp_min(1e-6)
    return opening
