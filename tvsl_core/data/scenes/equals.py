"""Moving scenes of two objects of one class, each with a sound of its own: who of two equals is heard?

Each object moves with its own sound, whether that is heard or not, and a little by itself; the camera shakes. Swapping
which of the two is heard changes the sound alone, never the picture.

follow      shifts, grows and turns with the loudness of its sound      strike      its upper part swings at each onset
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.scenes.cast import pick
from tvsl_core.data.scenes.picture import fitted
from tvsl_core.data.scenes.pool import MediaPool, PictureItem, SoundItem
from tvsl_core.data.scenes.store import BLOCK_S, MediaStore, block_levels, loud_level
from tvsl_core.types import Corners

Samples = NDArray[np.float32]
Pixels = NDArray[np.uint8]

Motion = Literal["follow", "strike"]
"""How objects move with their sounds."""

SECONDS = 6.0
FRAME_RATE = Fraction(25)
SIZE = (640, 360)
"""Width and height of a frame."""
LAG_S = (-0.04, 0.12)
"""A motion comes so much after its sound."""
IDLE = (0.1, 0.5)
"""Movement by itself, as a share of the movement with the sound."""
SHAKE = (0.0, 2.0)
"""Of the camera, in pixels."""
SPRING = (3.0, 7.0)
"""Swings per second of a part that was struck."""
MISSED = 0.15
"""Share of the onsets at which nothing is seen."""
LEVEL_DB = -20.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Mover:
    """One object: its picture, and where it stands and how it is bent from frame to frame."""

    cutout: Pixels
    """RGBA, colours multiplied by opacity, at its size in the frame."""
    corner: tuple[float, float]
    """Left and top, in pixels, when it stands still."""
    pose: NDArray[np.float64]
    """``[frame 4]``: shift across and down in shares of its height, growth, turn in radians."""
    swing: NDArray[np.float64]
    """``[frame]``: how far its top leans over, in shares of its height."""
    sound: Samples


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EqualsScene:
    """A moving scene of equals, the left one first."""

    name: str
    """The class of all objects."""
    waveform: Samples
    """Mono ``[sample]`` in [-1, 1]."""
    heard: tuple[bool, ...]
    """Of each object."""
    boxes: tuple[Corners, ...]
    """Around each object where it stands still."""
    background: Pixels
    movers: tuple[_Mover, ...]
    shake: NDArray[np.float64]
    """``[frame 2]``, in pixels."""

    def frames(self) -> Iterator[Pixels]:
        """RGB ``[height width 3]``, ``FRAME_RATE`` a second."""
        size = SIZE
        for number, shift in enumerate(self.shake):
            frame = self.background.copy()
            for mover in self.movers:
                _draw(frame, mover, number)
            matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            yield np.asarray(cv2.warpAffine(frame, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


class EqualsScenes:
    """Scenes of equals from the files of a pool, each from (seed, index) alone.

    Args:
        pool: Its cutouts and sounds; classes that lack either are left out.
        motion: How objects move with their sounds; None is one way and the other by turns.
        seed: Another seed gives other scenes.
        sample_rate: Of the waveforms, in Hz.
    """

    def __init__(self, pool: MediaPool, *, motion: Motion | None = None, seed: int = 0, sample_rate: int) -> None:
        self._pool, self._motion, self._seed, self._rate = pool, motion, seed, sample_rate
        self._store = MediaStore()
        self._pictures: dict[str, list[PictureItem]] = {}
        self._sounds: dict[str, list[SoundItem]] = {}
        for picture in pool.pictures:
            if picture.cutout and len(picture.names) == 1:
                self._pictures.setdefault(picture.names[0], []).append(picture)
        for sound in pool.sounds:
            if len(sound.names) == 1:
                self._sounds.setdefault(sound.names[0], []).append(sound)
        self.classes = tuple(sorted(set(self._pictures) & set(self._sounds)))

    def scene(self, index: int, *, heard: tuple[bool, bool] = (True, False)) -> EqualsScene:
        """One scene; the picture and both sounds are the same whoever is heard.

        Raises:
            ValueError: No class has both pictures that can be cut out and sounds.
            MediaError: A file cannot be decoded.
        """
        if not self.classes:
            raise ValueError("no class has both pictures that can be cut out and sounds")
        rng = np.random.default_rng((self._seed, index))
        name = self.classes[index % len(self.classes)]
        apart = bool(rng.random() < 0.5)
        motion = self._motion or ("follow", "strike")[index % 2]
        movers = tuple(self._mover(name, side, apart, motion, rng) for side in range(2))
        waveform = np.sum([one.sound for one, is_heard in zip(movers, heard, strict=True) if is_heard], axis=0)
        waveform = waveform + 10 ** (rng.uniform(-70, -45) / 20) * rng.standard_normal(len(movers[0].sound))
        waveform /= max(1.0, float(np.abs(waveform).max()))
        count = round(SECONDS * FRAME_RATE)
        return EqualsScene(
            name=name,
            waveform=waveform.astype(np.float32),
            heard=heard,
            boxes=tuple(_box(one) for one in movers),
            background=self._background(apart, rng),
            movers=movers,
            shake=_wander(count, 2, rng) * rng.uniform(*SHAKE),
        )

    def _background(self, apart: bool, rng: np.random.Generator) -> Pixels:
        """One place, or a place for each object."""
        width = SIZE[0] // (2 if apart else 1)
        places = []
        for _ in range(SIZE[0] // width):
            if self._pool.backgrounds and rng.random() < 0.8:
                photo = self._store.picture(pick(self._pool.backgrounds, rng))
                places.append(fitted(photo, (width, SIZE[1]), 0.8, rng, least_kept=0))
            else:
                places.append(np.full((SIZE[1], width, 3), rng.integers(60, 256, 3), np.uint8))
        return np.ascontiguousarray(np.concatenate(places, axis=1))

    def _mover(self, name: str, side: int, apart: bool, motion: Motion, rng: np.random.Generator) -> _Mover:
        cutout = self._store.picture(pick(self._pictures[name], rng))
        if rng.random() < 0.5:
            cutout = np.ascontiguousarray(cutout[:, ::-1])
        half = SIZE[0] / 2
        factor = min(SIZE[1] * rng.uniform(0.45, 0.8) / cutout.shape[0], 0.85 * half / cutout.shape[1])
        wide, tall = (max(8, round(length * factor)) for length in (cutout.shape[1], cutout.shape[0]))
        method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
        cutout = np.asarray(cv2.resize(cutout, (wide, tall), interpolation=method), np.uint8)
        spare = half - wide
        left = side * half + spare * (rng.uniform(0.2, 0.8) if apart else rng.uniform(0.1, 0.9))
        sound = self._sound(name, rng)
        count = round(SECONDS * FRAME_RATE)
        driven = _follow if motion == "follow" else _strike
        pose, swing = driven(_loudness(sound, self._rate, count, float(rng.uniform(*LAG_S))), rng)
        idle = _wander(count, 5, rng) * rng.uniform(*IDLE) * np.array([0.02, 0.02, 0.02, 0.03, 0.03])
        return _Mover(
            cutout=cutout,
            corner=(float(left), float((SIZE[1] - tall) * rng.uniform(0.4, 0.8))),
            pose=pose + idle[:, :4],
            swing=swing + idle[:, 4],
            sound=sound,
        )

    def _sound(self, name: str, rng: np.random.Generator) -> Samples:
        """One player's pieces with pauses between, at an even level."""
        own = [pick(self._sounds[name], rng) for _ in range(2)]
        track = np.zeros(round(SECONDS * self._rate), np.float32)
        place = round(rng.uniform(0, 0.8) * self._rate)
        while place < len(track):
            piece = self._piece(pick(own, rng), rng)[: len(track) - place]
            track[place : place + len(piece)] += piece * np.float32(rng.uniform(0.4, 1.0))
            place += len(piece) + round(rng.exponential(0.3) * self._rate)
        return track * np.float32(10 ** (LEVEL_DB / 20) / max(loud_level(track, self._rate), 1e-6))

    def _piece(self, item: SoundItem, rng: np.random.Generator) -> Samples:
        """At most a second and a half of a file, without silence before it."""
        samples = self._store.sound(item, self._rate).astype(np.float32) / np.float32(32767)
        levels = block_levels(samples, self._rate)
        loud = np.flatnonzero(levels > 0.1 * levels.max(initial=0.0))
        first, last = int(loud[0] * BLOCK_S * self._rate), int((loud[-1] + 1) * BLOCK_S * self._rate)
        piece = samples[first:last][: round(rng.uniform(0.3, 1.5) * self._rate)].copy()
        ramp = min(len(piece), round(0.05 * self._rate))
        piece[len(piece) - ramp :] *= np.linspace(1, 0, ramp, dtype=np.float32)
        return piece


