"""Which part of a picture each known face's person covers: from pixels to a grid around the mask network."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tvsl_core.model.people import body_mask
from tvsl_core.model.people.faces import FaceBox, Picture
from tvsl_core.model.people.load import PeopleNetworks

Floats = NDArray[np.float32]

REACH = 9.0
"""Sides of a face that the window around its person has: most of a standing one, and large enough to be seen well."""
HEADROOM = 1.5
"""Sides of a face that the window begins above it: hair, hats and raised hands."""
TALL = 3.0
"""A person is so many times as high as wide, for telling whose pixel one is."""
INSIDE = 0.5
"""From this on a pixel shows somebody."""
BODY = 0.65
"""How strongly a map shows a body far from its face, which sounds; above half, so that a box holds the whole person."""


def cover_people(networks: PeopleNetworks, picture: Picture, faces: Sequence[FaceBox], grid: tuple[int, int]) -> Floats:
    """How surely each place of a picture shows each face's person, most at the face.

    A pixel belongs to the nearest face, and a person is one piece that holds the face. Where the network sees nobody
    around a face, the face alone is left.

    Args:
        networks: What sees them.
        picture: RGB ``[height width 3]``.
        faces: Found in it.
        grid: Rows and columns of the answer.

    Returns: ``[face row column]`` in [0, 1]; the grid covers the whole picture.
    """
    height, width = picture.shape[:2]
    scale = body_mask.SIDE / max(height, width)
    fine = max(1, round(width * scale)), max(1, round(height * scale))
    if not faces:
        return np.zeros((0, *grid), np.float32)
    windows = [_window(face, width, height) for face in faces]
    masks = _masks(networks, [picture[top:bottom, left:right] for left, top, right, bottom in windows])
    places = [_scaled(face, fine[0] / width, fine[1] / height) for face in faces]
    owner, near = _distances(places, fine, tall=TALL).argmin(axis=0), _distances(places, fine, tall=1.0)
    covered: list[Floats] = []
    for number, (window, mask) in enumerate(zip(windows, masks, strict=True)):
        whole = np.zeros((fine[1], fine[0]), np.float32)
        left, top, right, bottom = (round(value * scale) for value in window)
        there = whole[top : max(bottom, top + 1), left : max(right, left + 1)]
        there[:] = cv2.resize(mask, (there.shape[1], there.shape[0]), interpolation=cv2.INTER_AREA)
        person = _one_piece(np.where(owner == number, whole, 0), places[number])
        person *= BODY + (1 - BODY) * np.exp(-(near[number] ** 2) / 2)
        covered.append(np.asarray(cv2.resize(person, grid[::-1], interpolation=cv2.INTER_AREA), np.float32))
    return np.stack(covered)


def _window(face: FaceBox, width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is looked at, inside the picture and not empty."""
    middle, side = (face.corners[0] + face.corners[2]) / 2, face.side * REACH
    left, top = max(0, round(middle - side / 2)), max(0, round(face.corners[1] - HEADROOM * face.side))
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(left + 1, min(width, round(middle + side / 2))), max(top + 1, min(height, round(top + side)))


def _masks(networks: PeopleNetworks, pictures: Sequence[NDArray[np.uint8]]) -> Floats:
    side = body_mask.SIDE
    squares = np.stack([cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) for picture in pictures])
    with torch.inference_mode():
        values = torch.from_numpy(squares).to(networks.device).permute(0, 3, 1, 2).float() / 255
        return np.asarray(networks.mask(values).cpu().numpy(), np.float32)


def _scaled(face: FaceBox, across: float, down: float) -> tuple[float, float, float, float]:
    left, top, right, bottom = face.corners
    return left * across, top * down, right * across, bottom * down


def _distances(faces: Sequence[tuple[float, float, float, float]], size: tuple[int, int], *, tall: float) -> Floats:
    """``[face row column]``: how far each pixel is from each face, in its sides; heights count ``1 / tall``."""
    columns, rows = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    distances = [
        np.hypot(columns - (left + right) / 2, (rows - (top + bottom) / 2) / tall)
        / max(right - left, bottom - top, 1e-6)
        for left, top, right, bottom in faces
    ]
    return np.asarray(distances, np.float32)


def _one_piece(mask: Floats, face: tuple[float, float, float, float]) -> Floats:
    """The part of a mask that hangs together with a face, and the face, which is surely somebody's."""
    left, top, right, bottom = (round(value) for value in face)
    seen = (mask >= INSIDE).astype(np.uint8)
    here = slice(max(0, top), max(bottom, top + 1)), slice(max(0, left), max(right, left + 1))
    seen[here] = 1
    _, parts = cv2.connectedComponents(seen, connectivity=4)
    rows, columns = parts[here].shape
    if not rows or not columns:
        return np.zeros_like(mask)
    inside = parts == parts[here][rows // 2, columns // 2]
    # The rim stays, so that a person fades out instead of ending at a cell.
    rim = cv2.dilate(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    person = np.where(rim, mask, 0).astype(np.float32)
    person[here] = 1
    return person
