"""What people say of one video, whichever program they said it in: tracks of key frames become events."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from tvsl_core.errors import ManifestError
from tvsl_core.exports.results import SourceInstant, VideoResults
from tvsl_core.types import Box, SourceEvent
from tvsl_core.vocabulary.spelling import fault

Corners = tuple[float, float, float, float]
"""Left, top, right and bottom in shares of the frame as shown, so that no program's pixels matter."""
SURE = 1.0
"""Score of what a person said."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyFrame:
    """Where a source is from one frame on; programs interpolate between those that follow each other."""

    frame: int
    """From 0."""
    corners: Corners | None
    """None: from this frame on the source is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """One thing that a person marked, through time."""

    name: str
    keys: tuple[KeyFrame, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoLabels:
    """Everything that people say of one video; no event means that nothing sounds."""

    video: VideoResults
    """What the model said."""
    events: tuple[SourceEvent, ...]
    """In order of onset."""
    instants: tuple[SourceInstant, ...]
    """Where the sources of the events are, at the frames that a person set."""


def labels_of_tracks(video: VideoResults, tracks: Sequence[Track], *, where: str) -> VideoLabels:
    """Events of tracks: one from each frame where a source appears to the frame where it is gone.

    Args:
        video: That the tracks are of.
        tracks: Each becomes a source.
        where: What errors call the file.

    Raises: ManifestError: A frame lies behind the end of the video, so that the file is of another one.
    """
    found = []
    for source_id, track in enumerate(tracks):
        for keys, end in _stretches(track.keys):
            behind = [key.frame for key in keys if key.frame >= video.frames]
            if behind:
                raise ManifestError(
                    f"{where} marks frame {behind[0]}, but '{video.name}' has {video.frames} frames.",
                    hint="It seems to be of another video; name the right one with --video.",
                )
            found.append(_event(video, source_id, track.name, keys, end))
    return assemble(video, found)


def assemble(video: VideoResults, found: Iterable[tuple[SourceEvent, Sequence[SourceInstant]]]) -> VideoLabels:
    """Events in order of onset, numbered, with the instants of them all in order of time."""
    pairs = sorted(found, key=lambda pair: (pair[0].start_s, pair[0].end_s, pair[0].name))
    events = tuple(replace(event, event_id=number) for number, (event, _) in enumerate(pairs))
    instants = sorted((one for _, shown in pairs for one in shown), key=lambda one: (one.time_s, one.source_id))
    return VideoLabels(video=video, events=events, instants=tuple(instants))


def _stretches(keys: Iterable[KeyFrame]) -> Iterator[tuple[list[KeyFrame], int | None]]:
    """The key frames of each appearance, and the first frame without it; None when it lasts to the end."""
    shown: list[KeyFrame] = []
    for key in sorted(keys, key=lambda key: key.frame):
        if key.corners is not None and _has_area(key.corners):
            shown.append(key)
        elif shown:
            if key.frame > shown[0].frame:
                yield shown, key.frame
            shown = []
    if shown:
        yield shown, None


def _has_area(corners: Corners) -> bool:
    """Whether any of a box lies in the picture; one that was dragged out of it says that the source is gone."""
    left, top, right, bottom = corners
    return min(right, 1.0) > max(left, 0.0) and min(bottom, 1.0) > max(top, 0.0)


def _event(
    video: VideoResults, source_id: int, name: str, keys: Sequence[KeyFrame], end: int | None
) -> tuple[SourceEvent, list[SourceInstant]]:
    start_s = video.time_at(keys[0].frame)
    end_s = video.time_at(video.frames if end is None else end)
    instants = [
        SourceInstant(
            source_id=source_id,
            name=name,
            time_s=video.time_at(key.frame),
            frame=key.frame,
            score=SURE,
            verdict="sounding",
            box=box_of_shares(video, key.corners),
        )
        for key in keys
        if key.corners is not None
    ]
    # The middle key frame: at the edges of an event people often leave half of the thing out.
    best = instants[len(instants) // 2]
    event = SourceEvent(
        event_id=0,
        source_id=source_id,
        name=name,
        start_s=start_s,
        end_s=max(end_s, start_s + 1e-3),
        score=SURE,
        verdict="sounding",
        peak_s=best.time_s,
        box=best.box,
    )
    return event, instants


def box_of_shares(video: VideoResults, corners: Corners) -> Box:
    """Pixels of the frame as shown, at least one each way, and none outside."""
    sides = (video.width, video.height)
    left, top = (min(max(0, round(share * side)), side - 1) for share, side in zip(corners[:2], sides, strict=True))
    right, bottom = (
        min(max(low + 1, round(share * side)), side)
        for share, side, low in zip(corners[2:], sides, (left, top), strict=True)
    )
    return Box(x_min=left, y_min=top, x_max=right, y_max=bottom)


def class_name(name: str, where: str) -> str:
    """A name that tables and folders can hold.

    Raises: ManifestError: It is empty or holds what no name may.
    """
    wrong = fault(name)
    if wrong:
        raise ManifestError(f"{where}: the class name {name[:60]!r} {wrong}.", hint="Name what sounds, such as: dog.")
    return name.strip()


class VideoFinder:
    """Which video of the results a file, or a part of it, is of.

    Args:
        videos: By the names that they have in the tables.
        chosen: The one that the user named, which goes before what the file says.

    Raises: ManifestError: The user named none of them.
    """

    def __init__(self, videos: Mapping[str, VideoResults], chosen: str | None = None) -> None:
        self._videos, self._chosen, self._first = videos, chosen, ""
        if chosen is not None and chosen not in videos:
            near = difflib.get_close_matches(chosen, videos, n=1, cutoff=0.0)
            raise ManifestError(f"the results have no video {chosen!r}; the nearest is {near[0]!r}.")

    def find(self, names: Iterable[str], *, where: str) -> VideoResults:
        """The video of some names.

        Args:
            names: What the file calls it, the likeliest first: a name in the tables, a path, or the end of one.
            where: What errors call the file.

        Raises: ManifestError: No video has such a name, or several have.
        """
        tried = [name for name in names if name] or [""]
        if self._chosen is not None:
            if self._first not in ("", tried[0]):
                raise ManifestError(
                    f"{where} is of several videos, so --video cannot name one for all of them.", hint="Omit --video."
                )
            self._first = tried[0]
            return self._videos[self._chosen]
        for name in tried:
            if name in self._videos:
                return self._videos[name]
            base = PurePosixPath(name.replace("\\", "/")).name
            alike = [one for one in self._videos.values() if base in (PurePosixPath(one.name).name, one.path.name)]
            if len(alike) == 1:
                return alike[0]
            if alike:
                raise ManifestError(
                    f"{where} is of {base!r}, and {len(alike)} videos of the results are called so.",
                    hint=f"Name the right one, such as --video '{alike[0].name}'.",
                )
        told = (
            f"of {tried[0]!r}, which is no video of these results" if tried[0] else "of a video that it does not name"
        )
        raise ManifestError(f"{where} is {told}.", hint="Name the video as the tables do: --video NAME.")
