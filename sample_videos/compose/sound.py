"""Put sounds on a timeline, and say exactly when they sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .sources import SAMPLE_RATE

Interval = tuple[float, float]
"""Start and end in seconds; half open."""


def loudness(sound: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    """Scale a sound so that its loudest half second has the given root mean square, in dB of full scale."""
    window = SAMPLE_RATE // 2
    power = np.convolve(sound.astype(np.float64) ** 2, np.full(window, 1 / window), mode="full")
    return np.asarray(sound * 10 ** (level / 20) / np.sqrt(power.max()), np.float32)


def timeline(
    sound: NDArray[np.float32], starts: Sequence[float], duration: float, *, longest: float | None = None
) -> NDArray[np.float32]:
    """Let a sound start at each of the given times.

    Args:
        sound: Mono, ``[sample]``.
        starts: In seconds.
        duration: Of the timeline, in seconds; what is longer fades out at its end.
        longest: Seconds after which each of them fades out.

    Returns:
        Mono ``[sample]``, as long as the timeline.
    """
    track = np.zeros(round(duration * SAMPLE_RATE), np.float32)
    for start in starts:
        first = round(start * SAMPLE_RATE)
        length = min(len(sound), len(track) - first, round((longest or duration) * SAMPLE_RATE))
        piece = sound[:length].copy()
        fade = min(length, round(0.12 * SAMPLE_RATE))
        if length < len(sound):
            piece[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        track[first : first + length] += piece
    return track


def sounding(track: NDArray[np.float32], *, floor: float = -34.0, gap: float = 0.35) -> list[Interval]:
    """Find when a track sounds.

    Args:
        track: One source alone, mono ``[sample]``.
        floor: What is that many dB below the loudest moment counts as silence.
        gap: Pauses shorter than this, in seconds, do not count as silence.

    Returns:
        Intervals in seconds, to a hundredth.
    """
    hop = SAMPLE_RATE // 100
    blocks = track[: len(track) // hop * hop].reshape(-1, hop).astype(np.float64)
    power = np.convolve(np.mean(blocks**2, axis=1, keepdims=True)[:, 0], np.ones(3) / 3, mode="same")
    if power.max() == 0:
        return []
    loud = np.flatnonzero(power > power.max() * 10 ** (floor / 10))
    breaks = np.flatnonzero(np.diff(loud) > gap * 100)
    firsts = loud[np.concatenate([[0], breaks + 1])]
    lasts = loud[np.concatenate([breaks, [loud.size - 1]])]
    return [(first / 100, (last + 1) / 100) for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True)]


def mix(tracks: Sequence[NDArray[np.float32]], *, room: float = -66.0, seed: int = 1) -> NDArray[np.float32]:
    """Add tracks and a breath of room noise (dB of full scale); scaled down where they would clip."""
    total = np.array(tracks, np.float64).sum(0, keepdims=True)[0]
    noise = np.cumsum(np.random.default_rng(seed).normal(size=len(total)))
    noise -= np.convolve(noise, np.ones(999) / 999, mode="same")
    total += noise * 10 ** (room / 20) / noise.std()
    return np.asarray(total * min(1.0, 0.85 / np.abs(total).max()), np.float32)
