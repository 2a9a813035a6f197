"""Random music: a few seconds of notes as a player of an instrument might play them. No tune is anybody's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tvsl_core.data.material.recipe.recipe import Style

PHRASE_S = 6.0
"""Length of a phrase; a little more than the window that is listened to."""
MAJOR, MINOR, BLUES, CHROMATIC = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 6, 7, 10), tuple(range(12))


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """One note."""

    start_s: float
    length_s: float
    pitch: int
    """MIDI pitch, or the key of the percussion channel."""
    velocity: int
    """1 to 127."""


def phrase(style: Style, keys: tuple[int, ...], rng: np.random.Generator) -> tuple[Note, ...]:
    """A random phrase of ``PHRASE_S`` seconds.

    Args:
        style: How it is played.
        keys: Lowest and highest pitch, or for ``hits`` the keys that may be struck.
        rng: Random numbers.
    """
    make: Mapping[Style, Callable[[tuple[int, ...], np.random.Generator], list[Note]]] = {
        "line": _line,
        "chords": _chords,
        "hits": _hits,
    }
    return tuple(make[style](keys, rng))


def _scale(keys: tuple[int, ...], rng: np.random.Generator) -> list[int]:
    """The pitches of a random scale in a random part of the range."""
    low, high = keys
    steps = (MAJOR, MAJOR, MINOR, BLUES, CHROMATIC)[rng.integers(5)]
    tonic = int(rng.integers(12))
    pitches = [pitch for pitch in range(low, high + 1) if (pitch - tonic) % 12 in steps]
    width = int(rng.integers(5, 12))
    first = int(rng.integers(max(1, len(pitches) - width)))
    return pitches[first : first + width]


def _line(keys: tuple[int, ...], rng: np.random.Generator) -> list[Note]:
    pitches, beat = _scale(keys, rng), rng.uniform(0.12, 0.9)
    place, time, notes = int(rng.integers(len(pitches))), 0.0, []
    loud, legato = int(rng.integers(50, 122)), rng.uniform(0.4, 1.15)
    while time < PHRASE_S:
        length = beat * (0.5, 1, 1, 1, 2, 3)[rng.integers(6)]
        if rng.random() > 0.08:
            velocity = int(np.clip(loud + rng.normal(0, 10), 20, 127))
            notes.append(Note(start_s=time, length_s=length * legato, pitch=pitches[place], velocity=velocity))
        place = int(np.clip(place + rng.integers(-2, 3), 0, len(pitches) - 1))
        time += length
    return notes


def _chords(keys: tuple[int, ...], rng: np.random.Generator) -> list[Note]:
    notes = _line(keys, rng) if rng.random() < 0.6 else []
    pitches = _scale(keys, rng)
    time, beat, strummed = 0.0, rng.uniform(0.3, 1.2), rng.random() < 0.5
    loud = int(rng.integers(45, 115))
    while time < PHRASE_S:
        root = int(rng.integers(max(1, len(pitches) - 4)))
        chord = [pitches[min(root + step, len(pitches) - 1)] for step in (0, 2, 4)]
        for index, pitch in enumerate(dict.fromkeys(chord)):
            start = time + index * (0.02 if strummed else beat / 3)
            notes.append(Note(start_s=start, length_s=beat * rng.uniform(0.6, 1.6), pitch=pitch, velocity=loud))
        time += beat
    return sorted(notes, key=lambda note: note.start_s)


def _hits(keys: tuple[int, ...], rng: np.random.Generator) -> list[Note]:
    step, size = rng.uniform(0.08, 0.35), int(rng.choice((4, 6, 8)))
    used = rng.choice(keys, size=min(len(keys), int(rng.integers(2, 7))), replace=False)
    pattern = {(slot, int(key)) for key in used for slot in range(size) if rng.random() < rng.uniform(0.15, 0.6)}
    pattern = pattern or {(0, int(used[0]))}
    notes = []
    for bar in range(int(PHRASE_S / (step * size)) + 1):
        for slot, key in sorted(pattern):
            start = (bar * size + slot) * step + rng.normal(0, 0.004)
            if 0 <= start < PHRASE_S:
                notes.append(Note(start_s=start, length_s=0.3, pitch=key, velocity=int(rng.integers(55, 127))))
    return sorted(notes, key=lambda note: note.start_s)
