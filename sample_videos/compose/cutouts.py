"""Cut objects out of photographs, and grow grass over the place where they stood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Rect = tuple[int, int, int, int]
"""``x_min, y_min, x_max, y_max`` in pixels; right and bottom excluded."""
Stroke = Sequence[tuple[int, int]]
"""A line of points in pixels."""


def object_mask(
    photo: NDArray[np.uint8],
    within: Rect,
    *,
    inside: Sequence[Stroke] = (),
    outside: Sequence[Stroke] = (),
    width: int = 14,
) -> NDArray[np.uint8]:
    """Find the outline of the object in a rectangle (GrabCut: Rother et al., SIGGRAPH 2004).

    Args:
        photo: RGB ``[height width 3]``.
        within: Everything outside of this rectangle is background.
        inside: Strokes drawn by hand that lie on the object.
        outside: Strokes drawn by hand that do not.
        width: Of the strokes, in pixels.

    Returns:
        1 on the object, else 0, ``[height width]``; the largest connected piece, its holes filled unless drawn.
    """
    labels = np.full(photo.shape[:2], cv2.GC_BGD, np.uint8)
    x_min, y_min, x_max, y_max = within
    labels[y_min:y_max, x_min:x_max] = cv2.GC_PR_FGD
    for strokes, label in ((inside, cv2.GC_FGD), (outside, cv2.GC_BGD)):
        for stroke in strokes:
            cv2.polylines(labels, [np.array(stroke, np.int32)], False, int(label), width)
    cv2.setRNGSeed(1)
    whole = (0, 0, 0, 0)  # not looked at: the labels say where
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(np.ascontiguousarray(photo), labels, whole, *models, 5, cv2.GC_INIT_WITH_MASK)
    mask = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(np.uint8)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(mask)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return np.asarray(pieces == largest, np.uint8)


def cut_out(photo: NDArray[np.uint8], mask: NDArray[np.uint8], *, feather: float = 1.2) -> NDArray[np.uint8]:
    """Take the masked object with a soft edge; RGBA, cropped to the object.

    The edge is drawn in by a pixel, and the colours of the border come from inside the object, so that no rim of the
    old background travels along.
    """
    core = cv2.erode(mask, np.ones((3, 3), np.uint8))
    alpha = cv2.GaussianBlur(core.astype(np.float32), (0, 0), feather)
    solid = cv2.erode(core, np.ones((3, 3), np.uint8)).astype(np.float32)
    weight = cv2.GaussianBlur(solid, (0, 0), 2.0)[..., None]
    spread = cv2.GaussianBlur(photo.astype(np.float32) * solid[..., None], (0, 0), 2.0) / np.maximum(weight, 1e-3)
    colour = np.where((solid > 0)[..., None] | (weight < 1e-2), photo, spread)
    rows, columns = np.flatnonzero(alpha.max(1) > 0.02), np.flatnonzero(alpha.max(0) > 0.02)
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.dstack([np.clip(colour, 0, 255), 255 * alpha])[window].round().astype(np.uint8)


def grow_over(
    photo: NDArray[np.uint8], mask: NDArray[np.uint8], *, patch: int = 64, seed: int = 1
) -> NDArray[np.uint8]:
    """Cover the masked place with soft-edged patches of the same photograph, from about the same height in it.

    Meant for meadows: what grows beside the object grows on in its place. Averaging patches would wash their texture
    out, so their detail is summed at constant variance and only their mean colour is averaged. The order and the
    patches are fixed by ``seed``.
    """
    random = np.random.default_rng(seed)
    ramp = np.clip(3.0 * np.minimum(np.arange(patch) + 0.5, patch - 0.5 - np.arange(patch)) / patch, 0, 1)
    soft = np.minimum.outer(ramp, ramp).astype(np.float32)[..., None]
    tone, detail = np.zeros(photo.shape, np.float32), np.zeros(photo.shape, np.float32)
    weight, power = np.zeros((*mask.shape, 1), np.float32), np.zeros((*mask.shape, 1), np.float32)
    blocked = np.asarray(cv2.integral(mask), np.int32)
    for top, left in _places(mask, patch, patch // 2):
        source = _free_patch(blocked, top, patch, random)
        if source is None:
            continue
        piece = photo[source[0] : source[0] + patch, source[1] : source[1] + patch].astype(np.float32)
        mean = cv2.GaussianBlur(piece, (0, 0), patch / 4)
        place = np.s_[top : top + patch, left : left + patch]
        tone[place] += mean * soft
        detail[place] += (piece - mean) * soft
        weight[place] += soft
        power[place] += soft**2
    grown = np.where(weight > 0, tone / np.maximum(weight, 1e-6) + detail / np.sqrt(np.maximum(power, 1e-6)), photo)
    edge = cv2.GaussianBlur(cv2.dilate(mask, np.ones((7, 7), np.uint8)).astype(np.float32), (0, 0), 4)[..., None]
    return np.asarray((photo * (1 - edge) + grown * edge).round().clip(0, 255), np.uint8)


def _places(mask: NDArray[np.uint8], patch: int, step: int) -> Iterator[tuple[int, int]]:
    """Where patches must lie to cover the mask: top left corners on a grid."""
    height, width = mask.shape
    for top in sorted({min(top, height - patch) for top in range(0, height, step)}):
        for left in sorted({min(left, width - patch) for left in range(0, width, step)}):
            if mask[top : top + patch, left : left + patch].any():
                yield top, left


def _free_patch(
    blocked: NDArray[np.int32], top: int, patch: int, random: np.random.Generator, tries: int = 800
) -> tuple[int, int] | None:
    """Draw a patch near a height that holds nothing masked; ``blocked`` is the integral image of the mask."""
    height, width = blocked.shape[0] - 1, blocked.shape[1] - 1
    tops = np.clip(top + random.integers(-2, 3, tries), 0, height - patch)
    lefts = random.integers(0, width - patch + 1, tries)
    below, above = blocked[tops + patch], blocked[tops]
    every = np.arange(tries)
    hits = below[every, lefts + patch] - below[every, lefts] - above[every, lefts + patch] + above[every, lefts]
    free = np.flatnonzero(hits == 0)
    return (int(tops[free[0]]), int(lefts[free[0]])) if len(free) else None
