"""An event that is told, and where its source is along it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tvsl_core.annotate.objects.follow import Course, Place, Trajectory
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
