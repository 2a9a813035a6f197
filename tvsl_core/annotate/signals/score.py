"""From the evidence of a whole file to its events, each with the probabilities that it is right and in view.

The scorer judges stretch by stretch: everything that a position needs lies within ``CONTEXT`` positions of it, so the
answer is the same as if it had the whole file at once, and memory does not grow with features.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tvsl_core.annotate.choose import ScoredEvent
from tvsl_core.annotate.events import (
    EVENT_FEATURES,
    EVENT_MEANS,
    EventSpan,
    EventTracker,
    features_of_events,
    smoothed,
)
from tvsl_core.annotate.evidence import (
    CONTEXT,
    CONTEXT_S,
    FEATURES,
    HOP_S,
    NO_RIVAL,
    FineEvidence,
    features,
    spectral_change,
    strongest_classes,
)
from tvsl_core.annotate.objects.shots import Shots
from tvsl_core.annotate.rules import EventOptions
from tvsl_core.annotate.signals.listen import SoundEvidence
from tvsl_core.annotate.signals.pictures import Instant
from tvsl_core.errors import WeightsError
from tvsl_core.model.scorer import ScorerLayout
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.vocabulary.classes import Vocabulary

Floats = NDArray[np.float32]

LAYOUT = ScorerLayout(position_features=FEATURES, event_features=EVENT_FEATURES)
"""What a scorer takes that is of use here."""
STRETCH = 200
"""Positions that are judged together; a multiple of what pooling skips, so that pooling is the same everywhere."""
SMOOTHING = 3
"""Positions that a probability is the median of."""
_COLUMNS = [FEATURES.index(name) for name in EVENT_MEANS]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Judged:
    """One stretch after the scorer saw its positions."""

    klasses: NDArray[np.intp]
    """``[candidate]``."""
    probabilities: Floats
    """``[sound candidate]``."""
    means: Floats
    """``[sound candidate feature]``: the features that are averaged over events."""


def score_events(
    sound: SoundEvidence,
    instants: Sequence[Instant],
    model: TvslModel,
    options: EventOptions,
    shots: Shots | None = None,
) -> list[ScoredEvent]:
    """All events of a file, likely ones and others, by their starts; their positions count from the timeline's 0.

    Args:
        sound: Of the whole file.
        instants: Of its pictures, in order of time; none of a sound file.
        model: Its scorer and vocabulary.
        options: When an event begins and ends.
        shots: Of its pictures; an event that goes on over a cut is told in pieces, each in view or not by itself.

    Raises: WeightsError: The model's scorer was fitted on other features.
    """
    if model.scorer.layout != LAYOUT:
        raise WeightsError("the scorer takes other features than this version of tvsl.", hint="Fit one again.")
    if len(sound.sound) == 0:
        return []
    kin, shots = kinship(model.vocabulary), shots or Shots()
    judged = list(_judge_positions(sound, instants, model, kin, options.candidates, shots))
    tracker = EventTracker(options, hop_s=HOP_S)
    spans: list[EventSpan] = []
    for stretch in judged:
        full = np.zeros((len(stretch.probabilities), len(kin)), np.float32)
        full[:, stretch.klasses] = stretch.probabilities
        spans += tracker.feed(full)
    spans = sorted(spans + tracker.close(), key=lambda span: (span.first, span.klass))
    scored: list[ScoredEvent] = []
    for group in overlapping(spans):
        means = np.stack([_mean(span, judged) for span in group])
        right, in_view = model.scorer.judge(torch.from_numpy(features_of_events(group, means, kin, hop_s=HOP_S)))
        for place, span in enumerate(group):
            pieces = shots.split(span.moved(sound.first), hop_s=HOP_S, shortest_s=options.shortest_s)
            seen = [float(in_view[place])]
            if len(pieces) > 1:
                seen = [_in_view(one.moved(-sound.first), place, group, means, judged, model, kin) for one in pieces]
            scored += [
                ScoredEvent(span=piece, score=float(right[place]), in_view=likely)
                for piece, likely in zip(pieces, seen, strict=True)
            ]
    return scored


def _in_view(
    piece: EventSpan,
    place: int,
    group: Sequence[EventSpan],
    means: Floats,
    judged: Sequence[_Judged],
    model: TvslModel,
    kin: NDArray[np.bool_],
) -> float:
    """How likely the source of an event is in view in one shot, beside the other events of its group."""
    spans, own = list(group), means.copy()
    spans[place], own[place] = piece, _mean(piece, judged)
    _, in_view = model.scorer.judge(torch.from_numpy(features_of_events(spans, own, kin, hop_s=HOP_S)))
    return float(in_view[place])


def kinship(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """``[klass klass]``: whether two classes may name one source; each is its own kin."""
    above = ancestry(vocabulary)
    return np.asarray(above | above.T | np.eye(len(above), dtype=bool))


def ancestry(vocabulary: Vocabulary) -> NDArray[np.bool_]:
    """``[klass klass]``: whether the first is a generic name of the second."""
    names = vocabulary.names
    place = {name: klass for klass, name in enumerate(names)}
    above = np.zeros((len(names), len(names)), bool)
    for klass, name in enumerate(names):
        above[[place[other] for other in vocabulary.ancestors(name) if other in place], klass] = True
    return above


def overlapping(spans: Sequence[EventSpan]) -> Iterator[list[EventSpan]]:
    """Events that sound beside one another, or beside one that does: nothing outside a group matters to it."""
    group: list[EventSpan] = []
    until = 0
    for span in spans:
        if group and span.first >= until:
            yield group
            group = []
        group.append(span)
        until = max(until, span.stop) if len(group) > 1 else span.stop
    if group:
        yield group


def _judge_positions(
    sound: SoundEvidence,
    instants: Sequence[Instant],
    model: TvslModel,
    kin: NDArray[np.bool_],
    candidates: int,
    shots: Shots,
) -> Iterator[_Judged]:
    change = spectral_change(sound.bands_db)
    count = len(sound.sound)
    for begin in range(0, count, STRETCH):
        end = min(begin + STRETCH, count)
        low, high = max(0, begin - CONTEXT), min(count, end + CONTEXT)
        evidence = fine_evidence(sound, instants, model, change, low, high, shots)
        klasses = strongest_classes(evidence, most=candidates)
        values = features(evidence, klasses, kin)
        # One more position on either side, so that smoothing has its neighbours.
        inner = slice(max(0, begin - 1) - low, min(count, end + 1) - low)
        near = smoothed(model.scorer.sounding(torch.from_numpy(values[inner])).numpy(), width=SMOOTHING)
        skip = begin - max(0, begin - 1)
        yield _Judged(
            klasses=klasses,
            probabilities=near[skip : skip + end - begin],
            means=values[begin - low : end - low][:, :, _COLUMNS],
        )


def fine_evidence(
    sound: SoundEvidence,
    instants: Sequence[Instant],
    model: TvslModel,
    change: tuple[Floats, Floats],
    low: int,
    high: int,
    shots: Shots | None = None,
) -> FineEvidence:
    """What features are made of, for some positions of a file.

    Args:
        sound: Of the file.
        instants: Of its pictures.
        model: That read both.
        change: ``spectral_change`` of the whole sound.
        low: The first row.
        high: The row behind the last one.
        shots: Of its pictures.
    """
    look, broad = _looks(instants, shots or Shots(), sound.first + low, high - low, sound.sound.shape[1])
    rise, fall = change
    return FineEvidence(
        sound=sound.sound[low:high].astype(np.float32),
        untrained=sound.untrained[low:high].astype(np.float32),
        level_db=sound.level_db[low:high],
        rise=rise[low:high],
        fall=fall[low:high],
        look=look,
        look_broad=broad,
        trained=model.is_sound_trained,
    )


def _looks(instants: Sequence[Instant], shots: Shots, first: int, count: int, names: int) -> tuple[Floats, Floats]:
    """The strongest look of the seconds around each position, ``[sound klass]``; that of the nearest instant at least.

    A look counts for ``CONTEXT_S`` on either side, as far as its shot goes.
    """
    times = np.asarray([float(instant.time) for instant in instants])
    look = np.full((2, count, names), NO_RIVAL, np.float32)
    for row in range(count if len(instants) else 0):
        time_s = (first + row) * HOP_S
        begin_s, end_s = shots.bounds(time_s)
        low, high = np.searchsorted(times, (max(begin_s, time_s - CONTEXT_S), min(end_s, time_s + CONTEXT_S)))
        if low == high:
            low = int(np.abs(times - time_s).argmin())
            high = low + 1
        shown = instants[low:high]
        look[0, row] = np.max([instant.look for instant in shown], axis=0)
        look[1, row] = np.max([instant.look_broad for instant in shown], axis=0)
    return look[0], look[1]


def _mean(span: EventSpan, judged: Sequence[_Judged]) -> Floats:
    """Mean features of an event's class over its positions, as far as it was considered there."""
    rows: list[Floats] = []
    for number in range(span.first // STRETCH, (span.stop - 1) // STRETCH + 1):
        stretch, start = judged[number], number * STRETCH
        place = np.flatnonzero(stretch.klasses == span.klass)
        rows += [stretch.means[max(0, span.first - start) : span.stop - start, one] for one in place]
    return np.asarray(np.concatenate(rows).mean(axis=0), np.float32)
