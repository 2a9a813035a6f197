"""Which part of a picture each known face's person covers: from pixels to a grid around the mask network."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tvsl_core.model.people import body_mask
from tvsl_core.model.people.faces import FaceBox, Picture, overlap
from tvsl_core.model.people.load import PeopleNetworks

Floats = NDArray[np.float32]
Window = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels of a picture."""

REACH = 9.0
"""Sides of a face that the window around its person has: most of a standing one, and large enough to be seen well."""
HEADROOM = 1.5
"""Sides of a face that the window begins above it: hair, hats and raised hands."""
ROOM = 1.7
"""Sides of the first look's person that the window of the second look has: as large as fits, with an edge to see."""
ENOUGH = 0.6
"""A second window that shares so much of its union with the first would show the same again."""
TALL = 3.0
"""A person is so many times as high as wide, for telling whose pixel one is."""
INSIDE = 0.5
"""From this on a pixel shows somebody."""
BODY = 0.65
"""How strongly a map shows a body far from its face, which sounds; above half, so that a box holds the whole person."""


def cover_people(networks: PeopleNetworks, picture: Picture, faces: Sequence[FaceBox], grid: tuple[int, int]) -> Floats:
    """How surely each place of a picture shows each face's person, most at the face.

    A pixel belongs to the nearest face, and a person is one piece that holds the face. Where the network sees nobody
    around a face, the face alone is left. How large somebody is next to their face differs by a factor of ten, from
    a portrait to somebody far away, so that a first look only says where the second one has to look.

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
    first = [_window(face, width, height) for face in faces]
    windows, masks = _closer(networks, picture, faces, first, _masks(networks, picture, first))
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


def _window(face: FaceBox, width: int, height: int) -> Window:
    """What is looked at first, inside the picture and not empty."""
    middle, side = (face.corners[0] + face.corners[2]) / 2, face.side * REACH
    return _square(middle - side / 2, max(0, face.corners[1] - HEADROOM * face.side), side, width, height)


def _square(left: float, top: float, side: float, width: int, height: int) -> Window:
    """The part of a square that lies in a picture, at least one pixel."""
    first_x, first_y = min(max(0, round(left)), width - 1), min(max(0, round(top)), height - 1)
    last_x, last_y = min(width, round(left + side)), min(height, round(top + side))
    return first_x, first_y, max(first_x + 1, last_x), max(first_y + 1, last_y)


def _closer(
    networks: PeopleNetworks, picture: Picture, faces: Sequence[FaceBox], windows: Sequence[Window], masks: Floats
) -> tuple[list[Window], Floats]:
    """Windows around what a first look saw, and what is seen there; the first ones where they do not differ much."""
    chosen, seen = list(windows), masks.copy()
    for number, (face, window, mask) in enumerate(zip(faces, windows, masks, strict=True)):
        around = _around(face, window, mask, picture.shape[1], picture.shape[0])
        if overlap(around, window) < ENOUGH:
            chosen[number] = around
    again = [number for number, window in enumerate(windows) if chosen[number] != window]
    if again:
        seen[again] = _masks(networks, picture, [chosen[number] for number in again])
    return chosen, seen


def _around(face: FaceBox, window: Window, mask: Floats, width: int, height: int) -> Window:
    """A square around the part of a mask that hangs together with a face, with room."""
    left, top, right, bottom = window
    across, down = (right - left) / mask.shape[1], (bottom - top) / mask.shape[0]
    x_min, y_min, x_max, y_max = face.corners
    place = (x_min - left) / across, (y_min - top) / down, (x_max - left) / across, (y_max - top) / down
    rows, columns = np.nonzero(_one_piece(mask, place) >= INSIDE)
    if not len(rows):
        return window
    ends_x = left + across * columns.min(), left + across * (columns.max() + 1)
    ends_y = top + down * rows.min(), top + down * (rows.max() + 1)
    side = ROOM * max(ends_x[1] - ends_x[0], ends_y[1] - ends_y[0])
    return _square((ends_x[0] + ends_x[1] - side) / 2, (ends_y[0] + ends_y[1] - side) / 2, side, width, height)


def _masks(networks: PeopleNetworks, picture: Picture, windows: Sequence[Window]) -> Floats:
    """What the network sees in parts of a picture, ``[window row column]``."""
    side = body_mask.SIDE
    parts = [picture[top:bottom, left:right] for left, top, right, bottom in windows]
    squares = np.stack([cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA) for part in parts])
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
