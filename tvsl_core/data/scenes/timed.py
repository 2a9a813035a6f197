"""Long scenes whose times are exact: what sounds when, with pauses, repeats, overlaps, rooms, noise and unknown sounds.

Who takes part and what the picture shows is drawn as for any mixture; only the sound is longer and laid out in spans.
A source is true where its own sound, before anything is added to it, is loud: a string that rings on still sounds, a
breath between two calls is no pause.

general     one to three sources, a third of them offscreen       kin        sources of one family, such as brass
unknown     only sounds of none of the classes                     and the kinds of ``kinds``
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.scenes.cast import pick
from tvsl_core.data.scenes.kinds import KINDS
from tvsl_core.data.scenes.mixtures import Mixtures
from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.data.scenes.pool import MediaPool, SoundItem
from tvsl_core.data.scenes.scene import SceneRecipe
from tvsl_core.data.scenes.sound import in_a_room
from tvsl_core.data.scenes.store import BLOCK_S, MediaStore, block_levels, loud_level
from tvsl_core.errors import MediaError

Samples = NDArray[np.float32]

SECONDS = 12.0
GENERAL = MixtureOptions(
    silence=0.0, offscreen=0.3, empty=0.02, twins=0.0, other_sounds=0.0, heights=(0.3, 0.95),
    sources=(0.35, 0.45, 0.2), silent=(0.45, 0.4, 0.15),
)  # fmt: skip
OPTIONS: Mapping[str, MixtureOptions] = {"general": GENERAL, "kin": GENERAL, "unknown": GENERAL, **KINDS}
"""Kind to how its scenes are cast and painted."""
TIMED_KINDS = tuple(OPTIONS)
LEAST_FAMILY = 3
"""A family of which fewer classes are at hand gives no scene of kin."""

TRUE_DB = 30.0
"""A source sounds where its level lies at most so far under its loudest block."""
BREATH_S = 0.5
"""A pause under this is no pause."""
LEAST_S = 0.1
"""What is shorter is no event."""
PIECE_DB = 28.0
"""Silence at the ends of a file is cut: what lies so far under its loudest block."""
SPANS = {"some": (1, 4, 0.4, 4.5), "two": (2, 3, 1.0, 3.5)}
"""Least and (excluded) greatest number of spans, and least and greatest seconds of each."""
PAUSE_S = (0.5, 3.0)
WHOLE = 0.2
"""Share of the sources that sound without a pause."""
OWN = 0.6
"""Share of the pieces of a source that come from two of its files."""
STRANGER = 0.35
"""Share of the general scenes with a sound of none of the classes."""


class TimedEvent(NamedTuple):
    """A class that sounds from ``start_s`` to ``end_s``."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TimedScene:
    """One picture, which does not change, with a long sound of known times."""

    kind: str
    frame: NDArray[np.uint8]
    """RGB ``[height width 3]``."""
    waveform: Samples
    """Mono ``[sample]`` in [-1, 1]."""
    visible: tuple[str, ...]
    """Classes to be seen, whether they sound or not; one entry per object."""
    events: tuple[TimedEvent, ...]
    """Of the classes, by their starts."""
    unnamed: tuple[tuple[float, float], ...]
    """When something else sounds, in seconds: none of the classes, and nobody said what."""