def _loudness(sound: Samples, sample_rate: int, count: int, lag_s: float) -> NDArray[np.float64]:
    """Loudness of a sound at each frame, 0 to 1, so much later."""
    times = np.arange(count) / float(FRAME_RATE) - lag_s
    power = np.concatenate([[0.0], np.cumsum(sound.astype(np.float64) ** 2)])
    edges = np.clip((np.array([times - 0.02, times + 0.02]) * sample_rate).astype(int), 0, len(sound))
    level = np.sqrt((power[edges[1]] - power[edges[0]]) / (0.04 * sample_rate))
    return np.asarray((level / max(float(level.max()), 1e-9)) ** 0.5)


def _follow(loudness: NDArray[np.float64], rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pose and swing that follow the loudness: jerks of random direction, as wide as it is loud."""
    count = len(loudness)
    kernel = np.exp(-np.arange(6) / rng.uniform(0.5, 2.0))
    eased = np.convolve(loudness, kernel / kernel.sum())[:count]
    jerks = _wander(count, 4, rng, smooth=rng.uniform(1.0, 3.0))
    ways = rng.dirichlet(np.ones(4)) * np.array([0.06, 0.08, 0.1, 0.15]) * rng.uniform(0.7, 1.6)
    pose = eased[:, None] * (0.6 * jerks + rng.choice([-1, 1], 4) * 0.4) * ways
    return pose, 0.05 * rng.uniform(0, 1) * eased * jerks[:, 0]


def _strike(loudness: NDArray[np.float64], rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pose and swing of an object that is struck at each onset and swings until it stands still."""
    count, rate = len(loudness), float(FRAME_RATE)
    rise = np.clip(np.diff(loudness, prepend=loudness[0]), 0, None)
    strikes = np.where((rise > 0.05) & (rng.random(count) > MISSED), rise, 0) * rng.uniform(0.6, 1.4, count)
    strikes += np.where(rng.random(count) < 0.01, rng.uniform(0, 0.4, count), 0)
    time = np.arange(round(0.6 * rate)) / rate
    response = np.sin(2 * np.pi * rng.uniform(*SPRING) * time) * np.exp(-time / rng.uniform(0.08, 0.25))
    ringing = np.convolve(strikes, response)[:count]
    pose = np.outer(ringing, rng.dirichlet(np.ones(4)) * np.array([0.04, 0.06, 0.06, 0.1]))
    return pose, ringing * rng.uniform(0.08, 0.2)


def _wander(count: int, dims: int, rng: np.random.Generator, *, smooth: float = 4.0) -> NDArray[np.float64]:
    """Smooth random movement, ``[frame dim]``, with a deviation of 1."""
    noise = rng.standard_normal((count + 40, dims))
    reach = np.arange(-20, 21)
    kernel = np.exp(-0.5 * (reach / smooth) ** 2)
    moved = np.stack([np.convolve(column, kernel, "valid") for column in noise.T], axis=1)
    return np.asarray(moved / np.sqrt((kernel**2).sum()))


def _box(mover: _Mover) -> Corners:
    left, top = round(mover.corner[0]), round(mover.corner[1])
    return left, top, left + mover.cutout.shape[1], top + mover.cutout.shape[0]


def _draw(frame: Pixels, mover: _Mover, number: int) -> None:
    """Lay an object over a frame as it stands then: about its foot, and leaning."""
    tall, wide = mover.cutout.shape[:2]
    across, down, growth, turn = mover.pose[number]
    scale, foot = 1 + growth, np.array([wide / 2, float(tall)])
    shear = np.array([[1.0, -mover.swing[number]], [0.0, 1.0]])
    cosine, sine = np.cos(turn), np.sin(turn)
    linear = scale * np.array([[cosine, -sine], [sine, cosine]]) @ shear
    offset = foot + np.array(mover.corner) + np.array([across, down]) * tall - linear @ foot
    matrix = np.concatenate([linear, offset[:, None]], axis=1)
    layer = cv2.warpAffine(mover.cutout, matrix, (frame.shape[1], frame.shape[0]))
    through = cv2.cvtColor(255 - layer[:, :, 3], cv2.COLOR_GRAY2RGB)
    under = cv2.multiply(frame, through, scale=1 / 255)
    np.copyto(frame, cv2.add(under, np.ascontiguousarray(layer[:, :, :3])))
