"""``otio`` and ``edl``: a marker for each event on the timeline of an editing program. Needs opentimelineio."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from tvsl_core.errors import InputError
from tvsl_core.exports.results import VideoResults

COLOURS = ("RED", "GREEN", "BLUE", "YELLOW", "CYAN", "MAGENTA", "ORANGE", "PURPLE")


def otio_timeline(video: VideoResults) -> str:
    """One clip of the whole video with a marker for each event, as OpenTimelineIO JSON.

    Raises: InputError: opentimelineio is not installed.
    """
    return str(_timeline(video).to_json_string(indent=2))


def edl(video: VideoResults) -> str:
    """The same as a CMX 3600 edit decision list with locators.

    Raises: InputError: opentimelineio or its adapter is not installed.
    """
    otio = _opentimelineio()
    try:
        return str(otio.adapters.write_to_string(_timeline(video), "cmx_3600", rate=round(float(_rate(video)))))
    except otio.exceptions.NoKnownAdapterForExtensionError as error:
        raise _missing() from error


def _timeline(video: VideoResults) -> Any:
    otio = _opentimelineio()
    rate = float(_rate(video))

    def span(start_s: float, end_s: float) -> Any:
        first, last = video.frame_at(start_s), video.frame_at(end_s)
        at, length = (otio.opentime.RationalTime(frames, rate) for frames in (first, max(1, last - first)))
        return otio.opentime.TimeRange(at, length)

    whole = otio.opentime.TimeRange(otio.opentime.RationalTime(0, rate), otio.opentime.RationalTime(video.frames, rate))
    media = otio.schema.ExternalReference(target_url=video.path.absolute().as_uri(), available_range=whole)
    clip = otio.schema.Clip(name=video.path.name, media_reference=media, source_range=whole)
    names = sorted({event.name for event in video.events})
    for event in video.events:
        clip.markers.append(
            otio.schema.Marker(
                name=event.name,
                marked_range=span(event.start_s, event.end_s),
                color=COLOURS[names.index(event.name) % len(COLOURS)],
                metadata={
                    "tvsl": {
                        "score": event.score,
                        "verdict": event.verdict,
                        "source_id": event.source_id,
                        "start_s": event.start_s,
                        "end_s": event.end_s,
                    }
                },
            )
        )
    timeline = otio.schema.Timeline(name=video.name)
    track = otio.schema.Track(name="video", kind=otio.schema.TrackKind.Video)
    track.append(clip)
    timeline.tracks.append(track)
    return timeline


def _rate(video: VideoResults) -> float:
    return float(video.frame_rate) or 25.0  # a sound file has no frames; editors then count in these


def _opentimelineio() -> ModuleType:
    try:
        import opentimelineio
    except ImportError as error:
        raise _missing() from error
    module: ModuleType = opentimelineio
    return module


def _missing() -> InputError:
    return InputError(
        "this format needs opentimelineio, which is not installed.", hint="Run: pip install 'tvsl[timelines]'."
    )
