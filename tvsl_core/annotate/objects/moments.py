"""Where the source of an event is along it: at every instant a box, its own or that of a moment near by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tvsl_core.annotate.instant import PlacedSource, boldest
from tvsl_core.annotate.objects.follow import Course, Place, Trajectory
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.types import Box, LocalizationMap, SourceEvent


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Moment:
    """Where the source of an event is at one instant."""

    index: int
    """Of the instant."""
    time_s: float
    """When it is."""
    box: Box
    further: tuple[Box, ...]
    """Boxes of weaker regions."""
    map: LocalizationMap


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundEvent:
    """An event that is told, with where its source is along it."""

    event: SourceEvent
    klass: int
    moments: tuple[Moment, ...]
    """In order of time; none when offscreen. One that is too short to hold an instant has the nearest one."""
    trajectory: Trajectory | None = None
    """How its source moves between them, where that was looked at."""

    @property
    def places(self) -> tuple[Place, ...]:
        """When and where its source was found."""
        return tuple((moment.time_s, moment.box, moment.map) for moment in self.moments)

    @property
    def course(self) -> Course | None:
        """Where its source is at any time; None when offscreen."""
        return Course.through(self.places, self.trajectory) if self.moments else None

    def at(self, course: Course, time_s: float, index: int) -> Moment:
        """Where its source is at any time.

        Args:
            course: Its own.
            time_s: When.
            index: Of the nearest instant.
        """
        near = course.near(time_s)
        nearest = max(near, key=lambda one: one[1])[0]
        known = self.moments[nearest]
        values = course.map(time_s, near, lambda place: self.moments[place].map.values)
        return Moment(
            index=index,
            time_s=time_s,
            box=course.box(time_s, near),
            further=tuple(course.carried(nearest, box, time_s) for box in known.further),
            map=replace(known.map, values=values),
        )


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class UnplacedMoment:
    """An instant at which no region is bold enough."""

    index: int
    time_s: float
    map: LocalizationMap


def moment_of(index: int, time_s: float, placed: PlacedSource) -> Moment | UnplacedMoment:
    """What was placed at one instant of an event in view."""
    assert placed.map is not None  # what is placed is in view
    if not placed.boxes:
        return UnplacedMoment(index=index, time_s=time_s, map=placed.map)
    return Moment(index=index, time_s=time_s, box=placed.boxes[0], further=placed.boxes[1:], map=placed.map)


def with_boxes(moments: Sequence[Moment | UnplacedMoment], options: AnnotateOptions) -> list[Moment]:
    """Every moment with a box: its own, or that of the nearest moment that has one, or of the boldest region."""
    placed = [moment for moment in moments if isinstance(moment, Moment)]
    if not placed:
        placed = [
            Moment(index=moment.index, time_s=moment.time_s, box=boxes[0], further=(), map=moment.map)
            for moment in moments
            if (boxes := boldest(moment.map, options))
        ]
    filled: list[Moment] = []
    own = {moment.index: moment for moment in placed}
    for moment in moments if placed else ():
        nearest = own.get(moment.index) or min(placed, key=lambda one: abs(one.time_s - moment.time_s))
        further = nearest.further if nearest.index == moment.index else ()
        filled.append(
            Moment(index=moment.index, time_s=moment.time_s, box=nearest.box, further=further, map=moment.map)
        )
    return filled
