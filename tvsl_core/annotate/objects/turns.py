"""Whose mouth goes with the voice, moment by moment: who has the turn.

The opening of each mouth and the loudness of the sound are compared within a second or two, with some lag; what is
slower than a syllable goes out first, for heads that turn seem to open their mouths. What another mouth explains
as well does not count. The evidence is added up over time: turns change seldom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.objects.mouths import Mouths
from tvsl_core.annotate.rules import MouthOptions

Floats = NDArray[np.float64]

STILL = 0.01
"""Deviation of a mouth's opening, as a share of the face's height, that is neither much nor little."""
FAINTEST = 0.001
"""Less movement than this is as little as none."""
RESTING = 0.1
"""A mouth that moves less than it does over the stretch, as a share of the square, agrees with nothing."""
SYLLABLE_S = 0.05
"""Deviation of the smoothing of openings and of loudness."""
SCARCE = 0.05
"""Least variance that is left of what another mouth does not explain; less says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """Some time in which the same people speak."""

    start_s: float
    end_s: float
    probabilities: tuple[float, ...]
    """Of each face, that it speaks; NaN where its mouth is not seen well."""


def find_turns(mouths: Mouths, options: MouthOptions) -> tuple[Turn, ...]:
    """Who speaks when, in order of time and without gaps.

    Args:
        mouths: One at least that is seen, over one picture at least.
        options: What counts.
    """
    odds = evidence(mouths.openings[:, mouths.seen], mouths.loudness, options)
    speaking = np.stack([_likeliest(one, options) for one in odds.T], axis=1)
    likely = np.full(mouths.openings.shape, np.nan)
    likely[:, mouths.seen] = np.stack([_posterior(one, options) for one in odds.T], axis=1)
    changes = np.flatnonzero((speaking[1:] != speaking[:-1]).any(axis=1)) + 1
    edges = _without_gaps([0, *changes.tolist(), len(odds)], np.asarray(speaking.any(axis=1)), options)
    edges = _without_short(edges, round(options.shortest_s * options.rate))
    return tuple(
        Turn(
            start_s=mouths.start_s + first / options.rate,
            end_s=mouths.start_s + stop / options.rate,
            probabilities=tuple(likely[first:stop].mean(axis=0).tolist()),
        )
        for first, stop in pairwise(edges)
    )


def evidence(openings: Floats, loudness: Floats, options: MouthOptions) -> Floats:
    """Log odds that each face speaks, by what is seen around each picture alone, ``[picture face]``.

    Args:
        openings: ``[picture face]``, as a share of the face's height.
        loudness: ``[picture]``.
        options: What counts.
    """
    moved, heard = _quick(openings, options), _quick(_level(loudness), options)
    near = options.window_s * options.rate
    movement = np.log(np.sqrt(_smooth(moved**2, near)) + FAINTEST) - np.log(STILL)
    heard = _unit(heard)
    moved = _best_lag(_unit(moved), heard, options)
    agreement = _agreement(moved, heard, near)
    own, lead = agreement.copy(), agreement.copy()
    for face in range(agreement.shape[1]):
        others = [other for other in range(agreement.shape[1]) if other != face]
        if others:
            best = np.asarray(others)[agreement[:, others].argmax(axis=1)]
            rival = np.take_along_axis(agreement, best[:, None], axis=1)[:, 0]
            like = _agreement(moved[:, [face]], np.take_along_axis(moved, best[:, None], axis=1), near)[:, 0]
            left = np.maximum((1 - rival**2) * (1 - like**2), SCARCE)
            own[:, face] = (agreement[:, face] - rival * like) / np.sqrt(left)
            lead[:, face] = agreement[:, face] - rival
    odds = options.bias + options.agreement * own + options.lead * lead + options.movement * movement
    return np.asarray(odds, np.float64)


def _level(loudness: Floats) -> Floats:
    """Loudness on a scale between amplitude and decibels, ``[picture 1]``, with a maximum of 1."""
    return np.asarray(np.sqrt(loudness / max(float(loudness.max(initial=0.0)), 1e-9))[:, None])


def _quick(values: Floats, options: MouthOptions) -> Floats:
    """What changes about as fast as syllables do."""
    even = _smooth(values, SYLLABLE_S * options.rate)
    return np.asarray(even - _smooth(even, options.slow_s * options.rate))


