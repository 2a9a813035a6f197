"""Decoded sound of any format becomes mono samples at one rate, piece by piece, through libswresample."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import AudioFrame


def resampled(frames: Iterable[AudioFrame], sample_rate: int) -> Iterator[NDArray[np.float32]]:
    """The sound of some frames, in order, as pieces of mono samples ``[sample]``; the last comes at their end.

    For sound without a timeline; ``SoundStream`` is for the sound of a video.

    Args:
        frames: Decoded, one behind the other.
        sample_rate: Of the pieces, in Hz.

    Raises: av.FFmpegError: The frames change their format midway.
    """
    from av import AudioResampler

    resampler = AudioResampler(format="flt", layout="mono", rate=sample_rate)
    for frame in frames:
        for piece in resampler.resample(frame):
            yield piece.to_ndarray().reshape(-1).astype(np.float32, copy=False)
    for piece in resampler.resample(None):
        yield piece.to_ndarray().reshape(-1).astype(np.float32, copy=False)


def joined(pieces: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Pieces of sound as one, ``[sample]``; empty when there are none."""
    return np.concatenate([np.zeros(0, np.float32), *pieces])
