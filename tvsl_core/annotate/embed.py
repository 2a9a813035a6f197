"""Stage 1 of annotation: pictures and sound become vectors in the joint space.

Sound positions that depend only on the sound near them are computed once over the whole video and sliced for every
window; towers whose positions see a whole window embed each window by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.annotate.evidence import window_around
from tvsl_core.annotate.rules import AnalysisOptions
from tvsl_core.model.evidence import Patches, PictureParts, Positions
from tvsl_core.model.threads import side_by_side, works_by_pieces
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.types import Frame

POSITIONS_A_BLOCK = 20
"""How many sound positions are computed together; about ten seconds of sound."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EmbeddedClip:
    """One instant: the frame's patches, and the positions of the sound around it."""

    time: Fraction
    frame_index: int
    pts: int
    patches: Patches
    """``[patch ...]``, row by row."""
    grid: tuple[int, int]
    """Rows and columns of the patches."""
    foreground: Tensor
    """``[row column]`` in [0, 1]: how likely a patch belongs to any object."""
    affinity: Tensor
    """``[patch patch]`` in [0, 1]: how alike two patches look."""
    positions: Positions
    """``[sound ...]``; positions without audible sound are left out, so there may be none."""
    offsets_s: NDArray[np.float64]
    """``[sound]``: centre of each position relative to the instant, in seconds."""
    window: tuple[float, float]
    """Start and end of the sound that was listened to, in seconds of the video's timeline."""
    pixels: NDArray[np.uint8]
    """The frame itself, RGB ``[height width 3]``; empty of a sound file."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class HeardWindow:
    """The audible sound positions of one window."""

    positions: Positions
    times_s: NDArray[np.float64]


class TimedSound(Protocol):
    """Sound on a timeline, such as ``SoundStream`` and ``ClipSound``."""

    def window(self, start_s: float | Fraction, end_s: float | Fraction) -> NDArray[np.float32]:
        """Exactly ``round((end_s - start_s) * rate)`` mono samples; silence where there are none."""
        ...


class ClipSound:
    """A sound in memory that begins at the timeline's 0, with silence around it.

    Args:
        waveform: Mono ``[sample]`` in [-1, 1].
        sample_rate: In Hz.
    """

    def __init__(self, waveform: NDArray[np.float32], *, sample_rate: int) -> None:
        self._waveform, self._rate = waveform, sample_rate

    def window(self, start_s: float | Fraction, end_s: float | Fraction) -> NDArray[np.float32]:
        """As ``SoundStream.window`` gives it, in any order."""
        first = round(Fraction(start_s) * self._rate)
        count = round((Fraction(end_s) - Fraction(start_s)) * self._rate)
        samples = np.zeros(count, np.float32)
        inside = self._waveform[max(0, first) : max(0, first + count)]
        samples[max(0, -first) :][: len(inside)] = inside
        return samples


class SoundWindows(Protocol):
    """Gives the sound positions of windows that advance in time."""

    def between(self, start_s: float, end_s: float) -> HeardWindow:
        """Positions whose centre lies in [start, end)."""
        ...


class StreamedWindows:
    """Computes each sound position of a video once, on one grid over the whole timeline.

    Memory is bounded by the window: positions behind it are forgotten.

    Args:
        model: The ``sound_hop_s`` of its towers must be a number.
        sound: Of the same video.
        options: What counts as silence.
        begin_s: No window starts before ``begin_s`` plus ``sound_span_s``; nothing earlier is asked of ``sound``.
    """

    def __init__(self, model: TvslModel, sound: TimedSound, options: AnalysisOptions, *, begin_s: float = 0.0) -> None:
        towers = model.towers
        if towers.sound_hop_s is None:
            raise ValueError("these towers see whole windows; use SeparateWindows")
        self._model, self._sound, self._silence_dbfs = model, sound, options.silence_dbfs
        self._hop_s, self._span_s = towers.sound_hop_s, towers.sound_span_s
        self._next = math.ceil(begin_s / self._hop_s)
        self._ready: list[tuple[float, Positions]] = []

    def _centre(self, index: int) -> float:
        return self._span_s / 2 + index * self._hop_s

    def between(self, start_s: float, end_s: float) -> HeardWindow:
        """Positions whose centre lies in [start, end); ``start_s`` must not go back."""
        while self._centre(self._next) < end_s:
            self._compute_block()
        self._ready = [(time, vector) for time, vector in self._ready if time >= start_s]
        inside = [(time, vector) for time, vector in self._ready if time < end_s]
        return _window(self._model, inside)

    def _compute_block(self) -> None:
        rate = self._model.towers.sample_rate
        start_s = self._next * self._hop_s
        samples = self._sound.window(start_s, start_s + (POSITIONS_A_BLOCK - 1) * self._hop_s + self._span_s)
        loud = loudness_db(samples, rate, count=POSITIONS_A_BLOCK, hop_s=self._hop_s, span_s=self._span_s)
        if loud.max() > self._silence_dbfs:
            vectors = _read_sound(self._model, samples)
            for offset in range(min(len(vectors), POSITIONS_A_BLOCK)):
                if loud[offset] > self._silence_dbfs:
                    self._ready.append((self._centre(self._next + offset), vectors[offset]))
        self._next += POSITIONS_A_BLOCK


class SeparateWindows:
    """Embeds every window by itself, for towers whose positions see all of it."""

    def __init__(self, model: TvslModel, sound: TimedSound, options: AnalysisOptions) -> None:
        self._model, self._sound, self._silence_dbfs = model, sound, options.silence_dbfs

    def between(self, start_s: float, end_s: float) -> HeardWindow:
        """Positions of the window [start, end), spread evenly over it."""
        samples = self._sound.window(start_s, end_s)
        if _loudness_of_all(samples) <= self._silence_dbfs:
            return _window(self._model, [])
        vectors = _read_sound(self._model, samples)
        step = (end_s - start_s) / len(vectors)
        return _window(self._model, [(start_s + (i + 0.5) * step, vector) for i, vector in enumerate(vectors)])


class Unheard:
    """Windows without any sound, where only pictures are asked for.

    Args:
        model: Whose positions are left out.
    """

    def __init__(self, model: TvslModel) -> None:
        self._nothing = _window(model, [])

    def between(self, start_s: float, end_s: float) -> HeardWindow:
        """Nothing."""
        return self._nothing


def open_windows(
    model: TvslModel, sound: TimedSound, options: AnalysisOptions, *, begin_s: float = 0.0
) -> SoundWindows:
    """What fits the model's towers."""
    if model.towers.sound_hop_s is None:
        return SeparateWindows(model, sound, options)
    return StreamedWindows(model, sound, options, begin_s=begin_s)


