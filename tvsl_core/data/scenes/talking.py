"""Moving scenes of people who speak, from photographs of faces and recorded speech: whose mouth goes with the voice?

Each head nods slowly by itself, whether it speaks or not; each mouth opens and closes with the loudness of its own
speech. Of the scenes of one picture only the sound differs, except in those that have a picture of their own:

duel        both speak all the time; the left one, the right one or both are heard
turns       one speaks after the other, and listens with a closed mouth
narrated    both mouths are closed while somebody out of view speaks
dubbed      both speak all the time while somebody out of view is heard
alone       one person in the picture, who speaks
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.scenes.store import block_levels, loud_level
from tvsl_core.types import Corners

Samples = NDArray[np.float32]
Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

TalkingKind = Literal["duel", "turns", "narrated", "dubbed", "alone"]
"""What happens in a scene."""

SECONDS = 8.0
FRAME_RATE = Fraction(25)
SIZE = (640, 360)
"""Width and height of a frame."""
LAG_S = (-0.12, 0.08)
"""A mouth moves so much after its sound: lips open before they are heard."""
WIDEST = (0.035, 0.1)
"""How far the lips of a speaker part at most, as a share of the face's height."""
TALL = (0.2, 0.45)
"""Height of a face, as a share of the frame's."""
NOD = (0.005, 0.04)
"""Deviation of a head's own movement, as a share of its height."""
NOISE = (0.0, 4.0)
"""Deviation of the camera's noise, in levels."""
QUALITY = (40, 90)
"""Of the compression that every frame goes through."""
LEVEL_DB = -20.0
LISTENING_S = 0.3
"""Between two turns nobody speaks for so long."""

