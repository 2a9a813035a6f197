"""A dark stage for instruments, drawn by arithmetic: lights out of focus, and a polished floor."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

LIGHTS = ((255, 176, 92), (255, 214, 150), (120, 150, 255), (255, 120, 96), (190, 140, 255))
"""RGB of the lamps."""


def draw_stage(width: int, height: int, *, horizon: float = 0.7, lamps: int = 46, seed: int = 1) -> NDArray[np.uint8]:
    """Draw an empty stage.

    Args:
        width: In pixels.
        height: In pixels.
        horizon: Where the floor begins, as a share of the height.
        lamps: How many there are behind the stage.
        seed: Fixes where they hang.

    Returns:
        RGB ``[height width 3]``.
    """
    random = np.random.default_rng(seed)
    edge = round(height * horizon)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    glow = np.exp(-(((x / width - 0.5) / 0.42) ** 2) - ((y / height - 0.45) / 0.5) ** 2)[..., None]
    wall = np.array([26, 20, 34], np.float32) + glow * np.array([92, 62, 58], np.float32)
    for _ in range(lamps):
        centre = (int(random.uniform(0, width)), int(random.uniform(0, 0.62) * height))
        radius = int(height * random.uniform(0.018, 0.05))
        disc = np.zeros((height, width), np.float32)
        cv2.circle(disc, centre, radius, 1.0, -1, cv2.LINE_AA)
        cv2.circle(disc, centre, radius, 1.35, max(1, radius // 7), cv2.LINE_AA)
        disc = cv2.GaussianBlur(disc, (0, 0), height * 0.004).astype(np.float32)
        colour = np.array(LIGHTS[int(random.integers(len(LIGHTS)))], np.float32)
        wall = wall + disc[..., None] * colour * float(random.uniform(0.12, 0.42))
    mirrored = cv2.GaussianBlur(wall[::-1], (0, 0), sigmaX=height * 0.012, sigmaY=height * 0.05)
    floor = np.array([34, 22, 20], np.float32) + 0.42 * np.asarray(mirrored, np.float32)[: height - edge]
    boards = 1 + 0.05 * np.sin(np.arange(width) * 2 * np.pi / (width / 14))[None, :, None]
    wall[edge:] = floor * boards
    wall[edge:] += 34 * np.exp(-((x[edge:] / width - 0.5) ** 2) / 0.06)[..., None] * np.array([1.0, 0.8, 0.66])
    soft = np.asarray(cv2.GaussianBlur(wall, (0, 0), 3.0), np.float32)
    band = np.exp(-(((np.arange(height) - edge) / 6.0) ** 2))[:, None, None]
    stage = wall * (1 - band) + soft * band
    grain = cv2.GaussianBlur(random.normal(0, 5, (height, width)).astype(np.float32), (0, 0), 0.9)[..., None]
    return np.asarray((stage + grain).round().clip(0, 255), np.uint8)