def embed(
    frames: Iterable[Frame], model: TvslModel, windows: SoundWindows, *, window_s: float, batch: int
) -> Iterator[list[EmbeddedClip]]:
    """Turn frames and the sound around them into vectors, ``batch`` frames at a time.

    Args:
        frames: In order of time, all of one size.
        model: What embeds them.
        windows: Of the same model, over the same video's sound.
        window_s: Seconds of sound around each frame, centred on it; cut at the beginning of the timeline.
        batch: How many frames go through the image tower together; towers that work by pieces take one after the other,
            several at a time.

    Yields: One clip a frame, in order, those that went through together as one list.
    """
    stream, by_pieces = iter(frames), works_by_pieces(model.towers)
    groups = iter(lambda: list(islice(stream, 1 if by_pieces else batch)), [])

    def see(group: list[Frame]) -> tuple[list[Frame], PictureParts]:
        return group, _see(group, model)

    for group, parts in side_by_side(see, groups) if by_pieces else map(see, groups):
        yield _clips(group, parts, windows, window_s)


@torch.inference_mode()
def _see(group: list[Frame], model: TvslModel) -> PictureParts:
    """What the pictures show; frames of a sound file have no patches, so nothing is seen in them."""
    if group[0].pixels.size:
        return model.evidence.read_images(model.towers.preprocess(np.stack([frame.pixels for frame in group])))
    none = torch.zeros((len(group), 0, 0), device=model.towers.device)
    return PictureParts(patches=Patches(joint=none), grid=(0, 0), features=none, foreground=none, affinity=none)


@torch.inference_mode()
def _clips(group: list[Frame], parts: PictureParts, windows: SoundWindows, window_s: float) -> list[EmbeddedClip]:
    clips: list[EmbeddedClip] = []
    for index, frame in enumerate(group):
        window = window_around(float(frame.time), window_s)
        heard = windows.between(*window)
        clips.append(
            EmbeddedClip(
                time=frame.time,
                frame_index=frame.index,
                pts=frame.pts,
                patches=parts.patches[index],
                grid=parts.grid,
                foreground=parts.foreground[index],
                affinity=parts.affinity[index],
                positions=heard.positions,
                offsets_s=heard.times_s - float(frame.time),
                window=window,
                pixels=frame.pixels,
            )
        )
    return clips


def _read_sound(model: TvslModel, samples: NDArray[np.float32]) -> Positions:
    return model.evidence.read_sounds(torch.from_numpy(samples)[None].to(model.towers.device))[0]


def _window(model: TvslModel, heard: list[tuple[float, Positions]]) -> HeardWindow:
    if not heard:
        return HeardWindow(positions=model.evidence.no_sound, times_s=np.zeros(0))
    return HeardWindow(
        positions=Positions.stack([position for _, position in heard]),
        times_s=np.asarray([time for time, _ in heard]),
    )


def _loudness_of_all(samples: NDArray[np.float32]) -> float:
    return float(loudness_db(samples, 1, count=1, hop_s=0, span_s=len(samples))[0])


def loudness_db(
    samples: NDArray[np.float32], rate: int, *, count: int, hop_s: float, span_s: float
) -> NDArray[np.float64]:
    """RMS of each position's sound in dB of full scale; -inf where there is none."""
    power = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    starts = np.round(np.arange(count) * hop_s * rate).astype(int).clip(0, len(samples))
    ends = (starts + round(span_s * rate)).clip(0, len(samples))
    mean = (power[ends] - power[starts]) / np.maximum(ends - starts, 1)
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(np.maximum(mean, 0.0)))
