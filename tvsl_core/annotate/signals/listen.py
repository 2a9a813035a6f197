"""The sound of a file at a fine hop: position ``i`` is centred on ``i * HOP_S`` seconds of the timeline.

The sound streams through in blocks on one grid, so that a position is the same wherever reading began; what stays is
a kilobyte a position (240 classes), 36 MB an hour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray

from tvsl_core.annotate.embed import TimedSound, loudness_db
from tvsl_core.annotate.evidence import HOP_S
from tvsl_core.annotate.rules import AnalysisOptions
from tvsl_core.annotate.signals.levels import REACH_S, levels
from tvsl_core.model.evidence import Positions, read_finely
from tvsl_core.model.tvsl import TvslModel

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

BLOCK, STEP = 100, 10
"""Positions that are computed together: about ten seconds, and at the end as many seconds as there are."""
EPSILON = 1e-5
"""Evidence below this is none: logits lie within 11.5 of 0."""
NOTHING = float(np.log(EPSILON / (1 - EPSILON)))
WINDOW_S = 5.0
"""Sound that towers embed at once whose positions see all of it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SoundEvidence:
    """What the sound of a stretch says, position by position."""

    first: int
    """Number of the first position."""
    sound: Halves
    """``[sound klass]``, logits."""
    untrained: Halves
    """``[sound klass]``, logits by the untrained mapping alone."""
    level_db: Floats
    """``[sound]``."""
    bands_db: Floats
    """``[sound band]``."""

    def nearest(self, time_s: float) -> int:
        """The row of the position that lies nearest to a time; there must be one."""
        return min(max(round(time_s / HOP_S) - self.first, 0), len(self.sound) - 1)

    @property
    def end_s(self) -> float:
        """When the position behind the last one would be."""
        return (self.first + len(self.sound)) * HOP_S

    @classmethod
    def join(cls, blocks: Sequence[Self]) -> Self:
        """Of at least one stretch that follow each other."""
        parts = {
            one.name: np.concatenate([getattr(block, one.name) for block in blocks])
            for one in fields(cls)
            if one.name != "first"
        }
        return cls(first=blocks[0].first, **parts)


def listen(
    model: TvslModel, sound: TimedSound, options: AnalysisOptions, *, begin_s: float = 0.0, end_s: float
) -> SoundEvidence:
    """Everything that the scorer asks of a sound: all that ``listen_on`` gives, joined."""
    return SoundEvidence.join(list(listen_on(model, sound, options, begin_s=begin_s, end_s=end_s)))


