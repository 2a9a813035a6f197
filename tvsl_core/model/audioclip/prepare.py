"""Frames as AudioCLIP expects them: resized, scaled, normalised."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as fn
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.model.audioclip.sizes import STRIDE

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""Of CLIP's training images, per channel in [0, 1]."""
LONGEST_SIDE = 1024
"""Pixels of a prepared image; longer frames are shrunk further, whatever their short side."""


def whole_size(height: int, width: int, *, short_side: int) -> tuple[int, int]:
    """Height and width of the prepared whole frame: multiples of 32, nearly the shape of the frame."""
    factor = min(short_side / min(height, width), LONGEST_SIDE / max(height, width))
    rows, columns = (max(1, round(side * factor / STRIDE)) for side in (height, width))
    return rows * STRIDE, columns * STRIDE


def prepare_whole(frames: NDArray[np.uint8], *, short_side: int) -> Tensor:
    """The whole frame, for localization: the grid covers exactly the frame.

    Shapes: frames ``[clip height width 3]`` to ``[clip 3 h w]``.
    """
    checked(frames)
    size = whole_size(frames.shape[1], frames.shape[2], short_side=short_side)
    return normalise([_resize(frame, size) for frame in frames], size)


def prepare_centre(frames: NDArray[np.uint8], *, side: int) -> Tensor:
    """The published preprocessing: short side resized to ``side``, then the centre square.

    Shapes: frames ``[clip height width 3]`` to ``[clip 3 side side]``.
    """
    checked(frames)
    height, width = frames.shape[1:3]
    # scale and crop in source pixels would resample differently: resize all, then crop, as published
    short = min(height, width)
    size = (side * height // short, side * width // short)
    top, left = (round((length - side) / 2) for length in size)
    pictures = [_resize(frame, size)[:, top : top + side, left : left + side] for frame in frames]
    return normalise(pictures, (side, side))


def checked(frames: NDArray[np.uint8]) -> None:
    """Refuse anything but RGB frames.

    Shapes: frames ``[clip height width 3]``.

    Raises: ValueError: Not an array of uint8 ``[clip height width 3]`` with at least one pixel.
    """
    if not isinstance(frames, np.ndarray):
        raise ValueError(f"frames must be a numpy array, got {type(frames).__name__}: convert with numpy.asarray")
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
        raise ValueError(
            f"frames must be uint8 [clip height width 3], got {frames.dtype} {list(frames.shape)}: "
            "stack RGB frames, and convert grey, palette or transparent images to RGB first"
        )
    if 0 in frames.shape[1:3]:
        raise ValueError(f"frames must have pixels, got {list(frames.shape)}")


def normalise(pictures: list[Tensor], size: tuple[int, int]) -> Tensor:
    """uint8 pictures of one size to the scale of the image tower.

    Shapes: ``[clip 3 height width]``.
    """
    if not pictures:
        return torch.zeros(0, 3, *size)
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    return (torch.stack(pictures).float() / 255 - mean) / std


def _resize(frame: NDArray[np.uint8], size: tuple[int, int]) -> Tensor:
    pixels = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)
    if tuple(pixels.shape[1:]) == size:
        return pixels
    return fn.interpolate(pixels[None], size=size, mode="bicubic", antialias=True)[0]
