"""Who of several equals sounds: whoever moves with the sound.

The speed of each object and the loudness of the sound are compared over an event and a little around it, on a
logarithmic scale and with some lag. What counts is how much better one agrees than the others do: loudness and any
movement agree a little by chance. Where nobody leads, nobody is named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.objects.motion import Watched
from tvsl_core.annotate.rules import SynchronyOptions

Floats = NDArray[np.float64]

FAINT = 0.05
"""Speeds under this share of their mean are all the same: no movement."""
QUIET = 0.003
"""Loudness under this share of the most is all the same: silence."""
SMOOTH = 1.0
"""Deviation of the smoothing, in pictures: one picture that is shown twice must not count."""
USUAL_S = 2.0
"""Evidence counts as much as its number says over so many seconds, and by the square root of the length otherwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What was found of one object."""

    probability: float
    """That it sounds, in [0, 1]."""
    share: float
    """The same, where the sound comes from one of the objects at least."""
    told: bool
    """False for an object that is silent."""
    sure: bool
    """False where the evidence is thin."""


def judge_equals(watched: Watched, options: SynchronyOptions) -> tuple[Judged, ...]:
    """Which of several objects of one class sound; one verdict per object, in their order.

    Args:
        watched: How they move and how loud it is.
        options: What counts.
    """
    weights = np.asarray([options.agreement, options.lead, options.rise_lead])
    likely = 1 / (1 + np.exp(-options.bias - evidence(watched, options) @ weights))
    places = np.arange(len(likely))
    shares = likely / min(1.0, float(likely.sum()))
    silent = likely <= 1 - options.sure
    told = ~silent if not silent.all() else np.ones(len(likely), bool)
    return tuple(
        Judged(
            probability=float(likely[place]),
            share=float(shares[place]),
            told=bool(told[place]),
            sure=bool(likely[place] >= options.sure),
        )
        for place in places
    )


def move_as_one(watched: Watched, options: SynchronyOptions) -> bool:
    """Whether any two of the objects move alike, so that they are parts of one."""
    moved, _ = _levels(watched)
    alike = moved @ moved.T / moved.shape[1]
    return bool((np.triu(alike, 1) >= options.together).any())


def evidence(watched: Watched, options: SynchronyOptions) -> Floats:
    """What speaks for each object, ``[place number]``; all of it grows with the square root of the length.

    The agreement of speed with loudness, by how much that is more than the best other object's, and by how much the
    agreement of their rises is.
    """
    moved, heard = _levels(watched)
    level = _agreement(moved, heard, options)
    rise = _agreement(_rises(moved), _rises(heard), options)
    length = np.sqrt(len(watched.loudness) / options.rate / USUAL_S)
    return np.asarray(np.stack([level, _lead(level), _lead(rise)], axis=1) * length)


def _agreement(moved: Floats, heard: Floats, options: SynchronyOptions) -> Floats:
    """Correlation of each movement with the sound at the lag that suits it best, ``[place]``."""
    reach = round(options.lag_s * options.rate)
    return np.asarray(np.max([_lagged(moved, heard[0], lag) for lag in range(-reach, reach + 1)], axis=0))


def _lead(agreement: Floats) -> Floats:
    """By how much each agrees better than the best other one, ``[place]``."""
    places = np.arange(len(agreement))
    return np.asarray([one - agreement[places != place].max(initial=-1.0) for place, one in enumerate(agreement)])


def _levels(watched: Watched) -> tuple[Floats, Floats]:
    """Speeds ``[place picture]`` and loudness ``[1 picture]`` on a logarithmic scale, with mean 0 and deviation 1."""
    loud, speeds = watched.loudness[None], watched.speeds.T
    heard = np.log(np.maximum(loud, QUIET * loud.max(initial=0.0) + 1e-9))
    moved = np.log(speeds + FAINT * speeds.mean(axis=1, keepdims=True) + 1e-9)
    return _standard(_smooth(moved)), _standard(_smooth(heard))


def _rises(values: Floats) -> Floats:
    """How fast values grow, with mean 0 and deviation 1."""
    return _standard(_smooth(np.clip(np.diff(values, axis=1, prepend=values[:, :1]), 0, None)))


def _lagged(moved: Floats, heard: Floats, lag: int) -> Floats:
    """Mean product of movements with a sound that comes ``lag`` pictures later."""
    count = len(heard) - abs(lag)
    if count < 1:
        return np.zeros(len(moved))
    return np.asarray(moved[:, max(0, -lag) :][:, :count] @ heard[max(0, lag) :][:count] / len(heard))


def _smooth(values: Floats) -> Floats:
    reach = np.arange(-4, 5)
    kernel = np.exp(-0.5 * (reach / SMOOTH) ** 2)
    padded = np.pad(values, ((0, 0), (4, 4)), mode="edge")
    return np.stack([np.convolve(row, kernel / kernel.sum(), "valid") for row in padded])


def _standard(values: Floats) -> Floats:
    """With mean 0 and deviation 1; zeros where nothing changes."""
    centred = values - values.mean(axis=1, keepdims=True)
    deviation = centred.std(axis=1, keepdims=True)
    return np.asarray(np.where(deviation > 1e-6, centred / np.maximum(deviation, 1e-6), 0.0))
