"""Faces in pictures of any size, and the points of each: from pixels to pixels around the two face networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.model.people import face_detector, face_mesh
from tvsl_core.model.people.load import PeopleNetworks

Picture = NDArray[np.uint8]
"""RGB ``[height width 3]``."""
Floats = NDArray[np.float32]
Four = tuple[float, float, float, float]

NEAR = 0.3
"""Boxes that share so much of their union are one face."""
MARGIN = 1.5
"""The mesh wants a face with so much of its box around it."""
OVERLAP = 0.25
"""Share of a tile's side that the next one covers too: a face on a border is whole in one of them."""
BATCH = 8
EYES = (33, 263)
"""Points of the mesh: the outer corners of the right and the left eye, which say how far a head leans."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FaceBox:
    """One face, in pixels of its picture, which may lie partly outside."""

    corners: Four
    """Left, top, right, bottom: from the brows to the chin."""
    score: float
    """In [0, 1]."""
    eyes: Four
    """x and y of the right eye, then of the left one."""

    @property
    def side(self) -> float:
        """The longer side of the box."""
        return max(self.corners[2] - self.corners[0], self.corners[3] - self.corners[1])

    def scaled(self, factor: float) -> FaceBox:
        """The same face in a picture that is so many times as large."""
        return replace(self, corners=_mixed(self.corners, factor), eyes=_mixed(self.eyes, factor))

    def moved(self, across: float, down: float) -> FaceBox:
        """The same face so many pixels further to the right and down."""
        left, top, right, bottom = self.corners
        right_x, right_y, left_x, left_y = self.eyes
        return replace(
            self,
            corners=(left + across, top + down, right + across, bottom + down),
            eyes=(right_x + across, right_y + down, left_x + across, left_y + down),
        )

    def towards(self, other: FaceBox, weight: float) -> FaceBox:
        """A face between this one and another: this one at weight 0."""
        return FaceBox(
            corners=_mixed(self.corners, 1 - weight, other.corners, weight),
            eyes=_mixed(self.eyes, 1 - weight, other.eyes, weight),
            score=(1 - weight) * self.score + weight * other.score,
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MeshedFace:
    """One face after a closer look."""

    points: Floats
    """``[468 2]``: x and y in pixels of the picture."""
    presence: float
    """In [0, 1]: how likely it is a face."""
    mouth: float
    """How far the lips are apart, as a share of the face's height."""


def detect_faces(
    networks: PeopleNetworks, pictures: Sequence[Picture], *, min_score: float, tile: int | None = None
) -> list[tuple[FaceBox, ...]]:
    """The faces of some pictures, the surest first.

    Args:
        networks: What sees them.
        pictures: Of any sizes.
        min_score: Least score of a face, in (0, 1].
        tile: Look also at squares of so many pixels, each as closely as at the whole picture.
    """
    places = [(number, window) for number, picture in enumerate(pictures) for window in _windows(picture, tile)]
    found: list[list[FaceBox]] = [[] for _ in pictures]
    for begin in range(0, len(places), BATCH):
        group = places[begin : begin + BATCH]
        squares = np.stack([_square(pictures[number], window) for number, window in group])
        with torch.inference_mode():
            raw = networks.detector(_tensor(squares, networks) / 127.5 - 1)
        for row, (number, window) in enumerate(group):
            found[number] += _read(raw, row, window, min_score)
    return [_merge(faces) for faces in found]


def mesh_faces(networks: PeopleNetworks, places: Sequence[tuple[Picture, FaceBox]]) -> list[MeshedFace]:
    """A closer look at known faces, in their order.

    Args:
        networks: What sees them.
        places: Each face with its picture: as found there, or in a picture shortly before.
    """
    turns = [_turn(face) for _, face in places]
    meshed: list[MeshedFace] = []
    for begin in range(0, len(places), BATCH):
        group = slice(begin, begin + BATCH)
        crops = [
            np.asarray(cv2.warpAffine(picture, turn, (face_mesh.SIDE, face_mesh.SIDE)), np.uint8)
            for (picture, _), turn in zip(places[group], turns[group], strict=True)
        ]
        with torch.inference_mode():
            seen = networks.mesh(_tensor(np.stack(crops), networks) / 255)
            mouths = face_mesh.mouth_opening(seen.points).tolist()
        points, presences = seen.points[..., :2].cpu().numpy(), seen.presence.tolist()
        for turn, flat, presence, mouth in zip(turns[group], points, presences, mouths, strict=True):
            back = cv2.invertAffineTransform(turn)
            meshed.append(
                MeshedFace(
                    points=(flat @ back[:, :2].T + back[:, 2]).astype(np.float32), presence=presence, mouth=mouth
                )
            )
    return meshed


