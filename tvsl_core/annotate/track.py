"""Stage 5 of annotation: events that have one source get one number, and its box moves smoothly.

A source is one class in one place. Between two of its sounds it may be silent for long, as long as it is found again
where it was; after a short pause it may also have moved. What is seen ends with its shot, and goes on when a later one
shows its place again. Objects of one class that are told apart stay apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvsl_core.annotate.rules import TrackOptions
from tvsl_core.types import Box


@dataclass(slots=True, eq=False)
class _Track:
    source_id: int
    end_s: float
    box: Box | None
    place: int
    """Which its box is in."""
    thing: int | None


class Linker:
    """Gives every event the number of its source. Events come in order of their starts.

    Args:
        options: When two events have one source.
    """

    def __init__(self, options: TrackOptions) -> None:
        self._options = options
        self._tracks: dict[str, list[_Track]] = {}
        self._next_id = 0

    def source_of(
        self,
        name: str,
        *,
        start_s: float,
        end_s: float,
        boxes: Sequence[Box],
        place: int = 0,
        thing: int | None = None,
    ) -> int:
        """The number of an event's source.

        Args:
            name: Its class.
            start_s: Its onset.
            end_s: Its offset.
            boxes: Where it is, in order of time; none when offscreen.
            place: Which place is seen meanwhile: shots of one camera that stands still show one.
            thing: Which of several objects of its class in that place it is; None where there is one.
        """
        tracks = self._tracks.setdefault(name, [])
        here = [one for one in reversed(tracks) if not boxes or one.box is None or one.place == place]
        known = [one for one in here if thing is not None and one.thing == thing]
        apart = [one for one in here if thing is None or one.thing is None]
        track = next(iter(known), None) or next((one for one in apart if self._is_same(one, start_s, boxes)), None)
        if track is None:
            track = _Track(source_id=self._next_id, end_s=end_s, box=None, place=place, thing=thing)
            self._next_id += 1
            tracks.append(track)
        else:  # the one heard last stays last
            tracks.remove(track)
            tracks.append(track)
        track.end_s = end_s
        if boxes:
            track.box, track.place = boxes[-1], place
            track.thing = track.thing if thing is None else thing
        return track.source_id

    def _is_same(self, track: _Track, start_s: float, boxes: Sequence[Box]) -> bool:
        found_again = bool(boxes) and track.box is not None and track.box.iou(boxes[0]) >= self._options.min_iou
        if start_s < track.end_s or track.thing is not None:  # an equal sounds meanwhile, or may have sounded
            return found_again
        return found_again or start_s - track.end_s <= self._options.max_gap_s


def smooth(boxes: Sequence[Box], options: TrackOptions) -> list[Box]:
    """The strongest boxes of a source from instant to instant, each drawn towards the one before if it overlaps it."""
    smoothed: list[Box] = []
    for box in boxes:
        last = smoothed[-1] if smoothed else None
        close = last is not None and last.iou(box) >= options.min_iou
        smoothed.append(last.towards(box, options.smoothing) if last is not None and close else box)
    return smoothed
