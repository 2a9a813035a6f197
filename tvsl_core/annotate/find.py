"""From the evidence of a whole file to its sources: which events are told, whose they are, and where at each instant.

    score -> choose (one name for one object) -> localize at the instants of each event -> link

A source in view keeps its verdict over its whole event: where no region is bold enough for a moment, it stands where
it stood at the nearest moment. An event that is never seen anywhere is offscreen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.choose import ScoredEvent, choose_events
from tvsl_core.annotate.events import EventSpan
from tvsl_core.annotate.evidence import HOP_S
from tvsl_core.annotate.instant import PlacedSource, place
from tvsl_core.annotate.localize import shared_regions
from tvsl_core.annotate.objects.equals import Equals, SoundingObject
from tvsl_core.annotate.objects.follow import Sight
from tvsl_core.annotate.objects.footage import Footage
from tvsl_core.annotate.objects.moments import FoundEvent, Moment, UnplacedMoment, moment_of, with_boxes
from tvsl_core.annotate.objects.shots import Shots
from tvsl_core.annotate.objects.speakers import Speakers, SpokenPart
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.results.rows import source_rows
from tvsl_core.annotate.signals.listen import SoundEvidence
from tvsl_core.annotate.signals.pictures import PictureEvidence, Pictures
from tvsl_core.annotate.signals.score import ancestry, overlapping, score_events
from tvsl_core.annotate.track import Linker, smooth
from tvsl_core.errors import ManifestError
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.system.suggest import did_you_mean
from tvsl_core.types import Alternative, Detection, LocalizedSource, SourceEvent, Verdict

BEHIND_S = 10.0
"""Sound so far before the first instant and after the last one is heard as well: events reach beyond a part."""
NARRATOR = -1
"""The number, among those in view, of a voice that is none of theirs."""
LOOKED_AT = 16
"""So many of an event's instants say whether people are in view: a long narration is not searched throughout."""


