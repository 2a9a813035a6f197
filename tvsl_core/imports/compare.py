"""What people changed of what the model said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tvsl_core.annotate.results.table import read_metadata
from tvsl_core.exports.results import VideoResults
from tvsl_core.imports.lists import box_at
from tvsl_core.imports.tables import TOOL as TABLE
from tvsl_core.types import SourceEvent

Opinion = Literal["confirmed", "changed", "renamed", "removed", "not asked"]
TOLERANCE_S = 0.06
"""Times that a program of frames gives back are those of the frames: up to one earlier, at 25 a second 0.04 s."""
SAME_BOX = 0.9
"""Overlap (IoU) of two boxes that differ by rounding at most."""
SAME_TIME = 0.5
"""Overlap (IoU) in time from which an event of another name is taken for the same one, renamed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corrections:
    """What people say to the events of one video."""

    opinions: dict[int, Opinion]
    """By the model's ``event_id``."""
    answers: dict[int, SourceEvent]
    """What people say instead, by the model's ``event_id``, where they say something."""
    added: tuple[SourceEvent, ...]
    """What the model missed."""


def compare(model: VideoResults, labels: VideoResults) -> Corrections:
    """Set what people say of a video against what the model said.

    An event has at most one answer: the one of its name that shares most time with it, else one of another name that
    has most of its time.

    Args:
        model: Results of a video.
        labels: Of the same video, as ``read_labels`` gives them.
    """
    from_table = read_metadata(labels.table).get("labelled_in") == TABLE
    answers: dict[int, SourceEvent] = {}
    for least, same_name in ((0.0, True), (SAME_TIME, False)):
        _answer(model.events, labels.events, answers, least=least, same_name=same_name)
    opinions: dict[int, Opinion] = {}
    for event in model.events:
        answer = answers.get(event.event_id)
        if answer is None:
            # The programs of boxes cannot hold what is off screen: their silence says nothing of it.
            opinions[event.event_id] = "removed" if from_table or event.box is not None else "not asked"
        elif answer.name != event.name:
            opinions[event.event_id] = "renamed"
        else:
            same = _same_time(event, answer) and _same_place(model, event, labels, answer, between=not from_table)
            opinions[event.event_id] = "confirmed" if same else "changed"
    taken = {answer.event_id for answer in answers.values()}
    added = tuple(event for event in labels.events if event.event_id not in taken)
    return Corrections(opinions=opinions, answers=answers, added=added)


def _answer(
    model: Sequence[SourceEvent],
    people: Sequence[SourceEvent],
    answers: dict[int, SourceEvent],
    *,
    least: float,
    same_name: bool,
) -> None:
    """Pair events that share more than a part of their time, the largest first, each once."""
    taken = {answer.event_id for answer in answers.values()}
    pairs = [
        (_overlap(mine, their), mine.event_id, their)
        for mine in model
        for their in people
        if mine.event_id not in answers and their.event_id not in taken and (mine.name == their.name) is same_name
    ]
    for overlap, number, their in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2].event_id)):
        if overlap > least and number not in answers and their.event_id not in taken:
            answers[number] = their
            taken.add(their.event_id)


def _overlap(one: SourceEvent, other: SourceEvent) -> float:
    """Intersection over union in time."""
    shared = min(one.end_s, other.end_s) - max(one.start_s, other.start_s)
    return max(0.0, shared) / (max(one.end_s, other.end_s) - min(one.start_s, other.start_s))


def _same_time(one: SourceEvent, other: SourceEvent) -> bool:
    return max(abs(one.start_s - other.start_s), abs(one.end_s - other.end_s)) <= TOLERANCE_S


def _same_place(
    model: VideoResults, mine: SourceEvent, labels: VideoResults, their: SourceEvent, *, between: bool
) -> bool:
    if mine.box is None or their.box is None:
        return mine.box is their.box
    if not between:
        return mine.box.iou(their.box) >= SAME_BOX
    for one in model.instants_of(mine):
        # Labels hold the times of their frames, an instant may lie anywhere within its frame.
        box = box_at(labels, their, labels.time_at(one.frame), between=True)
        if one.box is not None and (box is None or one.box.iou(box) < SAME_BOX):
            return False
    return True
