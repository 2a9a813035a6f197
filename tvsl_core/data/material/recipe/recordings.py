"""Recorded notes and calls, cut and strung into phrases of one length."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.material.recipe.phrases import PHRASE_S
from tvsl_core.errors import MediaError
from tvsl_core.media.read.resample import joined, resampled

QUIET = 0.003
"""Amplitude below which a recording's ends are cut away, as a share of its peak."""


def read_sound(path: Path, sample_rate: int) -> NDArray[np.float32]:
    """A sound file as mono samples in [-1, 1].

    Raises: MediaError: It cannot be decoded.
    """
    import av
    import av.error

    try:
        with av.open(str(path)) as container:
            return joined(resampled(container.decode(audio=0), sample_rate))
    except (av.error.FFmpegError, IndexError, OSError) as error:
        raise MediaError(f"{path} holds no sound that can be decoded ({error}).", stage="read") from error


def trim(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without what is almost silent at both ends, at a peak of 0.7; empty when nothing is left."""
    peak = float(np.abs(sound).max(initial=0.0))
    if peak < 1e-4:
        return sound[:0]
    loud = np.flatnonzero(np.abs(sound) > QUIET * peak)
    return np.asarray(sound[loud[0] : loud[-1] + 1] * (0.7 / peak), np.float32)


def change_speed(sound: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Faster and higher by ``factor``, as a tape would: another individual of the same kind."""
    import torch
    from torchaudio.functional import resample

    ratio = Fraction(1 / factor).limit_denominator(50)
    with torch.inference_mode():
        # The filter of librosa's "kaiser_best"; with the default one, 7 kHz played faster comes back as an alias.
        changed = resample(
            torch.from_numpy(sound), ratio.denominator, ratio.numerator, resampling_method="sinc_interp_kaiser",
            lowpass_filter_width=64, rolloff=0.9475937167399596, beta=14.769656459379492,
        )  # fmt: skip
    return np.asarray(changed.numpy(), np.float32)


def string_notes(
    notes: Sequence[NDArray[np.float32]], rng: np.random.Generator, *, sample_rate: int
) -> NDArray[np.float32]:
    """A phrase of recorded notes, one after the other and overlapping a little, each cut to a beat.

    Args:
        notes: Trimmed recordings, one instrument.
        rng: Random numbers.
        sample_rate: In Hz.
    """
    out = np.zeros(round(PHRASE_S * sample_rate), np.float32)
    beat, time = rng.uniform(0.15, 1.0), 0.0
    while time < PHRASE_S:
        note = notes[int(rng.integers(len(notes)))]
        length = min(len(note), round(beat * (1, 1, 2, 3)[rng.integers(4)] * rng.uniform(0.8, 1.4) * sample_rate))
        _add(out, _faded(note[:length], sample_rate) * rng.uniform(0.5, 1.0), round(time * sample_rate))
        if rng.random() < 0.15:
            _add(out, _faded(notes[int(rng.integers(len(notes)))][:length], sample_rate), round(time * sample_rate))
        time += max(0.08, min(length / sample_rate, beat * (1, 1, 2)[rng.integers(3)]))
    return out


def repeat_call(sound: NDArray[np.float32], rng: np.random.Generator, *, sample_rate: int) -> NDArray[np.float32]:
    """A phrase of one recording again and again, with pauses, each time a little faster or slower."""
    out = np.zeros(round(PHRASE_S * sample_rate), np.float32)
    speed = rng.uniform(0.85, 1.18)
    time = rng.uniform(0.0, 0.4)
    while time < PHRASE_S:
        call = change_speed(sound, speed * rng.uniform(0.97, 1.03))
        first = 0 if len(call) < len(out) else int(rng.integers(len(call) - len(out) + 1))
        call = _faded(call[first : first + len(out)], sample_rate)
        _add(out, call * rng.uniform(0.7, 1.0), round(time * sample_rate))
        time += len(call) / sample_rate + rng.uniform(0.05, 0.8)
    return out


def _faded(sound: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    out = sound.copy()
    length = min(len(out), round(0.03 * sample_rate))
    if length:
        out[-length:] *= np.linspace(1, 0, length, dtype=np.float32)
    return out


def _add(out: NDArray[np.float32], sound: NDArray[np.float32], start: int) -> None:
    end = min(len(out), start + len(sound))
    if end > start:
        out[start:end] += sound[: end - start]