class SourceFinder:
    """Finds the sources of one file in the evidence of its sound and its pictures.

    Args:
        sound: Of the whole file, or of a part and ``BEHIND_S`` on either side.
        pictures: Every instant of it.
        model: What both come from.
        options: What is told, and how maps and boxes are made.
        frame_size: Width and height of the frame as shown, in pixels.
        part: Start and end of what is annotated, in seconds.
        shots: Of the video.
        footage: Is looked at again where objects of one class compete; None where there is one picture alone, which
            cannot tell who sounds, so that a class is then one source.
    """

    def __init__(
        self,
        sound: SoundEvidence,
        pictures: Pictures,
        model: TvslModel,
        options: AnnotateOptions,
        *,
        frame_size: tuple[int, int],
        part: tuple[float, float],
        shots: Shots | None = None,
        footage: Footage | None = None,
    ) -> None:
        self._sound, self._pictures, self._model, self._options = sound, pictures, model, options
        self._size, self._part = frame_size, part
        self._times = pictures.times_s
        self._of_people: set[EventSpan] = set()
        """Events whose maps show people."""
        self._shots = shots or Shots()
        self._footage = footage
        if pictures.snapshots is not None:
            pictures.snapshots.divide(self._shots)

    def events(self) -> list[FoundEvent]:
        """Every event that is told, by onset; one for each object where several of a class may sound."""
        chosen = self.choose()
        moments: dict[int, list[Moment | UnplacedMoment]] = {number: [] for number in range(len(chosen))}
        equals = Equals(self._footage, self._times, self._shots, self._options, frame_size=self._size)
        for index, numbers in self._holding(chosen):
            picture = self._evidence(index, [chosen[number] for number in numbers])
            for number, placed in self._place(picture, index, numbers, chosen):
                moments[number].append(moment_of(index, float(self._times[index]), placed))
            equals.look(index, picture, [(chosen[number].span.klass, number) for number in numbers])
        linker = Linker(self._options.track)
        found: list[FoundEvent] = []
        speakers = self._speakers(chosen)
        for number, event in enumerate(chosen):
            spoken = speakers.parts(number)
            for part in spoken:
                found += self._spoken(len(found), event, part, linker)
            if spoken:
                continue
            objects = equals.sounding(number, event.span.klass, self._seconds(event), self._peak(event))
            if objects:
                found += [
                    self._found_object(len(found) + place, event, one, linker) for place, one in enumerate(objects)
                ]
            else:
                found.append(self._found(len(found), event, with_boxes(moments[number], self._options), linker))
        return found

    def rows(self, events: Sequence[FoundEvent], sights: Sequence[Sight] = ()) -> Iterator[LocalizedSource]:
        """A row for each source and instant inside its event, in order of time, the likeliest in view first.

        Args:
            events: What was found.
            sights: Frames that have rows as well, where each source is between its instants; in order of time.
        """
        return source_rows(
            events,
            self._pictures.instants,
            [(sight, self._nearest(float(sight.time))) for sight in sights],
            detection=lambda one, index: self._detection(one.klass, one.event.score, one.event.verdict, index),
            window_s=self._options.window_s,
        )

    def choose(self) -> list[ScoredEvent]:
        """The events that are told, by their starts."""
        options = self._options.detect
        scored = score_events(self._sound, self._pictures.instants, self._model, self._options.events, self._shots)
        least = least_scores(self._model, options.min_score, dict(self._options.thresholds))
        start, end = self._part
        likely = {
            one.span: self._seen(one)
            for one in scored
            if one.score >= min(options.least_alternative, least[one.span.klass])
            and one.span.seconds(HOP_S)[0] < end
            and one.span.seconds(HOP_S)[1] > start
        }
        above = ancestry(self._model.vocabulary)
        chosen: list[ScoredEvent] = []
        for group in overlapping(list(likely)):
            events = [likely[span] for span in group]
            same = self._one_object(events)
            chosen += choose_events(events, ancestors=above, one_object=same, options=options, least=least)
        return chosen

    def _one_object(self, events: Sequence[ScoredEvent]) -> NDArray[np.bool_]:
        """``[event event]``: whether the maps of two events cover one object, over the instants that they share."""
        count = len(events)
        total, shared = np.zeros((count, count)), np.zeros((count, count))
        seen = np.asarray([self._in_view(event) for event in events])
        starts, ends = np.asarray([event.span.seconds(HOP_S) for event in events]).reshape(-1, 2).T
        for index, time_s in enumerate(self._times if seen.sum() > 1 else ()):
            here = np.flatnonzero(seen & (starts <= time_s) & (time_s < ends)).tolist()
            if len(here) > 1:
                total[np.ix_(here, here)] += self._shared(index, [events[place] for place in here])
                shared[np.ix_(here, here)] += 1
        for one, other in np.argwhere(np.triu(shared == 0, 1) & seen[:, None] & seen).tolist():
            low, high = max(starts[one], starts[other]), min(ends[one], ends[other])
            if low < high:  # too short to share an instant: the nearest one says it
                middle = self._pictures.nearest((low + high) / 2)
                total[one, other] = total[other, one] = self._shared(middle, [events[one], events[other]])[0, 1]
                shared[one, other] = shared[other, one] = 1
        same = (shared > 0) & (total >= self._options.maps.same_object * shared)
        return np.asarray(same & ~np.eye(count, dtype=bool))

    def _shared(self, index: int, events: Sequence[ScoredEvent]) -> NDArray[np.float64]:
        """How much the regions of some events are one at an instant, ``[event event]``."""
        return shared_regions(self._evidence(index, events), [one.span.klass for one in events], self._options.maps)

    def _evidence(self, index: int, events: Sequence[ScoredEvent]) -> PictureEvidence:
        """What an instant's picture says, with its people where an event is theirs."""
        people = {one.span.klass for one in events if one.span in self._of_people}
        return self._pictures.evidence(index, people=people)

    def _seen(self, event: ScoredEvent) -> ScoredEvent:
        """An event that people may make is in view where enough of its instants show somebody.

        Speech without a face belongs to a narrator; of applause and the like the patches may still say something.
        """
        snapshots = self._pictures.snapshots
        if snapshots is None or event.span.klass not in snapshots.classes.all or not self._pictures.seen:
            return event
        inside = self._instants(event)
        some = {snapshots.look_before(index) for index in inside[:: -(-len(inside) // LOOKED_AT)]}
        share = np.mean([bool(snapshots.faces(index)) for index in some])
        if share >= snapshots.options.least_share:
            self._of_people.add(event.span)
            return replace(event, in_view=1.0)
        return replace(event, in_view=0.0) if event.span.klass in snapshots.classes.spoken else event

    def _in_view(self, event: ScoredEvent) -> bool:
        return self._pictures.seen and event.in_view >= self._options.detect.in_view

    def _holding(self, events: Sequence[ScoredEvent]) -> Iterator[tuple[int, list[int]]]:
        """Instants with the numbers of the events in view that are placed there."""
        places: dict[int, list[int]] = {}
        for number, event in enumerate(events):
            if self._in_view(event):
                for index in self._instants(event):
                    places.setdefault(index, []).append(number)
        yield from sorted(places.items())

    def _instants(self, event: ScoredEvent) -> list[int]:
        """The instants inside an event; of one that is too short to hold any the nearest."""
        start_s, end_s = self._seconds(event)
        inside: list[int] = np.flatnonzero((self._times >= start_s) & (self._times < end_s)).tolist()
        return inside or [self._nearest(self._peak(event))]

    def _nearest(self, time_s: float) -> int:
        """The instant nearest to a time, in its shot; every shot has one."""
        start_s, end_s = self._shots.bounds(time_s)
        inside = np.flatnonzero((self._times >= start_s) & (self._times < end_s))
        return int(inside[np.abs(self._times[inside] - time_s).argmin()])

    def _place(
        self, picture: PictureEvidence, index: int, numbers: Sequence[int], events: Sequence[ScoredEvent]
    ) -> Iterator[tuple[int, PlacedSource]]:
        ordered = sorted(numbers, key=lambda number: (-events[number].score, number))
        detections = [
            self._detection(events[number].span.klass, events[number].score, "sounding", index) for number in ordered
        ]
        placed = place(picture, detections, self._options, frame_size=self._size)
        yield from zip(ordered, placed, strict=True)

    def _speakers(self, chosen: Sequence[ScoredEvent]) -> Speakers:
        """Who speaks, in those events that are the voice of one of the people in view."""
        snapshots = self._pictures.snapshots
        everybodys = snapshots.classes.crowds if snapshots is not None else frozenset[int]()
        return Speakers(
            self._footage,
            snapshots,
            self._times,
            self._shots,
            self._options,
            voices={
                number: self._seconds(event)
                for number, event in enumerate(chosen)
                if event.span in self._of_people and event.span.klass not in everybodys
            },
            frame_size=self._size,
        )

    def _spoken(self, number: int, scored: ScoredEvent, part: SpokenPart, linker: Linker) -> list[FoundEvent]:
        """What is told of a part of an event: an event for each of those who may be heard, or one that is offscreen."""
        first, stop = (round(time_s / HOP_S + 0.5) for time_s in (part.start_s, part.end_s))
        inside = scored.span.first + 1 < stop and first < scored.span.stop - 1
        own = scored.span.between(max(first, scored.span.first), min(stop, scored.span.stop)) if inside else scored.span
        turn = replace(scored, span=own)
        if not part.objects:
            return [self._told(number, turn, (), linker, verdict="offscreen", score=scored.score, thing=NARRATOR)]
        return [self._found_object(number + place, turn, one, linker) for place, one in enumerate(part.objects)]

    def _found(self, number: int, scored: ScoredEvent, placed: Sequence[Moment], linker: Linker) -> FoundEvent:
        """An event of the only object of its class, or one that is not in view."""
        verdict: Verdict = "sounding" if placed else "offscreen"
        return self._told(number, scored, placed, linker, verdict=verdict, score=scored.score, thing=None)

    def _found_object(self, number: int, scored: ScoredEvent, one: SoundingObject, linker: Linker) -> FoundEvent:
        """An event of one of several objects."""
        placed = [
            Moment(index=index, time_s=float(self._times[index]), box=seen.box, further=(), map=seen.map)
            for index, seen in one.moments
        ]
        verdict: Verdict = "sounding" if one.sure else "uncertain"
        score = scored.score * one.share
        return self._told(number, scored, placed, linker, verdict=verdict, score=score, thing=one.number)

    def _told(
        self,
        number: int,
        scored: ScoredEvent,
        placed: Sequence[Moment],
        linker: Linker,
        *,
        verdict: Verdict,
        score: float,
        thing: int | None,
    ) -> FoundEvent:
        boxes = smooth([moment.box for moment in placed], self._options.track)
        placed = [replace(moment, box=box) for moment, box in zip(placed, boxes, strict=True)]
        start_s, end_s = self._seconds(scored)
        peak_s = self._peak(scored)
        names = self._model.vocabulary.names
        name, place = names[scored.span.klass], self._shots.place(start_s)
        at_peak = min(placed, key=lambda moment: abs(moment.time_s - peak_s), default=None)
        return FoundEvent(
            event=SourceEvent(
                event_id=number,
                source_id=linker.source_of(name, start_s=start_s, end_s=end_s, boxes=boxes, place=place, thing=thing),
                name=name,
                start_s=start_s,
                end_s=end_s,
                score=score,
                verdict=verdict,
                peak_s=peak_s,
                box=at_peak.box if at_peak else None,
                alternatives=tuple(Alternative(name=names[klass], score=other) for klass, other in scored.alternatives),
            ),
            klass=scored.span.klass,
            moments=tuple(placed),
        )

    def _seconds(self, event: ScoredEvent) -> tuple[float, float]:
        """Start and end, within what is annotated; what reaches a moment into the next shot ends with its own."""
        start_s, end_s = event.span.seconds(HOP_S)
        low_s, high_s = self._shots.bounds(event.span.peak * HOP_S)
        if start_s < low_s <= start_s + self._options.events.shortest_s:
            start_s = low_s
        if end_s - self._options.events.shortest_s <= high_s < end_s:
            end_s = high_s
        return max(start_s, self._part[0]), min(end_s, self._part[1])

    def _peak(self, event: ScoredEvent) -> float:
        start_s, end_s = self._seconds(event)
        return float(np.clip(event.span.peak * HOP_S, start_s, end_s))

    def _detection(self, klass: int, score: float, verdict: Verdict, index: int) -> Detection:
        return detection_at(self._sound, self._pictures, self._model, klass, score=score, verdict=verdict, index=index)


def detection_at(
    sound: SoundEvidence,
    pictures: Pictures,
    model: TvslModel,
    klass: int,
    *,
    score: float,
    verdict: Verdict,
    index: int,
) -> Detection:
    """A class at one instant, with what sound and picture say of it there."""
    instant = pictures.instants[index]
    faces = pictures.faces(index, klass)
    return Detection(
        klass=klass,
        name=model.vocabulary.names[klass],
        score=score,
        audio_score=_probability(sound.sound[sound.nearest(float(instant.time)), klass]),
        image_score=_probability(instant.look[klass]) if faces is None else faces,
        verdict=verdict,
    )


def least_scores(model: TvslModel, usual: float, thresholds: Mapping[str, float]) -> NDArray[np.float64]:
    """``[klass]``: the least score of every class.

    Raises: ManifestError: A threshold is for a class that is not in the vocabulary.
    """
    least = np.full(len(model.vocabulary.names), usual)
    for name, value in thresholds.items():
        known = model.vocabulary.find(name)
        if known is None:
            raise ManifestError(
                f"thresholds: there is no class {name!r}.", hint=did_you_mean(name, model.vocabulary.names)
            )
        least[model.vocabulary.names.index(known.name)] = value
    return least


def _probability(logit: np.float16) -> float:
    return float(1 / (1 + np.exp(-np.float64(logit))))
