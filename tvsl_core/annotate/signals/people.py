"""The people of a video's pictures: where each face is, how far its mouth is open, and what its body covers.

Nobody is identified: faces are places and openings, kept for as long as one video is annotated, and no description by
which a face could be found again goes anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.rules import PeopleOptions
from tvsl_core.model.people.bodies import cover_people
from tvsl_core.model.people.faces import FaceBox, MeshedFace, box_of_mesh, detect_faces, mesh_faces, overlap
from tvsl_core.model.people.load import PeopleNetworks
from tvsl_core.types import Box

PRESENT = 0.5
"""From this presence on the mesh lies on a face."""
STRAYED = 0.1
"""A face that shares less of its union with where it should be has become another one."""
SAME = 0.3
"""Faces of two pictures a moment apart that share so much of their union are one."""
CELLS = 64
"""Along the longer side of a map of people: faces are smaller than the patches that other maps are made of."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Face:
    """One face in one picture."""

    box: Box
    """In pixels of the picture; its score is how surely this is a face."""
    seen: FaceBox
    """What it was found by: it may lie partly outside."""

    @property
    def prominence(self) -> float:
        """How much somebody stands out: sure, near, and so more likely who is filmed."""
        return float(self.box.score * np.sqrt(self.box.area))


def find_faces(
    pictures: Sequence[NDArray[np.uint8]],
    networks: PeopleNetworks,
    options: PeopleOptions,
    *,
    near: Sequence[Face] = (),
) -> list[tuple[Face, ...]]:
    """The faces of each picture, the most prominent first.

    Args:
        pictures: RGB ``[height width 3]``.
        networks: What sees them.
        options: How small and how sure a face may be.
        near: Where faces were a moment ago: before squares all over a picture, those around them are looked at.
    """

    def look(picture: NDArray[np.uint8], tile: int | None = None) -> tuple[Face, ...]:
        (found,) = detect_faces(networks, [picture], min_score=options.min_score, tile=tile)
        return _confirmed(picture, found, networks, options)

    seen: list[tuple[Face, ...]] = []
    for picture in pictures:
        faces = look(picture)
        # Who looks for small faces behind a large one finds bystanders, at several times the cost.
        if not faces and max(picture.shape) > options.tile:
            close = _around(picture, near, networks, options) if near else ()
            faces = _confirmed(picture, close, networks, options) or look(picture, options.tile)
        seen.append(faces)
    return seen


