"""How far some mouths are open, picture by picture, and how loud it is meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.objects.footage import Footage
from tvsl_core.annotate.rules import MouthOptions
from tvsl_core.annotate.signals.people import follow_faces
from tvsl_core.model.people.faces import FaceBox, box_of_mesh
from tvsl_core.model.people.load import PeopleNetworks
from tvsl_core.types import Frame

Floats = NDArray[np.float64]
FIRST_S = 0.8
"""Less than about a second is never enough."""
FacesAt = Callable[[float], Sequence[FaceBox]]
"""About where the faces are at a time, in pixels of the frame as shown; always as many, in one order."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Mouths:
    """A stretch of a video, at an even rate."""

    start_s: float
    """When the first picture begins."""
    openings: Floats
    """``[picture face]``: how far the lips are apart, as a share of the face's height."""
    seen: NDArray[np.bool_]
    """``[face]``: whether a face was seen in most pictures, and large enough for its mouth."""
    loudness: Floats
    """``[picture]``: root mean square of the sound around each picture."""


def watch_mouths(
    footage: Footage,
    start_s: float,
    end_s: float,
    faces_at: FacesAt,
    networks: PeopleNetworks,
    options: MouthOptions,
    *,
    enough: Callable[[Mouths], bool] = lambda _: False,
) -> Mouths | None:
    """How the mouths of some people move from ``start_s`` to ``end_s``; None where no picture is left.

    Args:
        footage: Of the video.
        start_s: In seconds of the timeline.
        end_s: Behind the start.
        faces_at: Where they are.
        networks: What sees faces.
        options: How closely they are looked at.
        enough: Asked twice a second whether what was seen so far says it all, from the first second on.

    Raises: MediaError: The video can no longer be read.
    """
    start_s, times, sides = max(0.0, start_s), list[float](), list[list[float]]()
    even = np.arange(start_s, end_s, 1 / options.rate) + 0.5 / options.rate
    loudness = footage.loudness(even, 1 / options.rate)

    def known(frames: Iterator[Frame]) -> Iterator[tuple[NDArray[np.uint8], Sequence[FaceBox]]]:
        for frame in frames:
            times.append(float(frame.time))
            yield frame.pixels, [one.scaled(frame.pixels.shape[1] / footage.width) for one in faces_at(times[-1])]

    def watched() -> Mouths:
        when = np.asarray(times)
        there = even[: max(1, int(np.searchsorted(even, when[-1] + 1 / options.rate)))]
        return Mouths(
            start_s=start_s,
            openings=np.stack([_filled(when, one, there) for one in np.asarray(openings).T], axis=1),
            seen=np.median(sides, axis=0) >= options.smallest_px,
            loudness=loudness[: len(there)],
        )

    openings: list[list[float]] = []
    with closing(footage.pictures(start_s, end_s, rate=options.rate, longest_side=options.longest_side)) as frames:
        for faces in follow_faces(known(frames), networks):
            openings.append([np.nan if face is None else face.mouth for face in faces])
            sides.append([0.0 if face is None else box_of_mesh(face).side for face in faces])
            twice_a_second = len(openings) % max(1, round(options.rate / 2)) == 0
            if twice_a_second and times[-1] - start_s >= FIRST_S and enough(watched()):
                break
    return watched() if openings else None


def _filled(times: Floats, values: Floats, even: Floats) -> Floats:
    """Values at even times; where a face is not seen its mouth does what lies between."""
    there = np.isfinite(values)
    return np.interp(even, times[there], values[there]) if there.any() else np.zeros(len(even))
