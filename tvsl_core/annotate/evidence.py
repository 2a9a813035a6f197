"""What speaks for a class at a moment: the features that the scorer of events judges.

Sound is listened to at a fine hop (``HOP_S``), and every feature of a position comes from the sound near it (twice
``CONTEXT_S`` at most), so that a video of any length needs a bounded memory. Features describe a class only by how
strong the evidence for it and for its rivals is, never by which class it is: one scorer serves any vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]

HOP_S = 0.096
"""Seconds between positions: a fifth of the sound tower's own hop, so five shifted passes give them."""
CONTEXT_S = 5.0
"""Sound further from a position than this says nothing about it."""
EVIDENCE_STEPS = (-16, -10, -7, -5, -3, -2, -1, 0, 1, 2, 3, 5, 7, 10, 16)
"""Positions around one at which the evidence for its class is read. A position hears 0.98 s, which is ten hops."""
LEVEL_STEPS = (-8, -5, -3, -2, -1, 0, 1, 2, 3, 5, 8)
CHANGE_STEPS = (-5, -3, -2, -1, 0, 1, 2, 3, 5)
UNTRAINED_STEPS = (-5, 0, 5)
CONTEXT = round(CONTEXT_S / HOP_S)
NEAR = CONTEXT // 2
"""Positions on either side over which a class is pooled: it is named by a few seconds, not by a moment."""
STRONGEST = 3
"""A class is pooled over the strongest one in so many of the positions near by."""
POOL_EVERY = 4
"""Pooling changes slowly: one window in so many is sorted, and stands for those behind it."""
NO_RIVAL = -12.0
"""Logit that stands for evidence that there is not."""
LEVEL_RANGE_DB = 70.0
"""Sound so far under the loudest around it is silence; how far below says nothing."""
BAND_RANGE_DB = 50.0
"""A band so far under the loudest band around it is silent."""
PLAUSIBLE = 4.0
"""A name whose pooled logit is further behind the best rival's is not considered when looks are compared."""

