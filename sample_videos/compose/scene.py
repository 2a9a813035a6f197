"""A flat little world of photographs in depth, and the camera that moves through it.

A scene has a backdrop and cut-outs that stand in front of it. When the camera moves, what is nearer moves further
(``depth`` > 1), as it does in front of a real one. The outline that a cut-out leaves in the frame is its true box.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Rect = tuple[float, float, float, float]
"""``x_min, y_min, x_max, y_max``; right and bottom excluded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """Where the camera looks at one moment, in pixels of the backdrop."""

    x: float
    y: float
    zoom: float
    """Frame pixels per backdrop pixel."""


def glide(start: View, end: View, duration: float) -> Callable[[float], View]:
    """Move from one view to another, slow at both ends."""

    def at(time: float) -> View:
        s = min(max(time / duration, 0.0), 1.0)
        s = 0.5 * s + 0.5 * s * s * (3 - 2 * s)
        return View(
            x=start.x + s * (end.x - start.x),
            y=start.y + s * (end.y - start.y),
            zoom=start.zoom * (end.zoom / start.zoom) ** s,
        )

    return at


@dataclass(frozen=True, kw_only=True, slots=True)
class Pose:
    """How far a cut-out has left its place: backdrop pixels, and degrees counter-clockwise around its foot."""

    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0


def still(time: float) -> Pose:
    """Stay where it was put."""
    del time
    return Pose()


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cutout:
    """An object that stands in front of the backdrop."""

    name: str
    picture: NDArray[np.uint8]
    """RGBA."""
    x: float
    """Where the middle of its foot is in the reference view, in backdrop pixels."""
    y: float
    height: float
    """In backdrop pixels."""
    depth: float = 1.0
    """How much faster than the backdrop it moves across the frame."""
    shadow: float = 0.5
    """Darkness of the shadow at its foot, in [0, 1]."""
    shadow_width: float = 0.8
    """Of the shadow, as a share of the width of the object."""
    reflection: float = 0.0
    """Strength of its mirror image in a polished floor, in [0, 1]."""
    pose: Callable[[float], Pose] = still


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """An object that is part of the backdrop photograph itself, marked by a rectangle around it."""

    name: str
    box: Rect


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """What there is to see, from the back to the front."""

    backdrop: NDArray[np.uint8] | Callable[[float], NDArray[np.uint8]]
    """RGB; one that moves by itself is asked for with the time in seconds."""
    camera: Callable[[float], View]
    marked: Sequence[Marked] = ()
    cutouts: Sequence[Cutout] = ()
    """The nearest last."""

    def draw(self, time: float, width: int, height: int) -> tuple[NDArray[np.uint8], dict[str, Rect | None]]:
        """Draw the frame at a time.

        Returns:
            The frame, RGB ``[height width 3]``, and for each object the box around what can be seen of it, in pixels,
            None when nothing can be seen.

        Raises:
            ValueError: The camera looks past the edge of the backdrop.
        """
        view, reference = self.camera(time), self.camera(0.0)
        across = _look(view, width, height)
        backdrop = self.backdrop(time) if callable(self.backdrop) else self.backdrop
        _check_edges(backdrop, view, width, height, time)
        frame: NDArray[np.floating] = _warp(backdrop, across, width, height)
        boxes: dict[str, Rect | None] = {one.name: _seen(_carry(one.box, across), width, height) for one in self.marked}
        outlines: dict[str, NDArray[np.bool_]] = {}
        for cutout in self.cutouts:
            layer = _place(cutout, time, reference, view, width, height)
            frame = _darken(frame, cutout, layer)
            if cutout.reflection:
                frame = _mirror(frame, cutout, layer)
            drawn = _warp(cutout.picture, layer, width, height, smooth=True)
            alpha = drawn[..., 3:] / 255
            frame = drawn[..., :3] * alpha + frame * (1 - alpha)
            solid = alpha[..., 0] > 0.5
            outlines = {name: outline & ~solid for name, outline in outlines.items()} | {cutout.name: solid}
        boxes |= {name: _around(outline) for name, outline in outlines.items()}
        return frame.round().clip(0, 255).astype(np.uint8), boxes


def _check_edges(backdrop: NDArray[np.uint8], view: View, width: int, height: int, time: float) -> None:
    half_width, half_height = width / 2 / view.zoom, height / 2 / view.zoom
    rows, columns = backdrop.shape[:2]
    if not (half_width <= view.x <= columns - half_width and half_height <= view.y <= rows - half_height):
        raise ValueError(f"at {time:.2f} s the camera looks past the edge of the backdrop: {view}")


def _look(view: View, width: int, height: int) -> NDArray[np.float64]:
    """Map backdrop pixels to frame pixels."""
    return np.array(
        [[view.zoom, 0, width / 2 - view.zoom * view.x], [0, view.zoom, height / 2 - view.zoom * view.y]], np.float64
    )