def _around(
    picture: NDArray[np.uint8], near: Sequence[Face], networks: PeopleNetworks, options: PeopleOptions
) -> list[FaceBox]:
    """The faces of the squares around some others, each once."""
    tile, (height, width) = options.tile, picture.shape[:2]
    places = [
        ((one.box.x_min + one.box.x_max - tile) // 2, (one.box.y_min + one.box.y_max - tile) // 2) for one in near
    ]
    inside = [(max(0, min(left, width - tile)), max(0, min(top, height - tile))) for left, top in places]
    squares = [np.ascontiguousarray(picture[top : top + tile, left : left + tile]) for left, top in inside]
    found: list[FaceBox] = []
    looks = detect_faces(networks, squares, min_score=options.min_score)
    for (left, top), faces in zip(inside, looks, strict=True):
        moved = [face.moved(left, top) for face in faces]
        found += [one for one in moved if all(overlap(one.corners, other.corners) < SAME for other in found)]
    return found


def follow_faces(
    pictures: Iterable[tuple[NDArray[np.uint8], Sequence[FaceBox]]], networks: PeopleNetworks
) -> Iterator[tuple[MeshedFace | None, ...]]:
    """A close look at the same faces from picture to picture, each near its last place; no new ones are looked for.

    Args:
        pictures: In order of time and close together, such as 12 a second, each with about where every face is. A
            face that was lost, or has strayed from there, is looked for there again.
        networks: What sees them.

    Yields: For every picture the faces in their order; None for one that is not seen.
    """
    last = list[FaceBox | None]()
    for picture, known in pictures:
        places = [
            (picture, now if before is None or overlap(before.corners, now.corners) < STRAYED else before)
            for before, now in zip(last or [None] * len(known), known, strict=True)
        ]
        seen = tuple(one if one.presence >= PRESENT else None for one in mesh_faces(networks, places))
        last = [None if one is None else box_of_mesh(one) for one in seen]
        yield seen


def _confirmed(
    picture: NDArray[np.uint8], faces: Sequence[FaceBox], networks: PeopleNetworks, options: PeopleOptions
) -> tuple[Face, ...]:
    """Those that are faces, the most prominent first; those that are sure by themselves are not looked at closely."""
    height, width = picture.shape[:2]
    large = [face for face in faces if face.side >= options.smallest_px]
    unsure = [face for face in large if face.score < options.unconfirmed_score]
    present = iter(mesh_faces(networks, [(picture, face) for face in unsure]))
    kept = [face for face in large if face.score >= options.unconfirmed_score or next(present).presence >= PRESENT]
    inside = [Face(box=box, seen=face) for face in kept if (box := _inside(face, width, height)) is not None]
    return tuple(sorted(inside, key=lambda face: -face.prominence))


def _inside(face: FaceBox, width: int, height: int) -> Box | None:
    """The part of a face that the picture shows."""
    left, top, right, bottom = (round(value) for value in face.corners)
    corners = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if corners[0] >= corners[2] or corners[1] >= corners[3]:
        return None
    return Box(x_min=corners[0], y_min=corners[1], x_max=corners[2], y_max=corners[3], score=face.score)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Person:
    """Somebody in one picture."""

    face: Face
    extent: NDArray[np.float32]
    """``[row column]`` in [0, 1]: how surely each place shows face or body; the grid covers the picture."""

    def moved(self, face: Face, size: tuple[int, int]) -> Person:
        """The same person where their face is now.

        Args:
            face: In another picture of the same size.
            size: Width and height of the picture.
        """
        rows, columns = self.extent.shape
        old, new = np.asarray(self.face.seen.corners), np.asarray(face.seen.corners)
        growth = face.seen.side / max(self.face.seen.side, 1e-6)
        scale = np.array([columns / size[0], rows / size[1]])
        # Cells are drawn at their middles, half a cell from their corners.
        shift = ((new[:2] + new[2:]) - growth * (old[:2] + old[2:])) / 2 * scale + (growth - 1) / 2
        matrix = np.array([[growth, 0, shift[0]], [0, growth, shift[1]]])
        drawn = cv2.warpAffine(self.extent, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
        return Person(face=face, extent=np.asarray(drawn, np.float32))


def cover(picture: NDArray[np.uint8], faces: Sequence[Face], networks: PeopleNetworks) -> tuple[Person, ...]:
    """The people whose faces are known in one picture, in their order."""
    extents = cover_people(
        networks, picture, [face.seen for face in faces], map_grid(picture.shape[1], picture.shape[0])
    )
    return tuple(Person(face=face, extent=extent) for face, extent in zip(faces, extents, strict=True))


def match_faces(faces: Sequence[Face], others: Sequence[Face]) -> tuple[int, ...] | None:
    """The place of every face among those of another picture; None where the two do not show the same.

    Args:
        faces: Of one picture.
        others: Of one a moment before or behind.
    """
    if len(faces) != len(others):
        return None
    left, places = set(range(len(others))), list[int]()
    for face in faces:
        shared = {place: overlap(others[place].seen.corners, face.seen.corners) for place in sorted(left)}
        same = max(shared, key=lambda place: shared[place])
        if shared[same] < SAME:
            return None
        left.remove(same)
        places.append(same)
    return tuple(places)


def move_between(before: Sequence[Face], after: Sequence[Face], weight: float) -> tuple[Face, ...] | None:
    """The faces of a picture between two others, where the same ones are seen in both; None where they are not.

    Args:
        before: Of the picture before.
        after: Of the picture behind.
        weight: How far it lies from the first to the second, in [0, 1].

    Returns: In the order of ``before``.
    """
    places = match_faces(before, after)
    if places is None:
        return None
    return tuple(
        Face(box=face.box.towards(same.box, weight), seen=face.seen.towards(same.seen, weight))
        for face, same in zip(before, (after[place] for place in places), strict=True)
    )


def map_grid(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of the maps of people in pictures of a size."""
    longer = max(width, height)
    return max(1, round(CELLS * height / longer)), max(1, round(CELLS * width / longer))


def voice_map(people: Sequence[Person], options: PeopleOptions) -> NDArray[np.float32]:
    """One map of who may be speaking, ``[row column]``: the most prominent one in full, others less.

    Args:
        people: Of one picture, at least one.
        options: How much less.
    """
    weights = [one.face.box.score * (1.0 if number == 0 else options.aside) for number, one in enumerate(people)]
    return np.asarray(np.max([one.extent * weight for one, weight in zip(people, weights, strict=True)], axis=0), "f4")


def crowd_map(people: Sequence[Person]) -> NDArray[np.float32]:
    """One map of everybody, ``[row column]``."""
    return np.asarray(np.max([one.extent * one.face.box.score for one in people], axis=0), np.float32)
