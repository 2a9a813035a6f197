"""How fast each of some places in the picture moves, picture by picture, and how loud it is meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.rules import SynchronyOptions
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.types import Corners, Frame, VideoInfo

Floats = NDArray[np.float64]
BoxesAt = Callable[[float], Sequence[Corners]]
"""Where the places are at a time, in pixels of the frame as shown; always as many, in one order."""

SOUND_RATE = 16_000
"""In Hz; loudness needs no more."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Watched:
    """A stretch of a video, at an even rate."""

    speeds: Floats
    """``[picture place]``: mean speed of what a box shows, apart from the camera's, in widths of the frame a second."""
    loudness: Floats
    """``[picture]``: root mean square of the sound around each picture."""


class Watcher:
    """Looks closely at stretches of one video.

    Args:
        options: How closely.
        width: Of the frame as shown, in pixels; coordinates count in it.
        frames: The pictures between two times in seconds, in order of time.
        sound: The sound between two times in seconds, ``[sample]`` at ``SOUND_RATE``.
    """

    def __init__(
        self,
        options: SynchronyOptions,
        *,
        width: int,
        frames: Callable[[float, float], Generator[Frame, None, None]],
        sound: Callable[[float, float], NDArray[np.float32]],
    ) -> None:
        self._options, self._width, self._frames, self._sound = options, width, frames, sound

    @classmethod
    def of_file(cls, info: VideoInfo, options: SynchronyOptions) -> Watcher:
        """Reads the file again wherever it looks."""

        def frames(start_s: float, end_s: float) -> Generator[Frame, None, None]:
            side = options.longest_side
            return read_frames(info, fps=options.rate, start_s=start_s, end_s=end_s, max_side=side, hold_s=1.0)

        def sound(start_s: float, end_s: float) -> NDArray[np.float32]:
            with SoundStream(info, sample_rate=SOUND_RATE, start_s=start_s) as stream:
                return stream.window(Fraction(start_s), Fraction(end_s))

        return cls(options, width=info.width, frames=frames, sound=sound)

    def watch(self, start_s: float, end_s: float, boxes_at: BoxesAt) -> Watched:
        """How some places move from ``start_s`` to ``end_s``, and how loud it is.

        Raises: MediaError: The video can no longer be read.
        """
        rate = self._options.rate
        start_s = max(0.0, start_s)
        with closing(self._frames(start_s, end_s)) as frames:
            times, speeds = measure_speeds(frames, boxes_at, width=self._width)
        end_s = min(end_s, float(times[-1]) + 0.5 / rate) if len(times) else end_s
        even = np.arange(start_s, end_s, 1 / rate) + 0.5 / rate
        steady = [np.interp(even, times, one) if len(times) else np.zeros(len(even)) for one in speeds.T]
        return Watched(
            speeds=np.stack(steady, axis=1),
            loudness=measure_loudness(self._sound(start_s, end_s + 1 / rate), SOUND_RATE, even - start_s, 1 / rate),
        )


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


def measure_loudness(samples: NDArray[np.float32], rate: int, times_s: Floats, length_s: float) -> Floats:
    """Root mean square of a sound over ``length_s`` around each time.

    Args:
        samples: ``[sample]``, from time 0 on.
        rate: In Hz.
        times_s: Centres.
        length_s: Of each stretch.
    """
    power = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    edges = np.rint((times_s[None] + np.array([[-0.5], [0.5]]) * length_s) * rate).astype(int).clip(0, len(samples))
    mean = (power[edges[1]] - power[edges[0]]) / np.maximum(edges[1] - edges[0], 1)
    return np.asarray(np.sqrt(np.maximum(mean, 0.0)))


def _mean_inside(values: NDArray[np.float32], box: Corners, scale: float) -> float:
    height, width = values.shape
    left, top = (min(int(edge * scale), limit - 1) for edge, limit in zip(box[:2], (width, height), strict=True))
    right, bottom = max(left + 1, round(box[2] * scale)), max(top + 1, round(box[3] * scale))
    return float(values[top:bottom, left:right].mean())
