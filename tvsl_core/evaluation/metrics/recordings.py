"""When a model says that things sound, and how sure it is, over recordings whose times are known.

Conventions: a reported name is right when it is one that sounds, or its generic or a more specific name; it then counts
as the true one. "Of those found" asks only about classes that were reported at all, so that when is not mixed up with
what. A report, for its score, is a class of a recording, with its greatest score.

References: ``events`` for counts of events and of segments, ``certainty`` for what is made of scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tvsl_core.evaluation.metrics import certainty, events
from tvsl_core.evaluation.metrics.events import EventScores, HitCounts, SoundEvent
from tvsl_core.evaluation.metrics.scenes import Figure, wilson


class ToldEvent(NamedTuple):
    """A class that is reported from ``start_s`` to ``end_s``."""

    name: str
    start_s: float
    end_s: float
    score: float


class JudgedRecording(NamedTuple):
    """One recording, and what a model says of it."""

    reference: tuple[SoundEvent, ...]
    told: tuple[ToldEvent, ...]
    matches: frozenset[tuple[str, str]]
    """(reported name, true name) that mean the same."""
    seconds: float


class RecordingScores(NamedTuple):
    """Everything that is made of some recordings."""

    found: EventScores
    """Of the classes that were reported at all."""
    all: EventScores
    certainty: certainty.CertaintyScores
    false_seconds: float
    """Of names that do not sound at all, in a minute."""


def evaluate(recordings: Sequence[JudgedRecording]) -> RecordingScores:
    """Event and segment based counts, and whether scores mean what they say."""
    pairs = [(one.reference, _renamed(one)) for one in recordings]
    found = [
        (
            [event for event in reference if event.name in {claim.name for claim in estimate}],
            [event for event in estimate if event.name in {true.name for true in reference}],
        )
        for reference, estimate in pairs
    ]
    false_s = sum(
        event.end_s - event.start_s
        for reference, estimate in pairs
        for event in estimate
        if event.name not in {true.name for true in reference}
    )
    minutes = sum(one.seconds for one in recordings) / 60
    right, scores = _reports(recordings)
    return RecordingScores(
        found=events.evaluate(found),
        all=events.evaluate(pairs),
        certainty=certainty.evaluate(np.asarray(right, bool), np.asarray(scores, np.float64)),
        false_seconds=false_s / minutes if minutes else math.nan,
    )


def figures(scores: RecordingScores) -> tuple[Figure, ...]:
    """The same as lines: shares with 95 % intervals where they are shares of independent things; F1 has none."""
    told = scores.certainty
    lines = [
        _harmonic("seconds: F1, of classes found", scores.found.segments),
        _harmonic("events: F1, of classes found", scores.found.events),
        _harmonic("segments: F1, of all", scores.all.segments),
        _harmonic("events: F1, of all", scores.all.events),
        _bare("false seconds a minute", scores.false_seconds, told.count),
        _share("reports right", told.share_right, told.count),
        _bare("score: calibration error", told.calibration_error, told.count),
        _bare("score: Brier", told.brier, told.count),
        _bare("score: AUROC", told.auroc, told.count),
    ]
    table = [one for one in told.reliability if one.count]
    lines += [_share(f"right at {one.low:.1f} to {one.high:.1f}", one.share_right, one.count) for one in table]
    return tuple(lines)


def _renamed(recording: JudgedRecording) -> list[SoundEvent]:
    """What is reported, under the true names that it means."""
    true = sorted({event.name for event in recording.reference})
    return [
        SoundEvent(
            next((name for name in true if (event.name, name) in recording.matches), event.name),
            event.start_s,
            event.end_s,
        )
        for event in recording.told
    ]


def _reports(recordings: Sequence[JudgedRecording]) -> tuple[list[bool], list[float]]:
    """Whether each reported class is right, and its greatest score."""
    right, scores = [], []
    for one in recordings:
        best: dict[str, float] = {}
        for event in one.told:
            best[event.name] = max(event.score, best.get(event.name, 0.0))
        true = {event.name for event in one.reference}
        for name, score in best.items():
            right.append(any((name, other) in one.matches for other in true))
            scores.append(score)
    return right, scores


def _harmonic(name: str, counts: HitCounts) -> Figure:
    return _bare(name, counts.f1, counts.hits + counts.missed)


def _bare(name: str, value: float, number: int) -> Figure:
    return Figure(name=name, value=value, number=number, low=math.nan, high=math.nan)


def _share(name: str, value: float, number: int) -> Figure:
    low, high = wilson(value * number if number else 0.0, number)
    return Figure(name=name, value=value, number=number, low=low, high=high)