def box_of_mesh(face: MeshedFace) -> FaceBox:
    """Where the same face is looked for in the next picture."""
    corners = np.stack((face.points.min(axis=0), face.points.max(axis=0)))
    return _face(corners, face.points[list(EYES)], face.presence)


def _mixed(one: Four, weight: float, other: Four = (0.0, 0.0, 0.0, 0.0), its: float = 0.0) -> Four:
    first, second, third, fourth = (weight * a + its * b for a, b in zip(one, other, strict=True))
    return first, second, third, fourth


Window = tuple[int, int, int]
"""Left, top and side of a square of pixels; it may reach over the picture."""


def _windows(picture: Picture, tile: int | None) -> list[Window]:
    height, width = picture.shape[:2]
    longer = max(height, width)
    whole = [(0, 0, longer)]
    if tile is None or tile >= longer:
        return whole
    return whole + [(left, top, tile) for top in _starts(height, tile) for left in _starts(width, tile)]


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles begin that cover a side evenly."""
    if length <= tile:
        return [0]
    count = 1 + int(np.ceil((length - tile) / (tile * (1 - OVERLAP))))
    return [round(place) for place in np.linspace(0, length - tile, count)]


def _square(picture: Picture, window: Window) -> Picture:
    """A square of a picture at the detector's size, black where it reaches over."""
    left, top, side = window
    inside = picture[top : top + side, left : left + side]
    scale = face_detector.SIDE / side
    size = (max(1, round(inside.shape[1] * scale)), max(1, round(inside.shape[0] * scale)))
    small = cv2.resize(inside, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square = np.zeros((face_detector.SIDE, face_detector.SIDE, 3), np.uint8)
    square[: size[1], : size[0]] = small[: face_detector.SIDE, : face_detector.SIDE]
    return square


def _tensor(pictures: NDArray[np.uint8], networks: PeopleNetworks) -> Tensor:
    """``[picture height width 3]`` to floats ``[picture 3 height width]``."""
    return torch.from_numpy(pictures).to(networks.device).permute(0, 3, 1, 2).float()


def _read(raw: face_detector.RawFaces, row: int, window: Window, min_score: float) -> list[FaceBox]:
    left, top, side = window
    origin = np.asarray((left, top), np.float32)
    cells = torch.nonzero(raw.scores[row] >= min_score)[:, 0]
    boxes = raw.boxes[row, cells].cpu().numpy().reshape(-1, 2, 2) * side + origin
    eyes = raw.points[row, cells].cpu().numpy()[:, [face_detector.RIGHT_EYE, face_detector.LEFT_EYE]] * side + origin
    scores = raw.scores[row, cells].cpu().numpy()
    return [_face(box, eye, float(score)) for box, eye, score in zip(boxes, eyes, scores, strict=True)]


def _face(corners: NDArray[np.floating], eyes: NDArray[np.floating], score: float) -> FaceBox:
    """From two points each: the corners' upper left one first, the right eye first."""
    left, top, right, bottom = corners.flatten().tolist()
    right_x, right_y, left_x, left_y = eyes.flatten().tolist()
    return FaceBox(corners=(left, top, right, bottom), score=score, eyes=(right_x, right_y, left_x, left_y))


def _merge(faces: Sequence[FaceBox]) -> tuple[FaceBox, ...]:
    """One face for all boxes of it: their mean, each counting with its score; the score is the best one's.

    A half of a face at the border of a tile goes into the whole one, since it lies inside of it.
    """
    rest = sorted(faces, key=lambda face: -face.score)
    merged: list[FaceBox] = []
    while rest:
        best = rest[0]
        same = [face for face in rest if overlap(best.corners, face.corners) >= NEAR]
        rest = [face for face in rest if overlap(best.corners, face.corners) < NEAR and face is not best]
        weights = [face.score for face in same]
        corners = np.average([face.corners for face in same], axis=0, weights=weights)
        merged.append(_face(corners, np.average([face.eyes for face in same], axis=0, weights=weights), best.score))
    return tuple(merged)


def overlap(one: Four, other: Four) -> float:
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / max(sum(areas) - width * height, 1e-9)


def _turn(face: FaceBox) -> NDArray[np.float64]:
    """The affine map ``[2 3]`` from a picture to the square around a face, upright."""
    side = face_mesh.SIDE
    x, y = (face.corners[0] + face.corners[2]) / 2, (face.corners[1] + face.corners[3]) / 2
    degrees = np.degrees(np.arctan2(face.eyes[3] - face.eyes[1], face.eyes[2] - face.eyes[0]))
    turn = cv2.getRotationMatrix2D((x, y), float(degrees), side / (MARGIN * max(face.side, 1.0)))
    return np.asarray(turn + np.asarray([[0, 0, side / 2 - x], [0, 0, side / 2 - y]]))
