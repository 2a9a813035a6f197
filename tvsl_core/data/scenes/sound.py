"""Fourth step of a mixture: add up its sounds."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.data.scenes.plan import ScenePlan, rng_for
from tvsl_core.data.scenes.pool import SoundItem
from tvsl_core.data.scenes.scene import PlacedSound, Sound
from tvsl_core.data.scenes.store import loud_level

Samples = NDArray[np.float32]
ReadSound = Callable[[SoundItem], NDArray[np.int16]]
"""From an item to its samples at the rate in use."""

FADE_S = 0.004
"""A sound that is cut begins and ends with a ramp, for a step would be a click."""
ECHO_S = (0.08, 0.6)
"""Reverberation dies away within a time between these."""
ECHO_DB = (-24.0, -6.0)
"""Energy of the reverberation relative to the direct sound."""
TILT_DB = 2.5
"""The spectrum is tilted by at most so much per octave."""
SPECTRUM = 1024
"""Samples of a transform when a pitch is shifted: 64 ms at 16 kHz, so that the partials of a low voice come apart."""
MOMENT_S = (0.1, 0.6)
"""Length of a moment that is removed."""
BAND_OCTAVES = (0.4, 1.2)
"""Width of a band that is removed."""


def mix(
    plan: ScenePlan, items: tuple[SoundItem, ...], options: MixtureOptions, sample_rate: int, read: ReadSound
) -> Sound:
    """Add up the sounds of one scene.

    Args:
        plan: What was drawn.
        items: The file of each sound of the plan.
        options: Length of the window, and how strongly sounds change.
        sample_rate: In Hz.
        read: Gives the samples of an item.

    Returns: The waveform, softer as a whole when it would leave [-1, 1], so that differences stay; and the classes.

    Raises: MediaError: A file cannot be decoded.
    """
    recipe = plan.recipe
    rng = rng_for("sound", recipe.seed, recipe.epoch, recipe.index)
    length = round(options.seconds * sample_rate)
    mixed = np.zeros(length, np.float32)
    for placed, item in zip(recipe.sounds, items, strict=True):
        begin, piece = cut(read(item), placed, length, sample_rate)
        if options.pitch_semitones:  # nothing is drawn otherwise: the scenes of a seed stay what they were
            steps = int(rng.integers(-options.pitch_semitones, options.pitch_semitones + 1))
            piece = _pitched(piece, steps)
        level = loud_level(piece, sample_rate)
        if level > 0:
            mixed[begin : begin + len(piece)] += piece * np.float32(10 ** (placed.level_db / 20) / level)
    if rng.random() < options.room:
        mixed = in_a_room(mixed, sample_rate, rng)
    if recipe.noise_db is not None:
        mixed += np.float32(10 ** (recipe.noise_db / 20)) * rng.standard_normal(length, dtype=np.float32)
    if rng.random() < options.masked:
        mixed = _masked(mixed, sample_rate, rng)
    mixed /= np.float32(max(1.0, float(np.abs(mixed).max(initial=0.0))))
    return Sound(waveform=mixed, sounding=plan.sounding)


def cut(samples: NDArray[np.int16], placed: PlacedSound, length: int, sample_rate: int) -> tuple[int, Samples]:
    """The part of a sound that lies in the window.

    Returns: The sample of the window at which it begins, and the part, at its own loudness.
    """
    first = round(placed.start_s * sample_rate)
    low, high = max(first, 0), min(first + round(length * placed.speed) + 1, len(samples))
    if low >= high:
        return 0, np.zeros(0, np.float32)
    part = samples[low:high].astype(np.float32) * np.float32(1 / 32767)
    begin = min(round((low - first) / placed.speed), length)
    if placed.speed != 1.0:
        part = _played_faster(part, placed.speed)
    part = part[: length - begin]
    ramp = np.linspace(0, 1, min(max(1, round(FADE_S * sample_rate)), max(1, len(part) // 2)), dtype=np.float32)
    if low > 0:
        part[: len(ramp)] *= ramp
    if high < len(samples):
        part[len(part) - len(ramp) :] *= ramp[::-1]
    return begin, part


def _played_faster(part: Samples, speed: float) -> Samples:
    """Every so many samples one, with straight lines between them."""
    moments = np.arange(max(1, int((len(part) - 1) / speed)), dtype=np.float64) * speed
    before = moments.astype(np.int32)
    share = (moments - before).astype(np.float32)
    after = np.minimum(before + 1, len(part) - 1)
    result: Samples = part[before] * (1 - share) + part[after] * share
    return result


def _pitched(part: Samples, semitones: int) -> Samples:
    """Higher or lower, as long as before: stretched by a phase vocoder, then played faster by as much."""
    if not semitones or len(part) < SPECTRUM:
        return part
    import torch
    from torchaudio.functional import phase_vocoder, resample

    # A ratio of small numbers: torchaudio's own pitch_shift resamples between rates that share no divisor, which took
    # 50 s for 3 s of sound. Within 0.1 % of the semitone.
    ratio = Fraction(2 ** (semitones / 12)).limit_denominator(50)
    hop, window = SPECTRUM // 4, torch.hann_window(SPECTRUM)
    with torch.inference_mode():
        waves = torch.stft(torch.from_numpy(part), SPECTRUM, hop, window=window, return_complex=True)
        advance = torch.linspace(0, torch.pi * hop, len(waves))[:, None]
        stretched = torch.istft(phase_vocoder(waves, 1 / float(ratio), advance), SPECTRUM, hop, window=window)
        shifted = resample(stretched, ratio.numerator, ratio.denominator).numpy()
    result: Samples = np.zeros_like(part)
    result[: len(shifted)] = shifted[: len(part)]
    return result


def in_a_room(mixed: Samples, sample_rate: int, rng: np.random.Generator) -> Samples:
    """With reverberation (noise that dies away) and a tilted spectrum, at the energy that it had."""
    import scipy.fft

    seconds, tilt = float(rng.uniform(*ECHO_S)), float(rng.uniform(-TILT_DB, TILT_DB))
    tail = rng.standard_normal(round(seconds * sample_rate), dtype=np.float32)
    tail *= np.exp(np.linspace(0, -6.9, len(tail), dtype=np.float32))  # -60 dB at its end
    tail *= np.float32(10 ** (float(rng.uniform(*ECHO_DB)) / 20) / max(float(np.linalg.norm(tail)), 1e-9))
    tail[0] += 1
    size = scipy.fft.next_fast_len(len(mixed) + len(tail) - 1, real=True)
    spectrum = scipy.fft.rfft(mixed, size) * scipy.fft.rfft(tail, size)
    pitch = np.maximum(np.arange(len(spectrum), dtype=np.float32) * (sample_rate / size / 1000), 0.05)  # in kHz
    spectrum *= pitch ** np.float32(tilt / 6.02)
    wet: Samples = scipy.fft.irfft(spectrum, size)[: len(mixed)].astype(np.float32)
    before, after = float(np.linalg.norm(mixed)), float(np.linalg.norm(wet))
    return wet * np.float32(before / after) if after > 0 else wet


def _masked(mixed: Samples, sample_rate: int, rng: np.random.Generator) -> Samples:
    """Without one moment, or without one band of the spectrum."""
    if rng.random() < 0.5:
        length = min(round(float(rng.uniform(*MOMENT_S)) * sample_rate), len(mixed) // 3)
        begin = int(rng.integers(0, len(mixed) - length + 1))
        mixed[begin : begin + length] = 0
        return mixed
    import scipy.fft

    low = 100.0 * (0.3 * sample_rate / 100.0) ** float(rng.random())
    high = low * 2 ** float(rng.uniform(*BAND_OCTAVES))
    spectrum = scipy.fft.rfft(mixed)
    unit = sample_rate / len(mixed)
    spectrum[round(low / unit) : round(high / unit)] = 0
    kept: Samples = scipy.fft.irfft(spectrum, len(mixed)).astype(np.float32)
    return kept
