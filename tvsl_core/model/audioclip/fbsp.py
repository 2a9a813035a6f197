"""The learned spectrogram: a bank of complex frequency B-spline filters (arXiv 2104.11587, section 3.1)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from tvsl_core.model.audioclip.sizes import SoundSizes

TINY = 1e-8
"""Keeps the filters away from 0 / 0."""
POWER_FLOOR = 1e-18
"""Stands in for a power of exactly zero, -180 dB."""


def blackman_harris(length: int) -> Tensor:
    """The periodic four-term Blackman-Harris window (Harris, Proc. IEEE 66(1), 1978).

    Shapes: ``[sample]``.
    """
    phase = 2 * math.pi * torch.arange(length, dtype=torch.float64) / length
    terms = (0.35875, -0.48829, 0.14128, -0.01168)
    return torch.stack([a * torch.cos(k * phase) for k, a in enumerate(terms)]).sum(0).float()


class FbspFilters(nn.Module):
    """Parameters of the filter bank: per bin an order ``m``, a bandwidth ``fb`` and a centre frequency ``fc``."""

    def __init__(self, sizes: SoundSizes) -> None:
        super().__init__()
        self.fft = sizes.fft
        self.m = nn.Parameter(torch.ones(sizes.bins))
        self.fb = nn.Parameter(torch.ones(sizes.bins))
        self.fc = nn.Parameter(torch.arange(sizes.bins).float())
        self.bias = nn.Parameter(torch.zeros(0))  # published as an empty tensor; nothing reads it

    def transform(self) -> tuple[Tensor, Tensor]:
        """Real and imaginary part of every filter, in float32.

        Shapes: ``[bin sample]``, ``[bin sample]``.

        ``W = sqrt(fb) sinc(fb t / m)^m exp(-i fc t) / sqrt(fft)`` over t in [-pi, pi]; sinc(u) is sin(u) / u and the
        power is complex, since sinc turns negative: (-a)^m is a^m at the angle pi m.

        float32 and the order of operations are part of the model: fc t reaches 3,000 rad, so its rounding moves
        phases by 1e-4 rad, which is what faint bins beside loud ones are made of. Filters computed in float64 change
        such bins by decibels; merging the two angles into one doubles the mean distance to the published numbers.
        """
        t = math.pi * torch.linspace(-1, 1, self.fft, device=self.m.device) + TINY
        m, fb, fc = (p.detach().float()[:, None] for p in (self.m, self.fb, self.fc))
        u = fb * t / (m + TINY)
        lobe = torch.sin(u) / u
        size, turn = lobe.square() ** (0.5 * m), torch.where(lobe < 0, math.pi, 0.0) * m
        across, up = size * torch.cos(turn), size * torch.sin(turn)
        cos, sin, root = torch.cos(fc * t), -torch.sin(fc * t), fb.sqrt()
        length = math.sqrt(self.fft)
        return root * (across * cos - up * sin) / length, root * (across * sin + up * cos) / length


def frame_count(samples: int, sizes: SoundSizes) -> int:
    """Columns of the spectrogram of a sound of so many samples."""
    return 1 + max(0, math.ceil((samples - sizes.frame) / sizes.hop))


def padded(waveforms: Tensor, sizes: SoundSizes) -> Tensor:
    """Zeros on both sides so that whole frames cover every sample; the odd one goes to the right.

    Shapes: waveforms ``[clip sample]`` to ``[clip longer]``.
    """
    samples = waveforms.shape[-1]
    missing = (frame_count(samples, sizes) - 1) * sizes.hop + sizes.frame - samples
    return fn.pad(waveforms, (missing // 2, missing - missing // 2))


def kernel(filters: FbspFilters, sizes: SoundSizes) -> Tensor:
    """What a windowed frame is multiplied with: real parts of the filters in use, then their imaginary parts.

    The transform is defined over ``fft`` samples, of which a frame covers the middle; the others would meet zeros.

    Shapes: ``[frame_sample part_bin]``.
    """
    used, side = sizes.bands * sizes.band_bins, (sizes.fft - sizes.frame) // 2
    return torch.cat([part[:used, side : side + sizes.frame] for part in filters.transform()]).T.contiguous()


def spectrogram(
    waveforms: Tensor,
    *,
    window: Tensor,
    matrix: Tensor,
    sizes: SoundSizes,
) -> Tensor:
    """Power in decibels, in float32, split into bands from low to high.

    Shapes: waveforms ``[clip sample]``, window ``[frame_sample]``, matrix ``[frame_sample part_bin]`` to ``[clip band
    bin column]``.

    Args:
        waveforms: On the filters' scale, see ``sound.to_filter_scale``.
        window: Of one frame.
        matrix: From ``kernel``.
        sizes: Of the tower.
    """
    frames = padded(waveforms, sizes).unfold(-1, sizes.frame, sizes.hop) * window
    real, imaginary = (frames @ matrix).chunk(2, dim=-1)
    power = real.square() + imaginary.square()
    power = power.masked_fill(power == 0, POWER_FLOOR)
    decibels = 10 * torch.log10(power)
    columns: Tensor = decibels.transpose(1, 2)
    return columns.reshape(len(columns), sizes.bands, sizes.band_bins, -1)