LOWER_LIP = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
"""Points of the face mesh along the inner edge of the lower lip, from one corner of the mouth to the other."""
UPPER_LIP = 13
"""Above the middle of it."""
FOREHEAD, CHIN = 10, 152
TEETH = 0.02
"""Lips further apart, as a share of the face's height, show teeth in the photograph itself."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PortraitFace:
    """A photograph with one face that is seen well."""

    photograph: Pixels
    """RGB ``[height width 3]``."""
    points: NDArray[np.float32]
    """``[468 2]``: the face mesh, in pixels of the photograph."""

    @property
    def height(self) -> float:
        """From forehead to chin, in pixels."""
        return float(np.linalg.norm(self.points[FOREHEAD] - self.points[CHIN]))

    @property
    def box(self) -> Corners:
        """Around the face."""
        (left, top), (right, bottom) = self.points.min(axis=0), self.points.max(axis=0)
        return round(float(left)), round(float(top)), round(float(right)), round(float(bottom))


class TalkingHead:
    """A photograph whose mouth opens.

    Args:
        face: At the size at which it is drawn.
    """

    def __init__(self, face: PortraitFace) -> None:
        self.face = face
        corner, other = face.points[LOWER_LIP[0]].astype(float), face.points[LOWER_LIP[-1]].astype(float)
        self._middle, across = (corner + other) / 2, other - corner
        self._half = float(np.linalg.norm(across)) / 2
        self._across = across / (2 * self._half)
        self._down = np.array([-self._across[1], self._across[0]])
        self._reach = 1.4 * float((face.points[CHIN] - self._middle) @ self._down)

    @cached_property
    def _window(self) -> Corners:
        """What moves with the jaw, inside the photograph."""
        height, width = self.face.photograph.shape[:2]
        sideways, up, down = 2.6 * self._half * self._across, -0.3 * self._reach, self._reach
        edges = [self._middle + sign * sideways + far * self._down for sign in (-1, 1) for far in (up, down)]
        low, high = np.min(edges, axis=0).astype(int), np.ceil(np.max(edges, axis=0)).astype(int)
        return max(0, int(low[0])), max(0, int(low[1])), min(width, int(high[0])), min(height, int(high[1]))

    @cached_property
    def _places(self) -> tuple[Singles, Singles, Singles, Singles]:
        """Of every pixel of the window.

        Returns: Column and row, across in half widths of the mouth, and how far it lies below the lower lip's edge.
        """
        left, top, right, bottom = self._window
        columns, rows = np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32))
        away_x, away_y = columns - self._middle[0], rows - self._middle[1]
        across = (away_x * self._across[0] + away_y * self._across[1]) / self._half
        points = self.face.points[list(LOWER_LIP)] - self._middle
        edge = np.interp(across, points @ self._across / self._half, points @ self._down)
        below = away_x * self._down[0] + away_y * self._down[1] - edge
        return columns, rows, across.astype(np.float32), below.astype(np.float32)

    @cached_property
    def _shut(self) -> bool:
        """Whether no teeth are seen in the photograph."""
        gap = np.linalg.norm(self.face.points[UPPER_LIP] - self.face.points[LOWER_LIP[5]])
        return bool(gap < TEETH * self.face.height)

    def draw(self, opening: float) -> Pixels:
        """The photograph with its lips so much further apart, as a share of the face's height."""
        photograph, drop = self.face.photograph.copy(), np.float32(opening * self.face.height)
        if drop < 0.05:
            return photograph
        left, top, right, bottom = self._window
        columns, rows, across, below = self._places
        arch = np.sqrt(np.clip(1 - across**2, 0, None))
        under = below - drop * arch
        depth = np.clip(under / (0.45 * self._reach), 0, 1)
        jaw = np.exp(-((across / 1.7) ** 2)) * np.clip(2 * (1 - under / self._reach), 0, 1)
        moved = drop * np.where(under >= 0, arch * (1 - depth) + jaw * depth, 0).astype(np.float32)
        source = columns - moved * np.float32(self._down[0]), rows - moved * np.float32(self._down[1])
        drawn = cv2.remap(photograph, *source, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = (np.clip(np.minimum(below, -under) + 0.5, 0, 1) * (np.abs(across) < 1))[..., None]
        teeth = np.clip(1 - below / (0.35 * drop + 1), 0, 1) * (np.abs(across) < 0.75) * self._shut
        mouth = np.array([45.0, 20.0, 22.0], np.float32) + 110 * teeth[..., None]
        photograph[top:bottom, left:right] = (drawn * (1 - inside) + mouth * inside).astype(np.uint8)
        return photograph


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Part:
    """One person of a scene: what is drawn in which columns, and how it moves."""

    head: TalkingHead
    columns: tuple[int, int]
    pose: Floats
    """``[frame 3]``: shift across and down in pixels, turn in degrees."""
    opening: Floats
    """``[frame]``, as a share of the face's height."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TalkingScene:
    """A moving scene of one person or two, the left one first."""

    kind: TalkingKind
    waveform: Samples
    """Mono ``[sample]`` in [-1, 1]."""
    heard: tuple[tuple[tuple[float, float], ...], ...]
    """When each person is heard, half open stretches in seconds."""
    faces: tuple[Corners, ...]
    """Around each face when its head stands still."""
    sides: tuple[Corners, ...]
    """The part of the frame that each person has."""
    parts: tuple[_Part, ...]
    noise: float
    quality: int
    seed: int

    def frames(self) -> Iterator[Pixels]:
        """RGB ``[height width 3]``, ``FRAME_RATE`` a second."""
        rng = np.random.default_rng(self.seed)
        # One sheet of noise, laid on another way each time, is as good as new noise and cheaper.
        grain = (rng.standard_normal((2 * SIZE[1], 2 * SIZE[0], 3)) * self.noise).astype(np.int16)
        for number in range(round(SECONDS * FRAME_RATE)):
            frame = np.concatenate([_drawn(part, number) for part in self.parts], axis=1)
            down, across = rng.integers(SIZE[1]), rng.integers(SIZE[0])
            sheet = grain[down : down + SIZE[1], across : across + SIZE[0]]
            noisy = cv2.add(frame, sheet, dtype=cv2.CV_8U)
            _, packed = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            yield np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


class TalkingScenes:
    """Scenes of people who speak, each from (seed, index) alone.

    Args:
        faces: Two at least.
        speech: Utterances, ``[sample]`` at the sample rate; three at least.
        seed: Another seed gives other scenes.
        sample_rate: In Hz.

    Raises: ValueError: There are too few faces or utterances.
    """

    def __init__(
        self, faces: Sequence[PortraitFace], speech: Sequence[Samples], *, seed: int = 0, sample_rate: int
    ) -> None:
        if len(faces) < 2 or len(speech) < 3:
            raise ValueError(f"at least two faces and three recordings of speech, got {len(faces)} and {len(speech)}")
        self._faces, self._speech, self._seed, self._rate = faces, speech, seed, sample_rate

    def scene(self, index: int, kind: TalkingKind, *, heard: tuple[bool, bool] = (True, False)) -> TalkingScene:
        """One scene.

        Args:
            index: Of its picture.
            kind: What happens.
            heard: Of a duel: who is heard; the picture is the same whoever is.
        """
        rng = np.random.default_rng((self._seed, index))
        count = 1 if kind == "alone" else 2
        people = [self._faces[place] for place in rng.choice(len(self._faces), 2, replace=False)][:count]
        tracks = [self._track(self._speech[place], rng) for place in rng.choice(len(self._speech), 3, replace=False)]
        spoken = _spoken(kind, tracks, self._rate, rng)
        parts = tuple(self._part(face, side, count, spoken[side], rng) for side, face in enumerate(people))
        sounds = [*spoken[:count], tracks[2]]
        loud = {"duel": heard, "turns": (True, True), "alone": (True,)}.get(kind, (False,) * count)
        audible = [*loud, kind in ("narrated", "dubbed")]
        waveform = np.sum([one for one, is_heard in zip(sounds, audible, strict=True) if is_heard], axis=0)
        waveform = waveform + 10 ** (rng.uniform(-70, -45) / 20) * rng.standard_normal(len(waveform))
        waveform /= max(1.0, float(np.abs(waveform).max()))
        return TalkingScene(
            kind=kind,
            waveform=waveform.astype(np.float32),
            heard=tuple(
                _stretches(sound, self._rate) if is_heard else ()
                for sound, is_heard in zip(spoken[:count], loud, strict=True)
            ),
            faces=tuple(_placed(part) for part in parts),
            sides=tuple((part.columns[0], 0, part.columns[1], SIZE[1]) for part in parts),
            parts=parts,
            noise=float(rng.uniform(*NOISE)),
            quality=int(rng.integers(*QUALITY)),
            seed=int(rng.integers(2**31)),
        )

    def _track(self, utterance: Samples, rng: np.random.Generator) -> Samples:
        """Eight seconds of one speaker at an even level, from anywhere in an utterance on."""
        track = np.zeros(round(SECONDS * self._rate), np.float32)
        place, begin = round(rng.uniform(0, 0.6) * self._rate), int(rng.uniform(0, 0.3) * len(utterance))
        while place < len(track):
            piece = utterance[begin:][: len(track) - place]
            track[place : place + len(piece)] = piece
            place, begin = place + len(piece) + round(rng.uniform(0.2, 0.8) * self._rate), 0
        return track * np.float32(10 ** (LEVEL_DB / 20) / max(loud_level(track, self._rate), 1e-6))

    def _part(self, face: PortraitFace, side: int, count: int, sound: Samples, rng: np.random.Generator) -> _Part:
        width = SIZE[0] // count
        frames = round(SECONDS * FRAME_RATE)
        tall = SIZE[1] * rng.uniform(*TALL)
        head = TalkingHead(_framed(face, (width, SIZE[1]), tall, flipped=bool(rng.random() < 0.5), rng=rng))
        pose = _wander(frames, 3, rng, smooth=rng.uniform(6, 20)) * rng.uniform(*NOD)
        return _Part(
            head=head,
            columns=(side * width, (side + 1) * width),
            pose=pose * np.array([tall, tall, 60.0]),
            opening=mouth_openings(sound, self._rate, frames, rng) * rng.uniform(*WIDEST),
        )


def _spoken(kind: TalkingKind, tracks: Sequence[Samples], rate: int, rng: np.random.Generator) -> list[Samples]:
    """What each of two people says, heard or not."""
    one, other = tracks[0].copy(), tracks[1].copy()
    if kind == "turns":
        first, second = (one, other) if rng.random() < 0.5 else (other, one)
        middle = rng.uniform(0.35, 0.65) * SECONDS
        first[round((middle - LISTENING_S / 2) * rate) :] = 0
        second[: round((middle + LISTENING_S / 2) * rate)] = 0
    if kind == "narrated":
        one[:], other[:] = 0, 0
    return [one, other]


def mouth_openings(sound: Samples, rate: int, count: int, rng: np.random.Generator) -> Floats:
    """How far a mouth is open at each frame, 0 to 1: about as far as it is loud, but not quite.

    Args:
        sound: What it says, from the first frame on.
        rate: Of the sound, in Hz.
        count: Of frames, ``FRAME_RATE`` a second.
        rng: Makes vowels and mouths differ.
    """
    times = np.arange(count) / float(FRAME_RATE) - rng.uniform(*LAG_S)
    power = np.concatenate([[0.0], np.cumsum(sound.astype(np.float64) ** 2)])
    edges = np.clip((np.array([times - 0.03, times + 0.03]) * rate).astype(int), 0, len(sound))
    level = np.sqrt((power[edges[1]] - power[edges[0]]) / (0.06 * rate))
    level = (level / max(float(level.max()), 1e-9)) ** rng.uniform(0.4, 0.9)
    # Vowels part the lips by different amounts at one loudness.
    varied = level * np.clip(1 + 0.45 * _wander(count, 1, rng, smooth=2.0)[:, 0], 0.1, 2.0)
    kernel = np.exp(-0.5 * (np.arange(-3, 4) / rng.uniform(0.6, 1.2)) ** 2)
    return np.asarray(np.convolve(varied, kernel / kernel.sum(), "same").clip(0, 1.2))


def _stretches(sound: Samples, rate: int, block_s: float = 0.05, gap_s: float = 0.5) -> tuple[tuple[float, float], ...]:
    """When somebody speaks; pauses up to ``gap_s`` count."""
    levels = block_levels(sound, rate)
    loud: list[int] = np.flatnonzero(levels > max(0.05 * levels.max(initial=0.0), 1e-6)).tolist()
    found: list[tuple[float, float]] = []
    for block in loud:
        start_s, end_s = block * block_s, (block + 1) * block_s
        if found and start_s - found[-1][1] <= gap_s:
            found[-1] = found[-1][0], end_s
        else:
            found.append((start_s, end_s))
    return tuple(found)


def _framed(
    face: PortraitFace, size: tuple[int, int], tall: float, *, flipped: bool, rng: np.random.Generator
) -> PortraitFace:
    """The part of a photograph around its face that fills a frame, at its size; what lies outside repeats the edge."""
    scale = tall / face.height
    middle = face.points.mean(axis=0) * scale
    place = np.array([size[0] * rng.uniform(0.4, 0.6), size[1] * rng.uniform(0.35, 0.5)])
    matrix = np.array([[scale, 0, place[0] - middle[0]], [0, scale, place[1] - middle[1]]])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    resized = cv2.resize(face.photograph, None, fx=scale, fy=scale, interpolation=method)
    shift = np.array([[1, 0, matrix[0, 2]], [0, 1, matrix[1, 2]]])
    photograph = np.asarray(cv2.warpAffine(resized, shift, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    points = face.points * scale + matrix[:, 2]
    if flipped:
        # Left and right change places, in the order of the lip too: the corner that came first comes last.
        photograph = np.ascontiguousarray(photograph[:, ::-1])
        points = np.stack([size[0] - 1 - points[:, 0], points[:, 1]], axis=1)
        points[list(LOWER_LIP)] = points[list(LOWER_LIP)[::-1]]
    return PortraitFace(photograph=photograph, points=points.astype(np.float32))


def _drawn(part: _Part, number: int) -> Pixels:
    """What a person's side of the frame shows."""
    picture = part.head.draw(float(part.opening[number]))
    across, down, turn = part.pose[number]
    foot = float(part.head.face.points[CHIN][0]), float(part.head.face.points[CHIN][1])
    matrix = cv2.getRotationMatrix2D(foot, float(turn), 1.0) + np.array([[0, 0, across], [0, 0, down]])
    size = part.columns[1] - part.columns[0], SIZE[1]
    return np.asarray(cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _placed(part: _Part) -> Corners:
    left, top, right, bottom = part.head.face.box
    return left + part.columns[0], top, right + part.columns[0], bottom


def _wander(count: int, dims: int, rng: np.random.Generator, *, smooth: float) -> Floats:
    """Smooth random movement, ``[frame dim]``, with a deviation of 1."""
    reach = np.arange(-60, 61)
    kernel = np.exp(-0.5 * (reach / smooth) ** 2)
    noise = rng.standard_normal((count + 120, dims))
    moved = np.stack([np.convolve(column, kernel, "valid") for column in noise.T], axis=1)
    return np.asarray(moved / np.sqrt((kernel**2).sum()))