def listen_on(
    model: TvslModel, sound: TimedSound, options: AnalysisOptions, *, begin_s: float = 0.0, end_s: float
) -> Iterator[SoundEvidence]:
    """What a sound says, block by block.

    Args:
        model: What listens.
        sound: On the timeline; nothing earlier than a block and a second before ``begin_s`` is asked for.
        options: What counts as silence.
        begin_s: The first position lies here or up to a block earlier.
        end_s: Where the sound ends; the last position lies here or just before.

    Yields: At least one stretch; an empty one where nothing is to be heard.
    """
    rate = model.towers.sample_rate
    step = round(rate * HOP_S)
    first = first_position(begin_s)
    count = max(0, round(Fraction(end_s) * rate) // step + 1 - first)
    if count == 0:
        none = np.zeros((0, len(model.vocabulary.names)), np.float16)
        nowhere = np.zeros(0, np.float32)
        yield SoundEvidence(first=first, sound=none, untrained=none, level_db=nowhere, bands_db=np.zeros((0, 16), "f4"))
    for place in range(first, first + count, BLOCK):
        yield _block(model, sound, options, place, first + count - place)


def first_position(begin_s: float) -> int:
    """The position with which a block begins, at a time or before it."""
    return int(begin_s / HOP_S) // BLOCK * BLOCK


def sound_from_s(model: TvslModel, begin_s: float) -> float:
    """The earliest sound that ``listen`` asks for."""
    return max(0.0, first_position(begin_s) * HOP_S - _reach_s(model))


def _reach_s(model: TvslModel) -> float:
    """How much sound around its centre a position needs."""
    return max(REACH_S, model.towers.sound_span_s / 2 if _is_fine(model) else 0.0)


def _is_fine(model: TvslModel) -> bool:
    """Whether shifted passes give the fine hop; otherwise positions are interpolated."""
    hop_s, rate = model.towers.sound_hop_s, model.towers.sample_rate
    return hop_s is not None and round(hop_s * rate) % round(HOP_S * rate) == 0


def _size(model: TvslModel, left: int) -> int:
    """Positions of a block where so many are left; whole windows stay whole, for their positions hear all of them."""
    return min(BLOCK, -(-left // STEP) * STEP) if _is_fine(model) else BLOCK


def _block(model: TvslModel, sound: TimedSound, options: AnalysisOptions, place: int, left: int) -> SoundEvidence:
    """One block, or so many of its positions as are left."""
    rate = model.towers.sample_rate
    step, reach = round(rate * HOP_S), round(_reach_s(model) * rate)
    count, begin = _size(model, left), place * step - reach
    length = (count - 1) * step + 2 * reach
    samples = _cut(sound, begin, length, rate)
    level, bands = levels(samples, rate, first=reach, count=count)
    span_s = 2 * reach / rate
    loud = loudness_db(samples, rate, count=count, hop_s=HOP_S, span_s=span_s)
    heard = loud > options.silence_dbfs
    names = len(model.vocabulary.names)
    logits = np.full((2, count, names), NOTHING, np.float16)
    if heard.any():
        read = _finely(model, samples) if _is_fine(model) else _coarsely(model, samples[reach:-reach])
        for kind in (0, 1):
            # Some networks fill up the end of a sound and then say one position more: it lies in the next block.
            logits[kind, heard] = read[kind][:count][heard]
    return SoundEvidence(
        first=place,
        sound=logits[0, :left],
        untrained=logits[1, :left],
        level_db=level[:left],
        bands_db=bands[:left],
    )


def _cut(sound: TimedSound, begin: int, length: int, rate: int) -> Floats:
    """Samples of the timeline; silence lies before its beginning."""
    early = min(max(0, -begin), length)
    samples = np.zeros(length, np.float32)
    if early < length:
        samples[early:] = sound.window(Fraction(begin + early, rate), Fraction(begin + length, rate))
    return samples


@torch.inference_mode()
def _finely(model: TvslModel, samples: Floats) -> tuple[Floats, Floats]:
    """Logits of the positions, the sound network running over shifted copies."""
    towers = model.towers
    assert towers.sound_hop_s is not None
    hop = round(towers.sound_hop_s * towers.sample_rate)
    step = round(towers.sample_rate * HOP_S)
    waves = torch.from_numpy(samples)[None].to(towers.device)
    return _logits(model, read_finely(model.evidence, waves, hop=hop, times=hop // step))


@torch.inference_mode()
def _coarsely(model: TvslModel, samples: Floats) -> tuple[Floats, Floats]:
    """Logits interpolated from the positions of whole windows, spread evenly over each."""
    rate = model.towers.sample_rate
    size, times = round(WINDOW_S * rate), np.arange(BLOCK) * HOP_S
    windows = [samples[at : at + size] for at in range(0, len(samples), size)]
    rows: list[tuple[Floats, Floats]] = []
    centres: list[NDArray[np.float64]] = []
    for number, window in enumerate(windows):
        padded = np.pad(window, (0, size - len(window)))
        read = _logits(model, model.evidence.read_sounds(torch.from_numpy(padded)[None].to(model.towers.device)))
        rows.append(read)
        centres.append(number * WINDOW_S + (np.arange(len(read[0])) + 0.5) * WINDOW_S / len(read[0]))
    at = np.concatenate(centres)
    coarse = [np.concatenate([row[kind] for row in rows]) for kind in (0, 1)]
    fine = [np.stack([np.interp(times, at, column) for column in side.T], axis=1) for side in coarse]
    return np.asarray(fine[0], np.float32), np.asarray(fine[1], np.float32)


def _logits(model: TvslModel, positions: Positions) -> tuple[Floats, Floats]:
    def read(values: torch.Tensor) -> Floats:
        return np.asarray(torch.logit(values[0].float(), eps=EPSILON).cpu().numpy(), np.float32)

    sound = read(model.evidence.sound(positions))
    if model.learned is None:
        return sound, sound
    untrained = read(model.published.sound(positions))
    # Of a class that only the heads know the towers have no second opinion; "surely not" would be one.
    alone = model.is_sound_trained & ~model.is_curated
    untrained[:, alone] = sound[:, alone]
    return sound, untrained