class TimedScenes:
    """A source of long scenes, each from (seed, kind, index) alone.

    Args:
        pool: The files.
        families: Classes that are alike, for scenes of kin.
        exclusive: Classes that never meet in one scene, because one name covers the other.
        seed: Another seed gives other scenes.
        sample_rate: Of the waveforms, in Hz.
    """

    def __init__(
        self,
        pool: MediaPool,
        *,
        families: Sequence[Sequence[str]] = (),
        exclusive: tuple[tuple[str, ...], ...] = (),
        seed: int = 0,
        sample_rate: int,
    ) -> None:
        self._pool, self._seed, self._rate = pool, seed, sample_rate
        self._store = MediaStore()
        self._by_source: dict[tuple[str, str], list[SoundItem]] = {}
        for item in pool.sounds:
            for name in item.names:
                self._by_source.setdefault((name, item.group), []).append(item)
        at_hand = {name for item in pool.sounds for name in item.names}
        alike = [own for one in families if len(own := sorted(set(one) & at_hand)) >= LEAST_FAMILY]
        pools = {kind: [pool] for kind in OPTIONS} | {"kin": [pool.of_classes(one) for one in alike]}
        self._mixtures = {
            kind: [
                # Other random numbers for every kind, or the same classes would meet in the scenes of one index.
                Mixtures(one, replace(OPTIONS[kind], exclusive=exclusive), seed=seed ^ _number(kind), length=1 << 30)
                for one in own
            ]
            for kind, own in pools.items()
        }

    @property
    def kinds(self) -> tuple[str, ...]:
        """What can be drawn from these files."""
        missing = {"kin"} if not self._mixtures["kin"] else set()
        missing |= {"unknown"} if not self._pool.others else set()
        return tuple(kind for kind in OPTIONS if kind not in missing)

    def draw(self, each: int) -> Iterator[TimedScene]:
        """``each`` scenes of every kind, the kinds in turn."""
        for index in range(each):
            for kind in self.kinds:
                yield self.scene(kind, index)

    def scene(self, kind: str, index: int) -> TimedScene:
        """One scene.

        Raises:
            KeyError: There is no such kind.
            MediaError: No file of a class that is needed can be decoded.
        """
        rng = np.random.default_rng((self._seed, index, _number(kind)))
        mixture = pick(self._mixtures[kind], rng)
        picture = mixture.picture(index, 0)
        sound, events, unnamed = self._sound(kind, mixture.recipe(index, 0), rng)
        return TimedScene(
            kind=kind,
            frame=picture.frame,
            waveform=sound,
            visible=picture.visible,
            events=tuple(sorted(events, key=lambda event: (event.start_s, event.name))),
            unnamed=tuple(sorted(unnamed)),
        )

    def _sound(
        self, kind: str, recipe: SceneRecipe, rng: np.random.Generator
    ) -> tuple[Samples, list[TimedEvent], list[tuple[float, float]]]:
        mixed = np.zeros(round(SECONDS * self._rate), np.float32)
        events: list[TimedEvent] = []
        unnamed: list[tuple[float, float]] = []
        groups = {} if kind == "unknown" else {one.name: one.group for one in recipe.sounds if one.name}
        loudest, leader = float(rng.uniform(-32, -14)), int(rng.integers(max(1, len(groups))))
        for number, (name, group) in enumerate(groups.items()):
            under = 0.0 if number == leader else float(rng.uniform(0, 4 if kind in KINDS else 10))
            items = self._by_source[name, group]
            spans = self._spans("two" if kind in KINDS else "some", rng)
            track = self._track(_player(items, rng), spans, rng)
            if self._add(mixed, track, loudest - under):
                events += [TimedEvent(name, *span) for span in true_spans(track, self._rate)]
        for _ in range(self._strangers(kind, rng)):
            stranger = [pick(self._pool.others, rng)]
            track = self._track(_player(stranger, rng), self._spans("some", rng), rng)
            if self._add(mixed, track, loudest + float(rng.uniform(-3 if kind == "unknown" else -20, 0))):
                unnamed += true_spans(track, self._rate)
        mixed = self._surround(kind, mixed, rng)
        mixed /= np.float32(max(1.0, float(np.abs(mixed).max(initial=0.0))))
        return mixed, events, unnamed

    def _strangers(self, kind: str, rng: np.random.Generator) -> int:
        """How many sounds of none of the classes there are."""
        if not self._pool.others or kind in KINDS:
            return 0
        if kind == "unknown":
            return 1 + int(rng.random() < 0.4)
        return int(rng.random() < STRANGER)

    def _surround(self, kind: str, mixed: Samples, rng: np.random.Generator) -> Samples:
        """A room and its tone, or the noise that a scene of noise is about."""
        if kind not in KINDS and rng.random() < 0.25:
            mixed = in_a_room(mixed, self._rate, rng)
        if kind == "noise" or (kind not in KINDS and rng.random() < 0.4):
            level = float(rng.uniform(-70, -20 if kind == "noise" else -38))
            mixed = mixed + coloured_noise(len(mixed), self._rate, rng) * np.float32(10 ** (level / 20))
        return mixed

    def _spans(self, which: str, rng: np.random.Generator) -> list[tuple[float, float]]:
        """Start and length of each stretch in which a source sounds, in seconds."""
        least, most, short, long = SPANS[which]
        if which == "some" and rng.random() < WHOLE:
            start = 0.0 if rng.random() < 0.6 else float(rng.uniform(0, SECONDS / 3))
            return [(start, SECONDS - start)]
        number = int(rng.integers(least, most))
        lengths, pauses = rng.uniform(short, long, number), rng.uniform(*PAUSE_S, number)
        pauses[-1] = 0.0
        spare = SECONDS - float(lengths.sum() + pauses.sum())
        while spare < 0.1:  # they do not fit: everything becomes as much shorter
            lengths, pauses = lengths * 0.9, pauses * 0.9
            spare = SECONDS - float(lengths.sum() + pauses.sum())
        starts = float(rng.uniform(0, spare)) + np.concatenate(([0.0], np.cumsum(lengths + pauses)[:-1]))
        return [(float(start), float(length)) for start, length in zip(starts, lengths, strict=True)]

    def _track(
        self, draw: Callable[[], SoundItem], spans: Sequence[tuple[float, float]], rng: np.random.Generator
    ) -> Samples:
        """One source: its files, strung together, in every span."""
        track = np.zeros(round(SECONDS * self._rate), np.float32)
        for start, length in spans:
            begin = round(start * self._rate)
            filled = self._fill(draw, min(round(length * self._rate), len(track) - begin), rng)
            track[begin : begin + len(filled)] += filled
        return track

    def _fill(self, draw: Callable[[], SoundItem], length: int, rng: np.random.Generator) -> Samples:
        """So many samples of a source, piece after piece with short breaths between."""
        filled, place = np.zeros(max(0, length), np.float32), 0
        while place < length:
            piece = self._piece(draw())
            room = length - place
            if len(piece) > room:
                first = int(rng.integers(0, len(piece) - room + 1)) if rng.random() < 0.5 else 0
                piece = piece[first : first + room]
            fade_s = 0.01 if rng.random() < 0.6 else float(rng.uniform(0.03, 0.25))
            piece = _faded(piece, round(0.005 * self._rate), round(fade_s * self._rate))
            filled[place : place + len(piece)] += piece
            place += len(piece) + round(min(0.45, float(rng.exponential(0.08))) * self._rate)
        return filled

    def _piece(self, item: SoundItem) -> Samples:
        """A file without the silence at its ends.

        Raises: MediaError: It cannot be decoded, or holds nothing.
        """
        samples = self._store.sound(item, self._rate).astype(np.float32) * np.float32(1 / 32767)
        levels = block_levels(samples, self._rate)
        loud = np.flatnonzero(levels > levels.max(initial=0.0) * 10 ** (-PIECE_DB / 20))
        if not len(loud):
            raise MediaError(f"the sound '{item.file}' holds nothing.", stage="decode")
        block = round(BLOCK_S * self._rate)
        return np.asarray(samples[loud[0] * block : (loud[-1] + 1) * block], np.float32)

    def _add(self, mixed: Samples, track: Samples, level_db: float) -> bool:
        """Add a source at a level, to both; False when it is silent."""
        level = loud_level(track, self._rate)
        if level <= 0:
            return False
        mixed += track * np.float32(10 ** (level_db / 20) / level)
        return True


