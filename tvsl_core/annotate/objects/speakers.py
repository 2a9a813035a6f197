"""From the people in the pictures of a video to those whose voice is heard: turn by turn, whose mouth goes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.boxes import find_boxes
from tvsl_core.annotate.objects.equals import SoundingObject
from tvsl_core.annotate.objects.footage import Footage
from tvsl_core.annotate.objects.instances import ObjectTrack, SeenObject, follow, seen_often
from tvsl_core.annotate.objects.mouths import Mouths, watch_mouths
from tvsl_core.annotate.objects.shots import Shots
from tvsl_core.annotate.objects.turns import Turn, find_turns
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.rules import MouthOptions
from tvsl_core.annotate.signals.people import Face
from tvsl_core.annotate.signals.snapshots import Snapshots
from tvsl_core.model.people.faces import FaceBox
from tvsl_core.types import LocalizationMap

Span = tuple[float, float]
"""Start and end, in seconds."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SpokenPart:
    """A part of an event in which the same people speak."""

    start_s: float
    end_s: float
    objects: tuple[SoundingObject, ...]
    """Who may be heard, the likeliest first; none where nobody in view is."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Stretch:
    """Some events in a row of one shot, looked at together."""

    span: Span
    cast: tuple[ObjectTrack[Face], ...]
    turns: tuple[Turn, ...]
    """None where the mouths say nothing."""


class Speakers:
    """Says which of the people in view are heard in the events of voices.

    Args:
        footage: Is looked at again; without it nobody is ever told apart.
        snapshots: Where people are found; None where none are looked for.
        times_s: ``[instant]``.
        shots: Nobody is followed from one to the next.
        options: Of the annotation.
        voices: Start and end of every event of a voice that is in view, by its number.
        frame_size: Width and height of the frame as shown, in pixels.
    """

    def __init__(
        self,
        footage: Footage | None,
        snapshots: Snapshots | None,
        times_s: NDArray[np.float64],
        shots: Shots,
        options: AnnotateOptions,
        *,
        voices: Mapping[int, Span],
        frame_size: tuple[int, int],
    ) -> None:
        self._footage, self._snapshots = footage, snapshots
        self._times, self._shots, self._options, self._size = times_s, shots, options, frame_size
        self._voices = voices
        self._together = self._groups()
        self._stretches: dict[int, _Stretch] = {}
        """By the event that begins first."""
        self._tracks: dict[int, list[ObjectTrack[Face]]] = {}
        """By place: who is seen there again is the same."""

    def parts(self, event: int) -> tuple[SpokenPart, ...]:
        """The parts of an event, in order of time and without gaps; none where it is not known who speaks.

        Args:
            event: Its number.

        Raises:
            MediaError: The video can no longer be read.
            OutputError: A picture cannot be read again.
        """
        if self._footage is None or self._snapshots is None or event not in self._voices:
            return ()
        stretch = self._stretch(event)
        start_s, end_s = self._voices[event]
        alone = len(stretch.cast) == 1  # what the beginning says is true of all events together
        inside = [turn for turn in stretch.turns if alone or (turn.start_s < end_s and turn.end_s > start_s)]
        told = [(turn, self._told(turn)) for turn in inside]
        if alone and any(places for _, places in told):
            return ()  # alone in view: heard, as far as anybody can say
        parts: list[SpokenPart] = []
        last: tuple[int, ...] | None = None
        for turn, places in told:
            if parts and places == last:
                parts[-1] = replace(parts[-1], end_s=min(turn.end_s, end_s))
            else:
                span = max(turn.start_s, start_s), min(turn.end_s, end_s)
                objects = tuple(self._sounding(stretch.cast[place], turn, place, span) for place in places)
                parts.append(SpokenPart(start_s=span[0], end_s=span[1], objects=objects))
            last = places
        return _whole(parts, start_s, end_s, self._options.mouths.shortest_s)

    def _stretch(self, event: int) -> _Stretch:
        """What is known of an event and those of its shot that lie near it."""
        together = next(group for group in self._together if event in group)
        first = together[0]
        if first not in self._stretches:
            start_s, end_s = self._voices[first][0], max(self._voices[one][1] for one in together)
            low_s, high_s = self._shots.bounds(start_s)
            options, cast = self._options.mouths, self._cast((start_s, end_s))
            if len(cast) == 1:
                span = start_s, min(end_s, start_s + options.alone_s)
            else:
                span = max(0.0, low_s, start_s - options.margin_s), min(high_s, end_s + options.margin_s)
            self._stretches[first] = _Stretch(span=span, cast=cast, turns=self._watch(cast, span) if cast else ())
        return self._stretches[first]

    def _groups(self) -> list[list[int]]:
        """The events that are looked at together, by their starts."""
        ordered = sorted(self._voices, key=lambda one: self._voices[one])
        groups: list[list[int]] = []
        until_s = -np.inf
        for one in ordered:
            start_s, end_s = self._voices[one]
            same_shot = groups and self._shots.number(start_s) == self._shots.number(self._voices[groups[-1][0]][0])
            if same_shot and start_s - until_s <= 2 * self._options.mouths.margin_s:
                groups[-1].append(one)
                until_s = max(until_s, end_s)
            else:
                groups.append([one])
                until_s = end_s
        return groups

    def _cast(self, span: Span) -> tuple[ObjectTrack[Face], ...]:
        """Who is seen often enough meanwhile, from left to right."""
        assert self._snapshots is not None
        instants = self._instants(span)
        if not instants:
            return ()
        place = self._shots.place(float(self._times[instants[0]]))
        if place not in self._tracks:
            spoken = {index for one in self._voices.values() for index in self._instants(one)}
            here = [index for index in sorted(spoken) if self._shots.place(float(self._times[index])) == place]
            self._tracks[place] = follow((index, self._snapshots.faces(index)) for index in here)
        often = seen_often(self._tracks[place], instants, self._options.objects)
        return tuple(sorted(often, key=lambda track: track.last.x_min))

    def _instants(self, span: Span) -> list[int]:
        inside: list[int] = np.flatnonzero((self._times >= span[0]) & (self._times < span[1])).tolist()
        return inside

    def _watch(self, cast: Sequence[ObjectTrack[Face]], span: Span) -> tuple[Turn, ...]:
        """The turns of some people; none where no mouth is seen well. A face that is too small may be speaking."""
        assert self._footage is not None and self._snapshots is not None
        options, snapshots = self._options.mouths, self._snapshots
        scale = self._size[0] / snapshots.size[0]

        def faces_at(time_s: float) -> list[FaceBox]:
            around = [track.around(time_s, self._times) for track in cast]
            return [one.seen.towards(other.seen, weight).scaled(scale) for one, other, weight in around]

        def enough(mouths: Mouths) -> bool:
            """Whether somebody who is alone surely speaks; a narrator is looked for longer."""
            if len(cast) > 1:
                return False
            likely = [one for turn in _turns(mouths, options) for one in turn.probabilities]
            return min(likely, default=0.0) >= options.alone_sure

        mouths = watch_mouths(self._footage, *span, faces_at, snapshots.networks, options, enough=enough)
        return () if mouths is None else _turns(mouths, options)

    def _told(self, turn: Turn) -> tuple[int, ...]:
        """The places of those who may be heard in a turn, the likeliest first."""
        options, likely = self._options.mouths, turn.probabilities
        told = [place for place, one in enumerate(likely) if one > 1 - options.sure]
        if not told:
            told = [place for place, one in enumerate(likely) if one > options.unheard]
        if not told:
            told = [place for place, one in enumerate(likely) if np.isnan(one)]
        return tuple(sorted(told, key=lambda place: -likely[place]))

    def _sounding(self, track: ObjectTrack[Face], turn: Turn, place: int, span: Span) -> SoundingObject:
        """Somebody who may be heard, with where they are."""
        known = [0.5 if np.isnan(one) else one for one in turn.probabilities]
        middle = int(np.abs(self._times - sum(span) / 2).argmin())
        return SoundingObject(
            number=track.number,
            share=known[place] / min(1.0, sum(known)),
            sure=known[place] >= self._options.mouths.sure,
            moments=tuple((index, self._seen(track, index)) for index in self._instants(span) or [middle]),
        )

    def _seen(self, track: ObjectTrack[Face], index: int) -> SeenObject:
        """Where somebody is at an instant, or was at the nearest one."""
        assert self._snapshots is not None
        nearest = min(track.seen, key=lambda one: abs(one - index))
        place = [face is track.seen[nearest] for face in self._snapshots.faces(nearest)].index(True)
        person = self._snapshots.people(nearest)[place]
        grid = LocalizationMap(
            values=person.extent * np.float32(person.face.box.score),
            frame_width=self._size[0],
            frame_height=self._size[1],
        )
        return SeenObject(box=find_boxes(grid, replace(self._options.boxes, min_area=0.0))[0], map=grid)


def _turns(mouths: Mouths, options: MouthOptions) -> tuple[Turn, ...]:
    """None where no mouth is seen well."""
    return find_turns(mouths, options) if mouths.seen.any() else ()


def _whole(parts: Sequence[SpokenPart], start_s: float, end_s: float, shortest_s: float) -> tuple[SpokenPart, ...]:
    """Parts that fill an event; what is too short at its ends goes to its neighbour."""
    kept = [part for part in parts if part.end_s - part.start_s >= shortest_s] or list(parts[:1])
    if not kept:
        return ()
    edges = [start_s, *(part.start_s for part in kept[1:]), end_s]
    return tuple(replace(part, start_s=edges[place], end_s=edges[place + 1]) for place, part in enumerate(kept))
