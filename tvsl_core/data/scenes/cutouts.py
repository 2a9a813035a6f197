"""Objects cut from photographs: exact masks from alpha channels and from white surroundings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WHITE = 232
"""A pixel is white when its darkest channel reaches this; JPEG files are never quite 255 around an object."""
BORDER_SHARE = 0.9
"""At least so much of a photograph's edge must be white."""
OBJECT_SHARE = (0.02, 0.9)
"""An object covers a share of its photograph between these."""
FRAMED = (0.5, 0.975)
"""A rectangle over so much of the picture, filled to so much, is a photograph in a white frame, not an object."""
SPECK = 0.03
"""Parts smaller than this share of the largest part are specks, watermarks or captions, and left out."""


def cut_from_white(photo: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Cut an object from its white surroundings.

    White that is connected to the edge is background; white inside the object stays.

    Args:
        photo: RGB ``[height width 3]``.

    Returns: RGBA ``[height width 4]`` with a soft edge of one pixel; None when the edge is not white, the object
        touches too much of it, covers too little or too much of the picture, or is a photograph in a white frame.
    """
    import cv2

    if photo.ndim != 3 or photo.shape[2] != 3:
        raise ValueError(f"a photograph is RGB [height width 3], got shape {photo.shape}")
    if min(photo.shape[:2]) < 8:
        return None
    white = (photo.min(axis=2) >= WHITE).astype(np.uint8)
    edge = np.concatenate([white[0], white[-1], white[1:-1, 0], white[1:-1, -1]])
    if edge.mean() < BORDER_SHARE:
        return None
    _, parts = cv2.connectedComponents(np.pad(white, 1, constant_values=1), connectivity=4)
    solid = (parts[1:-1, 1:-1] != parts[0, 0]).astype(np.uint8)
    solid = _without_specks(solid)
    if not OBJECT_SHARE[0] <= solid.mean() <= OBJECT_SHARE[1] or _is_framed(solid):
        return None
    inner = cv2.erode(solid, np.ones((3, 3), np.uint8), borderValue=1)  # the outermost pixel is half white
    inner = inner if inner.any() else solid
    alpha = cv2.GaussianBlur(inner.astype(np.float32) * 255, (0, 0), 0.7)
    return np.dstack([photo, np.rint(alpha).astype(np.uint8)])


def trim(cutout: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The part of an RGBA picture that holds the object; None when nothing of it is at least half opaque."""
    solid = cutout[:, :, 3] >= 128
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if not rows.size:
        return None
    return cutout[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _is_framed(solid: NDArray[np.uint8]) -> bool:
    """Whether what is not white is a large rectangle."""
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    return bool(box >= FRAMED[0] * solid.size and solid.sum() >= FRAMED[1] * box)


def _without_specks(solid: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep only the parts of a mask that are not tiny beside the largest."""
    import cv2

    count, parts, facts, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    if count <= 2:
        return solid
    areas = facts[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    kept = areas >= SPECK * areas.max()
    kept[0] = False
    whole: NDArray[np.uint8] = kept[parts].astype(np.uint8)
    return whole
