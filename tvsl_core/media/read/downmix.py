"""Decoded sound of any format and any number of channels becomes one channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import AudioFrame, AudioResampler

MAX_PLANES = 7
"""PyAV (seen in 18.1) reads past the end of its list of planes from the eighth on, which can crash the process."""

_INTEGER_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31}


class Downmix:
    """Averages channels; keeps the converter that frames with many channels need."""

    def __init__(self) -> None:
        self._packer: AudioResampler | None = None
        self._packs: tuple[str, str, int] = ("", "", 0)

    def mono(self, frame: AudioFrame) -> NDArray[np.float32]:
        """The average of a frame's channels, ``[sample]``; the average of samples in [-1, 1] cannot clip.

        Samples that are not finite numbers become silence.
        """
        channels = frame.layout.nb_channels
        if frame.format.is_planar and channels > MAX_PLANES:
            parts = [average(packed) for packed in self._pack(frame)]
            return np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return average(frame)

    def _pack(self, frame: AudioFrame) -> list[AudioFrame]:
        """The frame with its channels interleaved."""
        from av import AudioResampler

        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._packer is None or self._packs != kind:
            self._packer, self._packs = AudioResampler(format="flt"), kind
        return self._packer.resample(frame)


def average(frame: AudioFrame) -> NDArray[np.float32]:
    """The average of the channels of a frame of at most ``MAX_PLANES`` planes."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    name = frame.format.name.removesuffix("p")
    scale = _INTEGER_SCALE.get(name)
    if scale is None:
        finite = np.nan_to_num(values.astype(np.float32, copy=False), nan=0.0, posinf=0.0, neginf=0.0)
        return np.asarray(finite.mean(axis=0), dtype=np.float32)
    mixed = values.mean(axis=0, dtype=np.float64) / scale
    return np.asarray(mixed - 1 if name == "u8" else mixed, dtype=np.float32)
