"""Loudness and spectrum of a sound around each of its fine positions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tvsl_core.annotate.evidence import HOP_S

Floats = NDArray[np.float32]

BLOCKS = 4
"""Blocks that make one position; each has a spectrum of its own."""
WINDOW_S = 0.064
"""Sound behind one spectrum: 1024 samples at 16 kHz, where these numbers were chosen."""
BINS = 1024
EDGES = np.geomspace(3, 513, 17).astype(int)
"""Of the bands, in bins of the spectrum; up to 8 kHz."""
REACH_S = HOP_S / 2 + WINDOW_S / 2
"""So much sound around its centre says everything about a position."""
LEVEL_FLOOR, BAND_FLOOR, BLOCK_FLOOR = 1e-12, 1e-9, 1e-7
"""Powers that stand for silence."""


def levels(samples: Floats, rate: int, *, first: int, count: int) -> tuple[Floats, Floats]:
    """Loudness, and loudness in bands, of some positions.

    Args:
        samples: ``[sample]`` in [-1, 1].
        rate: In Hz.
        first: The sample on which the first position is centred; ``REACH_S`` around every centre is there.
        count: How many positions.

    Returns: ``[sound]`` and ``[sound band]``, in dB.
    """
    block = round(rate * HOP_S / BLOCKS)
    start = first - BLOCKS // 2 * block
    power = samples[start : start + count * BLOCKS * block].astype(np.float64) ** 2
    level = power.reshape(count, BLOCKS * block).mean(axis=1)
    window = round(rate * WINDOW_S)
    begin = start - window // 2
    pieces = sliding_window_view(samples[begin : begin + (count * BLOCKS - 1) * block + window], window)[::block]
    spectra = np.abs(np.fft.rfft(pieces * np.hanning(window))) ** 2 * (BINS / window) ** 2
    # Below 16 kHz there is nothing in the upper bands.
    spectra = np.pad(spectra, ((0, 0), (0, max(0, EDGES[-1] - spectra.shape[1]))))
    bands = np.stack([spectra[:, low:high].mean(axis=1) for low, high in pairwise(EDGES)], 1)
    bands = (bands + BLOCK_FLOOR).reshape(count, BLOCKS, -1).mean(axis=1)
    return _decibels(level + LEVEL_FLOOR), _decibels(np.maximum(bands, BAND_FLOOR))


def _decibels(power: NDArray[np.float64]) -> Floats:
    return np.asarray(10 * np.log10(power), np.float32)
