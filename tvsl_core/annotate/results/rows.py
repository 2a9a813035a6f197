"""Rows of the sources table: each source at each instant, or at each frame, inside its event."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import merge

from tvsl_core.annotate.evidence import window_around
from tvsl_core.annotate.objects.follow import Sight
from tvsl_core.annotate.objects.moments import FoundEvent, Moment
from tvsl_core.annotate.signals.pictures import Instant
from tvsl_core.types import Detection, LocalizedSource

DetectionAt = Callable[[FoundEvent, int], Detection]
"""What sound and picture say of an event's source at an instant, which is told by its number."""


def source_rows(
    events: Sequence[FoundEvent],
    instants: Sequence[Instant],
    further: Sequence[tuple[Sight, int]],
    *,
    detection: DetectionAt,
    window_s: float,
) -> Iterator[LocalizedSource]:
    """A row for each source and time inside its event, in order of time, the likeliest in view first.

    Args:
        events: What was found.
        instants: Of the video, in order of time.
        further: Frames between them, in order of time, each with the nearest instant in its shot.
        detection: Of an event at an instant.
        window_s: Seconds of sound around a time that a row names.
    """
    ordered = sorted(events, key=lambda one: (not one.event.in_view, -one.event.score, one.klass))
    moments = [{moment.index: moment for moment in one.moments} for one in ordered]
    courses = [one.course if one.trajectory else None for one in ordered]
    for sight, index in _in_order(instants, further):
        time_s = float(sight.time)
        for one, own, course in zip(ordered, moments, courses, strict=True):
            if not one.event.start_s <= time_s < one.event.end_s:
                continue
            moment = own.get(index) if course is None else one.at(course, time_s, index)
            yield from _regions(one, sight, moment, detection(one, index), window_around(time_s, window_s))


def _in_order(instants: Sequence[Instant], further: Sequence[tuple[Sight, int]]) -> Iterator[tuple[Sight, int]]:
    """Instants and further frames, each time once, with the nearest instant."""
    known = {one.time for one in instants}
    own = (
        (Sight(time=one.time, frame_index=one.frame_index, pts=one.pts), index) for index, one in enumerate(instants)
    )
    others = (one for one in further if one[0].time not in known)
    return merge(own, others, key=lambda one: one[0].time)


def _regions(
    one: FoundEvent, sight: Sight, moment: Moment | None, detection: Detection, window: tuple[float, float]
) -> Iterator[LocalizedSource]:
    """One row for each region of a source; a single one when offscreen."""
    for region, box in enumerate((None,) if moment is None else (moment.box, *moment.further)):
        yield LocalizedSource(
            time=sight.time,
            frame_index=sight.frame_index,
            pts=sight.pts,
            window_start_s=window[0],
            window_end_s=window[1],
            detection=detection,
            source_id=one.event.source_id,
            region=region,
            box=box,
            map=None if moment is None else moment.map,
        )