FEATURES = (
    *(f"sound{step:+d}" for step in EVIDENCE_STEPS),
    *(f"untrained{step:+d}" for step in UNTRAINED_STEPS),
    "sound_most", "sound_under_most", "sound_pooled", "untrained_most",
    "rival", "over_rival", "second_rival", "rival_pooled", "over_rival_pooled", "rank", "rank_pooled",
    "over_kin", "has_kin",
    *(f"level{step:+d}" for step in LEVEL_STEPS), "loudest",
    *(f"rise{step:+d}" for step in CHANGE_STEPS),
    *(f"fall{step:+d}" for step in CHANGE_STEPS),
    "look", "look_broad", "look_of_rival", "look_over_plausible", "look_most", "trained",
)  # fmt: skip
"""What they are called, in their order; stored with the weights, so that another layout is refused."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FineEvidence:
    """Evidence of one stretch of video: the sound at a fine hop, and how its pictures look."""

    sound: Floats
    """``[sound klass]``, logits: how much the sound at each position speaks for each class."""
    untrained: Floats
    """``[sound klass]``, logits: the same by the untrained mapping alone."""
    level_db: Floats
    """``[sound]``: loudness of the ``HOP_S`` around each position, in dB of full scale."""
    rise: Floats
    """``[sound]``: mean growth of the bands since the position before, in dB; see ``spectral_change``."""
    fall: Floats
    """``[sound]``: mean decay of the bands."""
    look: Floats
    """``[sound klass]``, logits: the strongest image evidence of the shot that is shown at each position."""
    look_broad: Floats
    """``[sound klass]``, logits: the same over the four strongest patches of a frame instead of one."""
    trained: NDArray[np.bool_]
    """``[klass]``: whether trained heads say how a class sounds."""

    def __post_init__(self) -> None:
        positions, klasses = self.sound.shape
        for name in ("untrained", "look", "look_broad"):
            if getattr(self, name).shape != (positions, klasses):
                raise ValueError(f"{name} is [{positions} {klasses}] like sound, got {getattr(self, name).shape}")
        for name in ("level_db", "rise", "fall"):
            if getattr(self, name).shape != (positions,):
                raise ValueError(f"{name} is [{positions}] like sound, got {getattr(self, name).shape}")
        if self.trained.shape != (klasses,):
            raise ValueError(f"trained is [{klasses}] like sound, got {self.trained.shape}")


def spectral_change(bands_db: Floats) -> tuple[Floats, Floats]:
    """How much the spectrum grows and decays from position to position: a beginning shows even in a mixture.

    Args:
        bands_db: ``[sound band]``, level of each band in dB.

    Returns: Rise and fall, ``[sound]`` each, in dB, not negative; 0 at the first position.
    """
    if len(bands_db) == 0:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    audible = np.maximum(bands_db, _context_max(bands_db).max(axis=1, keepdims=True) - BAND_RANGE_DB)
    change = np.diff(audible, axis=0, prepend=audible[:1])
    rise, fall = np.maximum(change, 0).mean(axis=1), np.maximum(-change, 0).mean(axis=1)
    return rise.astype(np.float32), fall.astype(np.float32)


def strongest_classes(evidence: FineEvidence, *, most: int) -> NDArray[np.intp]:
    """The classes with the strongest evidence at any position, ``[candidate]``, strongest first."""
    if len(evidence.sound) == 0:
        return np.zeros(0, np.intp)
    return np.argsort(-evidence.sound.max(axis=0), kind="stable")[:most]


def features(evidence: FineEvidence, klasses: NDArray[np.intp], kin: NDArray[np.bool_]) -> Floats:
    """The features of some classes at every position.

    Args:
        evidence: Of one stretch.
        klasses: Which classes, ``[candidate]``.
        kin: ``[klass klass]``, whether two classes may name one source (a generic name and those below it), each its
            own kin; kin are no rivals.

    Returns: ``[sound candidate feature]``, in the order of ``FEATURES``.
    """
    positions = len(evidence.sound)
    if positions == 0 or len(klasses) == 0:
        return np.zeros((positions, len(klasses), len(FEATURES)), np.float32)
    pooled, shared = _pooled(evidence.sound), _of_sound(evidence)
    most = _context_max(evidence.sound[:, klasses])
    untrained_most = _context_max(evidence.untrained[:, klasses])
    result = np.empty((positions, len(klasses), len(FEATURES)), np.float32)
    for place, klass in enumerate(klasses):
        own = evidence.sound[:, klass]
        parts = (
            _around(own, EVIDENCE_STEPS),
            _around(evidence.untrained[:, klass], UNTRAINED_STEPS),
            np.stack((most[:, place], own - most[:, place], pooled[:, klass], untrained_most[:, place]), axis=1),
            _against_rivals(evidence.sound, pooled, int(klass), kin[klass]),
            shared,
            _of_looks(evidence, pooled, int(klass), kin[klass]),
        )
        result[:, place] = np.concatenate(parts, axis=1)
    return result


def _around(values: Floats, steps: tuple[int, ...]) -> Floats:
    """Values at some distances from every position, ``[sound step]``; beyond the ends, those at the ends."""
    places = np.arange(len(values))[:, None] + np.asarray(steps)
    return np.asarray(values[places.clip(0, len(values) - 1)], np.float32)


def _context_max(values: Floats) -> Floats:
    """The most within the context of every position, ``[sound ...]``."""
    padded = np.pad(values, ((CONTEXT, CONTEXT), (0, 0)), mode="edge")
    return np.asarray(sliding_window_view(padded, 2 * CONTEXT + 1, axis=0).max(axis=-1), np.float32)


def _pooled(values: Floats) -> Floats:
    """Mean of the strongest third near every position, ``[sound klass]``."""
    padded = np.pad(values, ((NEAR, NEAR), (0, 0)), mode="edge")
    windows = sliding_window_view(padded, 2 * NEAR + 1, axis=0)[::POOL_EVERY]
    count = max(1, (2 * NEAR + 1) // STRONGEST)
    strongest = np.partition(windows, -count, axis=-1)[..., -count:].mean(axis=-1)
    return np.asarray(np.repeat(strongest, POOL_EVERY, axis=0)[: len(values)], np.float32)


def _of_sound(evidence: FineEvidence) -> Floats:
    """Level and change of the sound as a whole, ``[sound feature]``."""
    loudest = _context_max(evidence.level_db[:, None])
    under = _around(evidence.level_db, LEVEL_STEPS) - loudest
    parts = (
        np.maximum(under, -LEVEL_RANGE_DB) / 10,
        np.maximum(loudest, -100) / 10,
        _around(evidence.rise, CHANGE_STEPS) / 3,
        _around(evidence.fall, CHANGE_STEPS) / 3,
    )
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _against_rivals(sound: Floats, pooled: Floats, klass: int, kinship: NDArray[np.bool_]) -> Floats:
    """A class against all that are not its kin, and against its kin, ``[sound feature]``."""
    own, own_pooled = sound[:, klass], pooled[:, klass]
    others, others_pooled = sound[:, ~kinship], pooled[:, ~kinship]
    bottom = np.full((len(own), 2), NO_RIVAL, np.float32)
    two = np.partition(np.concatenate((others, bottom), axis=1), -2, axis=1)[:, -2:]
    rival_pooled = others_pooled.max(axis=1, initial=NO_RIVAL)
    relatives = kinship.copy()
    relatives[klass] = False
    parts = (
        two[:, 1], own - two[:, 1], two[:, 0], rival_pooled, own_pooled - rival_pooled,
        np.log1p((others > own[:, None]).sum(axis=1)), np.log1p((others_pooled > own_pooled[:, None]).sum(axis=1)),
        own - sound[:, relatives].max(axis=1, initial=NO_RIVAL), np.full_like(own, float(relatives.any())),
    )  # fmt: skip
    return np.stack(parts, axis=1, dtype=np.float32)


def _of_looks(evidence: FineEvidence, pooled: Floats, klass: int, kinship: NDArray[np.bool_]) -> Floats:
    """How a class looks beside the names that the sound allows, ``[sound feature]``."""
    look, others = evidence.look, np.where(kinship, NO_RIVAL, pooled)
    own, everywhere = look[:, klass], np.arange(len(look))
    rival = others.max(axis=1)
    allowed = others >= np.maximum(rival - PLAUSIBLE, NO_RIVAL + 1)[:, None]
    of_rival = np.where(rival > NO_RIVAL, look[everywhere, others.argmax(axis=1)], NO_RIVAL)
    over_plausible = own - np.where(allowed, look, NO_RIVAL).max(axis=1)
    trained = np.full_like(own, float(evidence.trained[klass]))
    parts = (own, evidence.look_broad[:, klass], of_rival, over_plausible, look.max(axis=1), trained)
    return np.stack(parts, axis=1, dtype=np.float32)


def window_around(time_s: float, window_s: float) -> tuple[float, float]:
    """Start and end of the sound around a moment, in seconds; cut at the beginning of the timeline."""
    return max(0.0, time_s - window_s / 2), time_s + window_s / 2
