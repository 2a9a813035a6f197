"""How fast each of some places in the picture moves, picture by picture, and how loud it is meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.objects.footage import Footage
from tvsl_core.annotate.rules import SynchronyOptions
from tvsl_core.types import Corners, Frame

Floats = NDArray[np.float64]
BoxesAt = Callable[[float], Sequence[Corners]]
"""Where the places are at a time, in pixels of the frame as shown; always as many, in one order."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Watched:
    """A stretch of a video, at an even rate."""

    speeds: Floats
    """``[picture place]``: mean speed of what a box shows, apart from the camera's, in widths of the frame a second."""
    loudness: Floats
    """``[picture]``: root mean square of the sound around each picture."""


def watch(footage: Footage, start_s: float, end_s: float, boxes_at: BoxesAt, options: SynchronyOptions) -> Watched:
    """How some places move from ``start_s`` to ``end_s``, and how loud it is.

    Args:
        footage: Of the video.
        start_s: In seconds of the timeline.
        end_s: Behind the start.
        boxes_at: Where the places are.
        options: How closely they are looked at.

    Raises: MediaError: The video can no longer be read.
    """
    start_s = max(0.0, start_s)
    with closing(footage.pictures(start_s, end_s, rate=options.rate, longest_side=options.longest_side)) as frames:
        times, speeds = measure_speeds(frames, boxes_at, width=footage.width)
    end_s = min(end_s, float(times[-1]) + 0.5 / options.rate) if len(times) else end_s
    even = np.arange(start_s, end_s, 1 / options.rate) + 0.5 / options.rate
    steady = [np.interp(even, times, one) if len(times) else np.zeros(len(even)) for one in speeds.T]
    return Watched(speeds=np.stack(steady, axis=1), loudness=footage.loudness(even, 1 / options.rate))


def measure_speeds(frames: Iterable[Frame], boxes_at: BoxesAt, *, width: int) -> tuple[Floats, Floats]:
    """Optical flow between pictures, averaged over boxes. What most of the picture does is the camera's.

    Args:
        frames: In order of time, all of one size.
        boxes_at: In pixels of a frame that is ``width`` wide.
        width: Of the frame as shown.

    Returns: Times between the pictures ``[step]``, in seconds, and speeds ``[step place]`` in widths a second.
    """
    flow_of = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    times: list[float] = []
    speeds: list[list[float]] = []
    grey = ((float(one.time), cv2.cvtColor(one.pixels, cv2.COLOR_RGB2GRAY)) for one in frames)
    places = len(boxes_at(0.0))
    for (before_s, before), (after_s, after) in pairwise(grey):
        flow = flow_of.calc(before, after, None)  # type: ignore[call-overload]
        moved = np.linalg.norm(flow - np.median(flow.reshape(-1, 2), axis=0), axis=2)
        scale = before.shape[1] / width
        middle_s = (before_s + after_s) / 2
        times.append(middle_s)
        speeds.append(
            [_mean_inside(moved, box, scale) / before.shape[1] / (after_s - before_s) for box in boxes_at(middle_s)]
        )
    return np.asarray(times), np.asarray(speeds, np.float64).reshape(-1, places)


def _mean_inside(values: NDArray[np.float32], box: Corners, scale: float) -> float:
    height, width = values.shape
    left, top = (min(int(edge * scale), limit - 1) for edge, limit in zip(box[:2], (width, height), strict=True))
    right, bottom = max(left + 1, round(box[2] * scale)), max(top + 1, round(box[3] * scale))
    return float(values[top:bottom, left:right].mean())