def _place(cutout: Cutout, time: float, reference: View, view: View, width: int, height: int) -> NDArray[np.float64]:
    """Map pixels of the cut-out's picture to frame pixels."""
    pose = cutout.pose(time)
    zoom = reference.zoom * (view.zoom / reference.zoom) ** cutout.depth
    x = cutout.x + pose.x - reference.x - cutout.depth * (view.x - reference.x)
    y = cutout.y + pose.y - reference.y - cutout.depth * (view.y - reference.y)
    rows, columns = cutout.picture.shape[:2]
    scale = zoom * cutout.height / rows
    cos, sin = scale * np.cos(np.radians(pose.turn)), scale * np.sin(np.radians(pose.turn))
    turn = np.array([[cos, sin], [-sin, cos]])
    foot = np.array([width / 2 + zoom * x, height / 2 + zoom * y])
    return np.column_stack([turn, foot - turn @ np.array([columns / 2, rows])])


def _warp(
    picture: NDArray[np.uint8], matrix: NDArray[np.float64], width: int, height: int, *, smooth: bool = False
) -> NDArray[np.float32]:
    """Draw a picture into a frame; what it does not cover is 0 (of a cut-out) or its edge continued (of a backdrop)."""
    scale = float(np.hypot(matrix[0, 0], matrix[0, 1]))
    source = picture.astype(np.float32)
    if scale < 0.8:  # a linear lookup would skip pixels: shrink first, by area
        rows, columns = picture.shape[:2]
        size = (max(1, round(columns * scale * 1.1)), max(1, round(rows * scale * 1.1)))
        source = cv2.resize(source, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        matrix = matrix @ np.array([[columns / size[0], 0, 0], [0, rows / size[1], 0], [0, 0, 1.0]])
    flags = cv2.INTER_CUBIC if scale >= 1 and not smooth else cv2.INTER_LINEAR
    border = cv2.BORDER_CONSTANT if picture.shape[2] == 4 else cv2.BORDER_REPLICATE
    centred = matrix @ np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]]) - np.array([[0, 0, 0.5], [0, 0, 0.5]])
    return np.asarray(cv2.warpAffine(source, centred, (width, height), flags=flags, borderMode=border), np.float32)


def _darken(frame: NDArray[np.floating], cutout: Cutout, layer: NDArray[np.float64]) -> NDArray[np.floating]:
    """Lay the shadow of a cut-out on the ground: wide and faint, and narrow and dark."""
    rows, columns = cutout.picture.shape[:2]
    scale = float(np.hypot(layer[0, 0], layer[0, 1]))
    x, y = layer @ np.array([columns / 2, rows * 0.985, 1.0])
    shade: NDArray[np.floating] = np.zeros(frame.shape[:2], np.float32)
    half = scale * columns * cutout.shadow_width / 2
    for share, flat, strength in ((1.0, 0.16, 0.6), (0.85, 0.07, 0.5)):
        blob = np.zeros_like(shade)
        axes = (max(1, round(half * share)), max(1, round(half * flat)))
        cv2.ellipse(blob, (round(x), round(y)), axes, 0, 0, 360, strength, -1)
        shade += cv2.GaussianBlur(blob, (0, 0), max(1.0, half * flat * 0.8))
    return np.asarray(frame * (1 - cutout.shadow * np.minimum(shade, 1.0))[..., None], np.float32)


def _mirror(frame: NDArray[np.floating], cutout: Cutout, layer: NDArray[np.float64]) -> NDArray[np.floating]:
    """Add the mirror image that a polished floor shows of a cut-out, fading with distance."""
    rows, _ = cutout.picture.shape[:2]
    upside_down = np.ascontiguousarray(cutout.picture[::-1])
    flip = layer.copy()
    flip[0, 1], flip[1, 0] = -layer[0, 1], -layer[1, 0]
    foot = layer @ np.array([cutout.picture.shape[1] / 2, rows, 1.0])
    flip[:, 2] = foot - flip[:, :2] @ np.array([cutout.picture.shape[1] / 2, 0.0])
    height, width = frame.shape[:2]
    drawn = _warp(upside_down, flip, width, height, smooth=True)
    drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), 2.2), np.float32)
    fade = np.exp(-np.maximum(np.arange(height) - foot[1], 0) / (0.16 * height))[:, None, None]
    alpha = cutout.reflection * fade * drawn[..., 3:] / 255
    return np.asarray(drawn[..., :3] * alpha + frame * (1 - alpha), np.float32)


def _carry(box: Rect, matrix: NDArray[np.float64]) -> Rect:
    """Map a box by a matrix that does not turn."""
    corners = matrix @ np.array([[box[0], box[2]], [box[1], box[3]], [1, 1]])
    return (float(corners[0, 0]), float(corners[1, 0]), float(corners[0, 1]), float(corners[1, 1]))


def _seen(box: Rect, width: int, height: int) -> Rect | None:
    """Clip a box to the frame."""
    x_min, y_min, x_max, y_max = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
    return (x_min, y_min, x_max, y_max) if x_max - x_min >= 1 and y_max - y_min >= 1 else None


def _around(outline: NDArray[np.bool_]) -> Rect | None:
    """Box the pixels of an outline."""
    rows, columns = np.flatnonzero(outline.any(1)), np.flatnonzero(outline.any(0))
    if not len(rows):
        return None
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