def _best_lag(moved: Floats, heard: Floats, options: MouthOptions) -> Floats:
    """Each movement at the lag at which it agrees best with the sound over the whole stretch."""
    reach = round(options.lag_s * options.rate)
    shifted = np.stack([_lagged(moved, lag) for lag in range(-reach, reach + 1)])
    best = (shifted * heard).mean(axis=1).argmax(axis=0)
    return np.asarray(shifted[best, :, np.arange(moved.shape[1])].T)


def _lagged(values: Floats, lag: int) -> Floats:
    """Values ``lag`` pictures later; those at the ends stand for what is beyond."""
    places = np.clip(np.arange(len(values)) - lag, 0, len(values) - 1)
    return np.asarray(values[places])


def _agreement(moved: Floats, heard: Floats, near: float) -> Floats:
    """Correlation around each picture, ``[picture face]``."""
    scale = np.sqrt((_smooth(moved**2, near) + RESTING) * _smooth(heard**2, near))
    return np.asarray(_smooth(moved * heard, near) / np.maximum(scale, 1e-6))


def _unit(values: Floats) -> Floats:
    """With a mean square of 1 over the stretch, unless nothing moves."""
    return np.asarray(values / np.maximum(np.sqrt((values**2).mean(axis=0)), 1e-4))


def _smooth(values: Floats, deviation: float) -> Floats:
    """Gaussian mean along time, ``[picture ...]``."""
    reach = int(4 * deviation + 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(column, kernel / kernel.sum(), "valid") for column in padded.T], axis=1)


def _steps(odds: Floats, options: MouthOptions) -> Floats:
    """Evidence of each picture by itself: neighbours share their window, and must not count twice."""
    return np.asarray(odds / (2 * np.sqrt(np.pi) * options.window_s * options.rate))


def _likeliest(odds: Floats, options: MouthOptions) -> NDArray[np.bool_]:
    """Whether a face speaks at each picture, by the likeliest course of all (Viterbi), ``[picture]``."""
    steps, score = _steps(odds, options), np.zeros(2)
    came_from = np.zeros((len(steps), 2), int)
    for place, step in enumerate(steps):
        stay_or_turn = score[None] - options.change * (1 - np.eye(2))
        came_from[place] = stay_or_turn.argmax(axis=1)
        score = stay_or_turn.max(axis=1) + np.array([-step, step]) / 2
    state, course = int(score.argmax()), np.zeros(len(steps), bool)
    for place in range(len(steps) - 1, -1, -1):
        course[place] = bool(state)
        state = int(came_from[place, state])
    return course


def _posterior(odds: Floats, options: MouthOptions) -> Floats:
    """Probability that a face speaks at each picture, given all of them (forward and backward), ``[picture]``."""
    steps = _steps(odds, options)
    move = np.array([[0.0, -options.change], [-options.change, 0.0]])
    local = np.stack([-steps, steps], axis=1) / 2
    forward, backward = np.zeros_like(local), np.zeros_like(local)
    forward[0] = local[0]
    for place in range(1, len(local)):
        forward[place] = np.logaddexp.reduce(forward[place - 1][None] + move, axis=1) + local[place]
    for place in range(len(local) - 2, -1, -1):
        backward[place] = np.logaddexp.reduce((backward + local)[place + 1][None] + move, axis=1)
    total = forward + backward
    return np.asarray(1 / (1 + np.exp(total[:, 0] - total[:, 1])))


def _without_gaps(edges: Sequence[int], anybody: NDArray[np.bool_], options: MouthOptions) -> list[int]:
    """A short turn in which nobody in view speaks goes to the one before, and a first one to the one behind.

    A mouth that says too little for a while is more usual than somebody out of view who cuts in.
    """
    least = round(options.unseen_s * options.rate)
    gaps = [first for first, stop in pairwise(edges) if not anybody[first] and stop - first < least]
    joined = {first or edges[1] for first in gaps}
    return [edges[0], *(edge for edge in edges[1:-1] if edge not in joined), edges[-1]]


def _without_short(edges: Sequence[int], least: int) -> list[int]:
    """Turns that are too short go to the one before, and a first one to the one behind."""
    kept = [edges[0]]
    for edge in edges[1:-1]:
        if edge - kept[-1] >= least or kept == [0]:
            kept.append(edge)
        else:
            kept[-1] = edge
    if len(kept) > 1 and edges[-1] - kept[-1] < least:
        kept.pop()
    if len(kept) > 1 and kept[1] - kept[0] < least:
        kept.pop(1)
    return [*kept, edges[-1]]