def _player(items: Sequence[SoundItem], rng: np.random.Generator) -> Callable[[], SoundItem]:
    """Draws the files of one source, mostly the same two: one player, not ten."""
    own = [pick(items, rng), pick(items, rng)]
    return lambda: pick(own if rng.random() < OWN else items, rng)


def true_spans(track: Samples, sample_rate: int) -> list[tuple[float, float]]:
    """When one source sounds by itself, as half-open stretches in seconds."""
    levels = block_levels(track, sample_rate)
    if levels.max(initial=0.0) <= 0:
        return []
    loud = np.concatenate(([False], levels > levels.max() * 10 ** (-TRUE_DB / 20), [False]))
    edges = np.flatnonzero(loud[1:] != loud[:-1]) * BLOCK_S
    joined: list[tuple[float, float]] = []
    end_s = len(track) / sample_rate
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if joined and first - joined[-1][1] < BREATH_S:
            joined[-1] = (joined[-1][0], min(last, end_s))
        else:
            joined.append((first, min(last, end_s)))
    return [(round(first, 3), round(last, 3)) for first, last in joined if last - first >= LEAST_S - 1e-9]


def coloured_noise(length: int, sample_rate: int, rng: np.random.Generator) -> Samples:
    """Noise between white and brown, with a root mean square of 1."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    pitch = np.fft.rfftfreq(length, 1 / sample_rate) + 30.0
    noise = np.fft.irfft(spectrum * pitch ** -float(rng.uniform(0, 1.2)), length)
    return np.asarray(noise / max(float(noise.std()), 1e-12), np.float32)


def _number(kind: str) -> int:
    return zlib.crc32(kind.encode())


def _faded(piece: Samples, rise: int, fall: int) -> Samples:
    """With ramps at both ends, for a step would be a click."""
    result = piece.copy()
    rise, fall = max(1, min(len(piece) // 2, rise)), max(1, min(len(piece) // 2, fall))
    result[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)[: len(result)]
    result[len(result) - fall :] *= np.linspace(1, 0, fall, dtype=np.float32)[: len(result)]
    return result
