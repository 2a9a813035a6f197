"""The fine evidence of a clip in memory: one picture, and its sound at the scorer's hop.

Positions lie on a grid from the sound's beginning, every ``HOP_S``. Silence is heard before and behind the sound, so
that its ends have positions like the rest.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.annotate.evidence import HOP_S, FineEvidence, spectral_change
from tvsl_core.errors import InputError
from tvsl_core.model.evidence import read_finely
from tvsl_core.model.tvsl import TvslModel

Floats = NDArray[np.float32]

LEAST = 1e-5
"""Evidence is kept this far from 0 and 1, so that its logit is finite."""
BROAD = 4
"""A broad look is the mean over so many of the strongest patches."""
BLOCKS = 4
"""Level and spectrum are measured so many times a position."""
SPECTRUM = 1024
"""Samples of a spectrum."""
BANDS = 16
FAINTEST_LEVEL, FAINTEST_BAND, FAINTEST_BLOCK = 1e-12, 1e-9, 1e-7
"""Powers that stand for silence, in the mean of a position and, for a band, in each of its blocks."""


class FineListener:
    """Gives the fine evidence of clips.

    Args:
        model: Whose towers hear the sound near a position only.

    Raises: InputError: The towers hear whole windows, which have no fine positions.
    """

    def __init__(self, model: TvslModel) -> None:
        towers = model.towers
        if towers.sound_hop_s is None:
            raise InputError(f"the {model.name} towers hear whole windows, so no scorer of moments can be fitted.")
        self._model = model
        self._untrained = towers.class_evidence(model.vocabulary.prompts, model.vocabulary.evidence())
        self._hop = round(towers.sound_hop_s * towers.sample_rate)
        self._step, self._span = round(HOP_S * towers.sample_rate), round(towers.sound_span_s * towers.sample_rate)

    @torch.inference_mode()
    def __call__(self, frame: NDArray[np.uint8], waveform: Floats) -> FineEvidence:
        """The evidence of a clip that shows one frame, RGB ``[height width 3]``, for as long as it sounds.

        Args:
            frame: What is seen.
            waveform: Mono ``[sample]`` in [-1, 1] at the towers' rate.
        """
        count = len(waveform) // self._step + 1
        silence = np.zeros(self._span // 2, np.float32)
        padded = np.concatenate((silence, waveform, np.zeros(self._span + self._hop, np.float32)))
        samples = torch.from_numpy(padded)[None].to(self._model.towers.device)
        times = self._hop // self._step
        positions = read_finely(self._model.evidence, samples, hop=self._hop, times=times)
        level, bands = _levels(waveform, self._model.towers.sample_rate, count)
        rise, fall = spectral_change(bands)
        look, broad = self._looks(frame)
        sound = _logits(self._model.evidence.sound(positions)[0, :count])
        return FineEvidence(
            sound=sound,
            untrained=_logits(self._untrained.sound(positions)[0, :count]),
            level_db=level,
            rise=rise,
            fall=fall,
            look=np.broadcast_to(look, sound.shape),
            look_broad=np.broadcast_to(broad, sound.shape),
            trained=self._model.is_sound_trained,
        )

    def _looks(self, frame: NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """How strongly one patch, and a few of them, show each class: ``[klass]`` each."""
        parts = self._model.evidence.read_images(self._model.towers.preprocess(frame[None]))
        shown = self._model.evidence.image(parts.patches)[0].float()
        strongest = shown.topk(min(BROAD, len(shown)), dim=0).values
        return _logits(strongest[0]), _logits(strongest.mean(dim=0))


def _logits(evidence: Tensor) -> Floats:
    return np.asarray(torch.logit(evidence.float(), eps=LEAST).cpu(), np.float32)


def _levels(waveform: Floats, sample_rate: int, count: int) -> tuple[Floats, Floats]:
    """Level ``[sound]`` and bands ``[sound band]`` around each position, in dB of full scale."""
    size = round(HOP_S * sample_rate / BLOCKS)
    blocks = len(waveform) // size
    power = np.square(waveform[: blocks * size].astype(np.float64)).reshape(blocks, size).mean(axis=1)
    padded = np.pad(waveform, SPECTRUM // 2)
    starts = np.arange(blocks) * size
    pieces = padded[starts[:, None] + np.arange(SPECTRUM)] * np.hanning(SPECTRUM)
    spectrum = np.square(np.abs(np.fft.rfft(pieces)))
    edges = np.geomspace(3, SPECTRUM // 2 + 1, BANDS + 1).astype(int)
    bands = np.stack([spectrum[:, low:high].mean(axis=1) for low, high in pairwise(edges)], 1)
    level = 10 * np.log10(_around(power[:, None], count)[:, 0] + FAINTEST_LEVEL)
    shaped = 10 * np.log10(np.maximum(_around(bands + FAINTEST_BLOCK, count), FAINTEST_BAND))
    return level.astype(np.float32), shaped.astype(np.float32)


def _around(blocks: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Mean of the blocks around each position, half of them before it; beyond the ends there is silence."""
    behind = max(0, count * BLOCKS - len(blocks)) + BLOCKS
    padded = np.pad(blocks, ((BLOCKS // 2, behind), (0, 0)))
    total = np.concatenate((np.zeros((1, blocks.shape[1])), np.cumsum(padded, axis=0)))
    first = np.arange(count) * BLOCKS
    return np.asarray((total[first + BLOCKS] - total[first]) / BLOCKS)
