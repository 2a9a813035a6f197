"""From the pictures of a video to those objects of an event's class that sound, where there are several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.localize import find_extents
from tvsl_core.annotate.objects.footage import Footage
from tvsl_core.annotate.objects.instances import ObjectTrack, SeenObject, find_objects, follow, seen_often
from tvsl_core.annotate.objects.motion import watch
from tvsl_core.annotate.objects.shots import Shots
from tvsl_core.annotate.objects.synchrony import Judged, judge_equals, move_as_one
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.signals.pictures import PictureEvidence
from tvsl_core.types import Corners


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SoundingObject:
    """One of several objects that may sound in an event."""

    number: int
    """Of the object in its class and place."""
    share: float
    """How likely it sounds, if one of them does."""
    sure: bool
    moments: tuple[tuple[int, SeenObject], ...]
    """At every instant of the event, by its number: where it is, or was at the nearest instant."""


class Equals:
    """Collects the objects of each class along a video, then says which of them sound in an event.

    Args:
        footage: Is looked at again where objects compete; without it nothing is ever told apart.
        times_s: ``[instant]``.
        shots: Objects do not outlive their shot, unless another one shows their place again.
        options: Of the annotation.
        frame_size: Width and height of the frame as shown, in pixels.
    """

    def __init__(
        self,
        footage: Footage | None,
        times_s: NDArray[np.float64],
        shots: Shots,
        options: AnnotateOptions,
        *,
        frame_size: tuple[int, int],
    ) -> None:
        self._footage = footage if options.objects.most > 1 else None
        self._times, self._shots, self._options, self._size = times_s, shots, options, frame_size
        self._seen: dict[tuple[int, int], dict[int, tuple[SeenObject, ...]]] = {}
        """Class and place to instant to objects."""
        self._instants: dict[int, list[int]] = {}
        """Event to instants."""
        self._tracks: dict[tuple[int, int], list[ObjectTrack[SeenObject]]] = {}

    def look(self, index: int, picture: PictureEvidence, sounding: Sequence[tuple[int, int]]) -> None:
        """One instant; they come in order.

        Args:
            index: Of the instant.
            picture: What it shows.
            sounding: Class and number of each event in view then.
        """
        # People have maps of their own, and it is their mouths that say who of them is heard.
        sounding = [(klass, event) for klass, event in sounding if klass not in picture.people]
        if self._footage is None or not sounding:
            return
        klasses = [klass for klass, _ in sounding]
        extents = find_extents(picture, klasses, self._options.maps)
        everything = picture.image.T.reshape(-1, *picture.grid).float().cpu().numpy()
        place = self._shots.place(float(self._times[index]))
        for (klass, event), extent in zip(sounding, extents, strict=True):
            self._instants.setdefault(event, []).append(index)
            self._seen.setdefault((klass, place), {})[index] = find_objects(
                extent,
                everything,
                klass,
                self._options.objects,
                self._options.boxes,
                peak=float(everything[klass].max()),
                frame_size=self._size,
            )

    def sounding(
        self, event: int, klass: int, span_s: tuple[float, float], peak_s: float
    ) -> tuple[SoundingObject, ...]:
        """Those objects that may sound in an event, the likeliest first; none where there are not several.

        Args:
            event: Its number.
            klass: Its class.
            span_s: Its start and end.
            peak_s: Its strongest moment.

        Raises: MediaError: The video can no longer be read.
        """
        instants = self._instants.get(event, [])
        tracks = self._several(instants, klass)
        if self._footage is None or len(tracks) < 2:
            return ()
        options = self._options.synchrony
        start_s, end_s = self._stretch(span_s, peak_s)
        watched = watch(
            self._footage, start_s, end_s, lambda time_s: [self._box_at(track, time_s) for track in tracks], options
        )
        if move_as_one(watched, options):
            return ()
        judged = sorted(zip(judge_equals(watched, options), tracks, strict=True), key=_likeliest)
        return tuple(
            SoundingObject(
                number=track.number,
                share=one.share,
                sure=one.sure,
                moments=tuple((index, track.nearest(index)) for index in instants),
            )
            for one, track in judged
            if one.told
        )

    def _several(self, instants: Sequence[int], klass: int) -> list[ObjectTrack[SeenObject]]:
        """The objects that are seen often enough along an event."""
        if not instants:
            return []
        key = (klass, self._shots.place(float(self._times[instants[0]])))
        if key not in self._tracks:
            self._tracks[key] = follow(self._seen[key].items())
        return seen_often(self._tracks[key], instants, self._options.objects)

    def _stretch(self, span_s: tuple[float, float], peak_s: float) -> tuple[float, float]:
        """What is looked at around an event, within its shot."""
        options = self._options.synchrony
        half_s = options.longest_s / 2
        start_s, end_s = max(span_s[0], peak_s - half_s), min(span_s[1], peak_s + half_s)
        low_s, high_s = self._shots.bounds(peak_s)
        return max(0.0, low_s, start_s - options.margin_s), min(high_s, end_s + options.margin_s)

    def _box_at(self, track: ObjectTrack[SeenObject], time_s: float) -> Corners:
        """Where an object is at any time, between the instants at which it was seen."""
        one, two, weight = track.around(time_s, self._times)
        return one.box.towards(two.box, weight).corners


def _likeliest(pair: tuple[Judged, ObjectTrack[SeenObject]]) -> tuple[float, int]:
    return -pair[0].probability, pair[1].number
