"""Stretches of a video, read again and closely: the instants of the tables are too far apart to show movement."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.types import Frame, VideoInfo

SOUND_RATE = 16_000
"""In Hz; loudness needs no more."""


class ReadPictures(Protocol):
    """Gives the pictures between two times."""

    def __call__(self, start_s: float, end_s: float, *, rate: float, longest_side: int) -> Generator[Frame, None, None]:
        """In order of time, ``rate`` a second, with at most ``longest_side`` pixels on their longer side."""
        ...


class ReadSound(Protocol):
    """Gives the sound between two times."""

    def __call__(self, start_s: float, end_s: float) -> NDArray[np.float32]:
        """Mono ``[sample]`` at ``SOUND_RATE``."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Footage:
    """What can be read again of one video."""

    width: int
    """Of the frame as shown, in pixels; coordinates count in it."""
    pictures: ReadPictures
    sound: ReadSound

    @classmethod
    def of_file(cls, info: VideoInfo) -> Footage:
        """Of a file, which is opened anew for every stretch."""

        def pictures(start_s: float, end_s: float, *, rate: float, longest_side: int) -> Generator[Frame, None, None]:
            return read_frames(info, fps=rate, start_s=start_s, end_s=end_s, max_side=longest_side, hold_s=1.0)

        def sound(start_s: float, end_s: float) -> NDArray[np.float32]:
            with SoundStream(info, sample_rate=SOUND_RATE, start_s=start_s) as stream:
                return stream.window(Fraction(start_s), Fraction(end_s))

        return cls(width=info.width, pictures=pictures, sound=sound)

    def loudness(self, times_s: NDArray[np.float64], length_s: float) -> NDArray[np.float64]:
        """Root mean square of the sound over ``length_s`` around each time; times in order, at least one."""
        start_s, end_s = max(0.0, float(times_s[0]) - length_s), float(times_s[-1]) + length_s
        return measure_loudness(self.sound(start_s, end_s), SOUND_RATE, times_s - start_s, length_s)


def measure_loudness(
    samples: NDArray[np.float32], rate: int, times_s: NDArray[np.float64], length_s: float
) -> NDArray[np.float64]:
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
