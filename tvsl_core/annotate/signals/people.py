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
from tvsl_core.model.people.bodies import cover_people
from tvsl_core.model.people.faces import FaceBox, box_of_mesh, detect_faces, mesh_faces
from tvsl_core.model.people.load import PeopleNetworks
from tvsl_core.types import Box

PRESENT = 0.5
"""From this presence on the mesh lies on a face."""
CELLS = 64
"""Along the longer side of a map of people: faces are smaller than the patches that other maps are made of."""


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
    found = detect_faces(networks, pictures, min_score=options.min_score)
    seen = [_meshed(picture, faces, networks, options) for picture, faces in zip(pictures, found, strict=True)]
    # Who looks for small faces behind a large one finds bystanders, at several times the cost.
    again = [number for number, faces in enumerate(seen) if not faces and max(pictures[number].shape) > options.tile]
    closer = detect_faces(
        networks, [pictures[number] for number in again], min_score=options.min_score, tile=options.tile
    )
    for number, faces in zip(again, closer, strict=True):
        seen[number] = _meshed(pictures[number], faces, networks, options)
    return seen


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
        if (mesh.presence >= PRESENT or face.score >= options.unconfirmed_score)
        and (box := _inside(face, width, height)) is not None
    )


def _look(
    picture: NDArray[np.uint8], places: Sequence[FaceBox], networks: PeopleNetworks, options: PeopleOptions
) -> Iterator[Face | None]:
    height, width = picture.shape[:2]
    for mesh in mesh_faces(networks, picture, places):
        place = box_of_mesh(mesh)
        box = _inside(place, width, height) if mesh.presence >= PRESENT else None
        yield None if box is None else Face(box=box, mouth=mesh.mouth, seen=place)


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

    @property
    def prominence(self) -> float:
        """How much somebody stands out: sure, near, and so more likely who is filmed."""
        return float(self.face.box.score * np.sqrt(self.face.box.area))


def find_people(
    pictures: Sequence[NDArray[np.uint8]], networks: PeopleNetworks, options: PeopleOptions
) -> list[tuple[Person, ...]]:
    """The people of each picture, the most prominent first.

    Args:
        pictures: RGB ``[height width 3]``.
        networks: What sees them.
        options: How small and how sure a face may be.
    """
    people: list[tuple[Person, ...]] = []
    for picture, faces in zip(pictures, find_faces(pictures, networks, options), strict=True):
        grid = map_grid(picture.shape[1], picture.shape[0])
        extents = cover_people(networks, picture, [face.seen for face in faces], grid)
        here = [Person(face=face, extent=extent) for face, extent in zip(faces, extents, strict=True)]
        people.append(tuple(sorted(here, key=lambda one: -one.prominence)))
    return people


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
