"""The people of a video's pictures: where each face is, and how far its mouth is open.

Nobody is identified: faces are places and openings, kept for as long as one video is annotated, and no description by
which a face could be found again goes anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.rules import PeopleOptions
from tvsl_core.model.people.faces import FaceBox, box_of_mesh, detect_faces, mesh_faces
from tvsl_core.model.people.load import PeopleNetworks
from tvsl_core.types import Box


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Face:
    """One face in one picture."""

    box: Box
    """In pixels of the picture; its score is how surely this is a face."""
    mouth: float
    """How far the lips are apart, as a share of the face's height; closed lips have about 0.01."""
    seen: FaceBox
    """What it was found by, for ``follow_faces``."""


def find_faces(
    pictures: Sequence[NDArray[np.uint8]], networks: PeopleNetworks, options: PeopleOptions
) -> list[tuple[Face, ...]]:
    """The faces of each picture, the surest first.

    Args:
        pictures: RGB ``[height width 3]``.
        networks: What sees them.
        options: How small and how sure a face may be.
    """
    found = detect_faces(networks, pictures, min_score=options.min_score, tile=options.tile)
    return [_meshed(picture, faces, networks, options) for picture, faces in zip(pictures, found, strict=True)]


def follow_faces(
    pictures: Iterable[NDArray[np.uint8]], faces: Sequence[Face], networks: PeopleNetworks, options: PeopleOptions
) -> Iterator[tuple[Face | None, ...]]:
    """The same faces from picture to picture, each found near its last place; no new ones are looked for.

    Args:
        pictures: In order of time and close together, such as 12 a second, without a cut.
        faces: As they were in, or just before, the first picture.
        networks: What sees them.
        options: How sure a face must be.

    Yields: For every picture the faces in the order of ``faces``; None for one that is lost, from then on.
    """
    places: list[FaceBox | None] = [face.seen for face in faces]
    for picture in pictures:
        known = [place for place in places if place is not None]
        seen = iter(_look(picture, known, networks, options))
        now = tuple(None if place is None else next(seen) for place in places)
        places = [face.seen if face is not None else None for face in now]
        yield now


def _meshed(
    picture: NDArray[np.uint8], faces: Sequence[FaceBox], networks: PeopleNetworks, options: PeopleOptions
) -> tuple[Face, ...]:
    """Faces with their mouths; the box is the detector's."""
    height, width = picture.shape[:2]
    large = [face for face in faces if face.side >= options.smallest_px]
    meshed = mesh_faces(networks, picture, large)
    return tuple(
        Face(box=box, mouth=mesh.mouth, seen=face)
        for face, mesh in zip(large, meshed, strict=True)
        if (box := _inside(face, width, height)) is not None
    )


def _look(
    picture: NDArray[np.uint8], places: Sequence[FaceBox], networks: PeopleNetworks, options: PeopleOptions
) -> Iterator[Face | None]:
    height, width = picture.shape[:2]
    for mesh in mesh_faces(networks, picture, places):
        place = box_of_mesh(mesh)
        box = _inside(place, width, height) if mesh.presence >= options.min_score else None
        yield None if box is None else Face(box=box, mouth=mesh.mouth, seen=place)


def _inside(face: FaceBox, width: int, height: int) -> Box | None:
    """The part of a face that the picture shows."""
    left, top, right, bottom = (round(value) for value in face.corners)
    corners = max(0, left), max(0, top), min(width, right), min(height, bottom)
    if corners[0] >= corners[2] or corners[1] >= corners[3]:
        return None
    return Box(x_min=corners[0], y_min=corners[1], x_max=corners[2], y_max=corners[3], score=face.score)
