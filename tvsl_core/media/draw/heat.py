"""A coarse map becomes a smooth glow over a picture."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.draw.surface import Surface

FLOOR = 0.12
"""Map values up to here are wholly transparent."""
FULL = 0.85
"""From this map value on the glow is as opaque as it gets."""
_WORK_SIDE = 224
"""Longest side, in pixels, on which a map is smoothed before it is stretched over the frame."""
_SMOOTHING = 0.45
"""Standard deviation of the smoothing, in cells of the map."""
_STRENGTH_STEPS = 64
_BAND_PIXELS = 40_000


def interpolate_maps(first: NDArray[np.float32], second: NDArray[np.float32], weight: float) -> NDArray[np.float32]:
    """A map between two maps in time.

    Args:
        first: ``[row column]``, shown at weight 0.
        second: ``[row column]``, shown at weight 1; of another grid, it is brought to the grid of ``first``.
        weight: In [0, 1]; values outside are clipped.
    """
    weight = min(1.0, max(0.0, weight))
    if second.shape != first.shape:
        rows, columns = first.shape
        second = cv2.resize(second, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return (first + (second - first) * np.float32(weight)).astype(np.float32, copy=False)


def fade(time_s: float, start_s: float, end_s: float, *, ramp_s: float = 0.25) -> float:
    """Strength of something that is shown from ``start_s`` to ``end_s`` and eases in and out.

    Args:
        time_s: Now.
        start_s: From when it is fully there; it begins to show ``ramp_s`` earlier.
        end_s: Until when it is fully there; it is gone ``ramp_s`` later.
        ramp_s: How long coming and going take, in seconds; 0 is at once.

    Returns: In [0, 1].
    """
    outside = max(start_s - time_s, time_s - end_s, 0.0)
    if ramp_s <= 0:
        return 1.0 if outside == 0 else 0.0
    left = max(0.0, 1.0 - outside / ramp_s)
    return left * left * (3 - 2 * left)


def smooth_map(values: NDArray[np.float32], *, width: int, height: int) -> NDArray[np.uint8]:
    """Smooth a map on a small grid, from which it can be stretched over a frame without steps, rings or halos.

    Bicubic stretching overshoots beside a peak, which shows as dark and bright rings. Linear stretching followed by a
    Gaussian of about half a cell never leaves the range of the map; what the peak loses by it is given back.

    Args:
        values: ``[row column]`` in [0, 1].
        width: Of the frame, in pixels.
        height: Of the frame, in pixels.

    Returns: uint8 ``[row column]`` with the frame's aspect, no larger than it; 255 is a map value of 1.
    """
    rows, columns = values.shape
    scale = min(1.0, _WORK_SIDE / max(width, height))
    across, down = max(1, round(width * scale)), max(1, round(height * scale))
    values = np.fmin(np.fmax(values, 0.0), 1.0).astype(np.float32, copy=False)  # what is not a number becomes 0
    work = _smoother(rows, down) @ values @ _smoother(columns, across).T
    left = float(work.max())
    gain = 255.0 * (float(values.max()) / left if left > 0 else 1.0)
    return cv2.convertScaleAbs(work, alpha=gain)  # type: ignore[return-value]


@lru_cache(maxsize=32)
def _smoother(cells: int, length: int) -> NDArray[np.float32]:
    """Stretching and smoothing along one axis, which is linear, as one matrix ``[pixel cell]``."""
    # Where the work grid is coarser than the map, averaging keeps thin peaks from falling through.
    method = cv2.INTER_AREA if length < cells else cv2.INTER_LINEAR
    spread = cv2.resize(np.eye(cells, dtype=np.float32), (cells, length), interpolation=method)
    sigma = _SMOOTHING * length / cells
    if sigma > 0.3:
        spread = cv2.GaussianBlur(spread, (1, 0), sigmaX=0.1, sigmaY=sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(spread, np.float32)


def stretch(heat: NDArray[np.uint8], *, width: int, height: int) -> NDArray[np.uint8]:
    """Stretch a smooth map over a frame: uint8 ``[height width]``."""
    return cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def add_glow(
    surface: Surface, heat: NDArray[np.uint8], ramp: NDArray[np.uint8], *, strength: float, opacity: float
) -> None:
    """Lay a glow over a picture, in place; cold parts of it stay exactly as they are.

    Args:
        surface: Drawn on.
        heat: ``[row column]`` over the whole picture, from ``smooth_map``.
        ramp: Colours from cold to hot, ``[256 3]``.
        strength: In [0, 1]; scales the opacity.
        opacity: Of the hottest part at full strength, in [0, 1].
    """
    level = round(min(1.0, max(0.0, strength)) * _STRENGTH_STEPS)
    area = _warm_area(heat) if level else None
    if area is None:
        return
    stretched: dict[tuple[int, ...], NDArray[np.uint8]] = {}
    for plane in surface.planes:
        height, width = size = plane.pixels.shape[:2]
        if size not in stretched:
            stretched[size] = stretch(heat, width=width, height=height)
        rows, columns = _scaled(area[0], heat.shape[0], height), _scaled(area[1], heat.shape[1], width)
        colour, veil = _tables(ramp.tobytes(), plane.mixing.tobytes(), level, round(opacity * 255))
        # In bands that fit into the processor's cache: a large frame is several times faster so.
        step = max(1, _BAND_PIXELS // (columns.stop - columns.start))
        for first in range(rows.start, rows.stop, step):
            band = slice(first, min(first + step, rows.stop)), columns
            part, warm = plane.pixels[band], stretched[size][band]
            # Whole bytes with saturation: picture * (1 - alpha) + colour * alpha, the second product tabulated.
            cv2.multiply(part, _look_up(warm, veil), dst=part, scale=1 / 255)
            cv2.add(part, _look_up(warm, colour), dst=part)


def _look_up(heat: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if table.shape[-1] == 1:
        return cv2.LUT(heat, table)  # type: ignore[return-value]
    return cv2.applyColorMap(heat, table)  # type: ignore[return-value]


def _warm_area(heat: NDArray[np.uint8]) -> tuple[slice, slice] | None:
    """The rectangle, in rows and columns of the map, outside of which nothing glows."""
    x, y, width, height = cv2.boundingRect(cv2.threshold(heat, int(FLOOR * 255), 255, cv2.THRESH_BINARY)[1])
    return (slice(y, y + height), slice(x, x + width)) if width else None


def _scaled(side: slice, cells: int, pixels: int) -> slice:
    """One side of an area on a finer grid, with the cell on either side that a stretched map takes part of."""
    return slice(max(0, (side.start - 1) * pixels // cells), min(pixels, -(-(side.stop + 1) * pixels // cells)))


@lru_cache(maxsize=2048)
def _tables(ramp: bytes, mixing: bytes, level: int, opacity: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """For each heat: what it adds to a plane, and what is left of the picture under it; both ``[256 1 channel]``."""
    colours = np.frombuffer(ramp, np.uint8).reshape(256, 3).astype(np.float64)
    place = np.clip((np.arange(256) / 255 - FLOOR) / (FULL - FLOOR), 0, 1)
    alpha = place * place * (3 - 2 * place) * (opacity / 255) * (level / _STRENGTH_STEPS)
    veil = np.rint(255 * (1 - alpha))
    rows = np.frombuffer(mixing, np.float32).reshape(-1, 4)
    ink = np.hstack([colours, np.full((256, 1), 255.0)]) * (1 - veil / 255)[:, None]
    return np.rint(ink @ rows.T).astype(np.uint8)[:, None], np.repeat(veil.astype(np.uint8)[:, None], len(rows), 1)[
        :, None
    ]
