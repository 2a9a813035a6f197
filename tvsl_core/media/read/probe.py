"""What a video file holds: sizes, rates, tracks and its timeline, from its header and its first packets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvsl_core.errors import MediaError
from tvsl_core.limits import DEFAULT_LIMITS, MediaLimits
from tvsl_core.media.read.limits import Stage, check_duration, check_frames, check_size, check_sound
from tvsl_core.media.read.packets import is_plausible, packets, shows_by_order, stamp
from tvsl_core.media.read.picture import Orientation, orientation, shown_size
from tvsl_core.media.read.safety import open_media
from tvsl_core.types import AnyPath, SoundTrack, VideoInfo

if TYPE_CHECKING:
    from av import AudioStream, Packet, VideoFrame, VideoStream
    from av.container import InputContainer
    from av.stream import Stream

RATE_PACKETS = 200
"""Packets of picture whose spacing decides whether the frame rate varies."""
MAX_PACKETS = 5000
"""Packets of any kind after which a probe stops waiting for a first frame of picture or sound."""

COMMON_RATES = tuple(Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)) + tuple(
    Fraction(n) for n in (5, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 100, 120, 240)
)
"""Rates that cameras use; a measured average within 0.02 % of one is that one."""

DEFAULT_RATE = Fraction(25)
"""When nothing in a file tells its rate."""
_AV_TIME_BASE = 1_000_000


def probe(path: AnyPath, *, audio_track: int | None = None, limits: MediaLimits = DEFAULT_LIMITS) -> VideoInfo:
    """Look at a video without decoding it at length.

    One frame of picture and one of each sound track are decoded, since only they tell the rotation, the true size and
    when each track really starts (codecs put silence before their first sample and drop it again).

    Args:
        path: A local file.
        audio_track: Which sound track to listen to, counted from 0; None is the default-flagged one, else the first.
        limits: What the file may claim to be; they go along in the answer, and every reader keeps to them.

    Returns: What the file holds. A video without sound is fine: its ``sound_track`` is None.

    Raises:
        MediaError: The file cannot be used as a video; ``stage`` is ``probe``.
    """
    import av.error

    path = Path(path)
    container = open_media(path, limits=limits)
    try:
        info = _describe(container, path, audio_track, limits)
    except av.error.FFmpegError as error:
        reason = error.strerror or str(error)
        message = f"{path} cannot be read ({reason})."
        raise MediaError(message, hint="It may be damaged; play it to check.", stage="probe") from error
    finally:
        container.close()
    check_duration(path, info.duration, limits)
    if info.sound_track is not None:
        check_sound(path, info.sound_track.sample_rate, info.sound_track.channels, limits)
    return info


def choose_video(
    container: InputContainer, path: Path, limits: MediaLimits = DEFAULT_LIMITS, *, stage: Stage = "probe"
) -> VideoStream:
    """The stream of moving pictures that is annotated: the default-flagged one, else the first.

    Cover art attached to a sound file does not count.

    Raises:
        MediaError: There is none, or no decoder for it.
    """
    from av.stream import Disposition

    moving = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    usable = [stream for stream in moving if stream.codec_context is not None]
    if usable:
        chosen = next((stream for stream in usable if stream.disposition & Disposition.default), usable[0])
        chosen.codec_context.options = {"max_pixels": str(limits.max_pixels)}  # the size may change midway
        return chosen
    if moving:
        message = f"{path} holds pictures in a coding that tvsl cannot decode."
        raise MediaError(message, hint="Convert it to H.264 first.", stage=stage)
    if len(container.streams.audio) > 0:
        message = f"{path} is a sound file: it has no picture to find sources in."
        raise MediaError(message, hint="Name a video file.", stage=stage)
    raise MediaError(f"{path} holds neither picture nor sound.", hint="Name a video file.", stage=stage)


@dataclass(slots=True)
class _Beginning:
    """What the first packets of a file tell."""

    claimed: Fraction
    """Length by the container's header in seconds; 0 when it does not say."""
    picture: VideoFrame | None = None
    picture_stamps: list[int] = field(default_factory=list)
    sound_starts: dict[int, Fraction] = field(default_factory=dict)
    """Container time of the first sample, by stream index."""


def _describe(container: InputContainer, path: Path, audio_track: int | None, limits: MediaLimits) -> VideoInfo:
    video = choose_video(container, path, limits)
    sounds = list(container.streams.audio)
    check_size(path, video.codec_context.width, video.codec_context.height, limits)
    check_frames(path, video.frames, limits)
    beginning = _read_beginning(container, video, sounds)
    turned = orientation(beginning.picture) if beginning.picture is not None else Orientation()
    coded = beginning.picture if beginning.picture is not None else video.codec_context
    width, height = shown_size(coded.width, coded.height, video.sample_aspect_ratio, turned)
    check_size(path, width, height, limits)
    if shows_by_order(container) and beginning.picture is not None and beginning.picture_stamps:
        beginning.picture.pts = beginning.picture_stamps[0]
    origin = _origin(video, sounds, beginning)
    tracks = tuple(_track(number, stream, beginning, origin) for number, stream in enumerate(sounds))
    return VideoInfo(
        path=path,
        container=container.format.name,
        duration=_duration(container, video, sounds, origin),
        origin=origin,
        width=width,
        height=height,
        frame_rate=_frame_rate(video),
        is_variable_rate=varies(beginning.picture_stamps, video.time_base or Fraction(1, 1000)),
        video_codec=video.codec_context.name,
        rotation=turned.degrees,
        sound_tracks=tracks,
        sound_track=_choose_sound(path, sounds, tracks, audio_track),
        limits=limits,
    )


def _read_beginning(container: InputContainer, video: VideoStream, sounds: list[AudioStream]) -> _Beginning:
    """Read packets until a frame of each track is decoded and the frame spacing is known."""
    beginning = _Beginning(claimed=Fraction(max(0, container.duration or 0), _AV_TIME_BASE))
    by_order = shows_by_order(container)
    video.codec_context.thread_count = 1
    waiting = {stream.index for stream in sounds if stream.codec_context is not None}
    for number, packet in enumerate(packets(container, video, *sounds)):
        if packet.stream_index == video.index:
            _look_at_picture(packet, beginning, packet.dts if by_order else stamp(packet))
        elif packet.stream_index in waiting and _look_at_sound(packet, beginning):
            waiting.discard(packet.stream_index)
        enough = beginning.picture is not None and len(beginning.picture_stamps) >= RATE_PACKETS
        if (enough and not waiting) or number >= MAX_PACKETS:
            break
    return beginning


def _look_at_picture(packet: Packet[Any], beginning: _Beginning, at: int | None) -> None:
    import av.error

    if at is not None and packet.size and len(beginning.picture_stamps) < RATE_PACKETS:
        beginning.picture_stamps.append(at)
    if beginning.picture is None:
        try:
            beginning.picture = next(iter(packet.decode()), None)
        except av.error.FFmpegError:
            return


def _look_at_sound(packet: Packet[AudioStream], beginning: _Beginning) -> bool:
    """Whether this packet gave the first samples of its track."""
    import av.error

    try:
        frame = next((frame for frame in packet.decode() if frame.samples), None)
    except av.error.FFmpegError:
        return False
    at = stamp(frame) if frame is not None else None
    if frame is None or at is None:
        return False
    start = at * (frame.time_base or packet.time_base)
    if not is_plausible(start, beginning.claimed):
        return False
    beginning.sound_starts[packet.stream_index] = start
    return True


def _stream_end(stream: Stream) -> Fraction | None:
    if not stream.duration or stream.duration < 0 or stream.time_base is None:
        return None
    return (_stream_start(stream) or Fraction(0)) + stream.duration * stream.time_base


def _stream_start(stream: Stream) -> Fraction | None:
    if stream.start_time is None or stream.time_base is None:
        return None
    return stream.start_time * stream.time_base


def _origin(video: VideoStream, sounds: list[AudioStream], beginning: _Beginning) -> Fraction:
    """Container time of the earliest picture or sample."""
    first = stamp(beginning.picture) if beginning.picture is not None else None
    if first is not None and video.time_base is not None:
        starts: list[Fraction | None] = [first * video.time_base]
    else:
        starts = [_stream_start(video)]
    starts += [beginning.sound_starts.get(sound.index, _stream_start(sound)) for sound in sounds]
    return min((start for start in starts if start is not None), default=Fraction(0))


def _duration(container: InputContainer, video: VideoStream, sounds: list[AudioStream], origin: Fraction) -> Fraction:
    """Length of the timeline: to the last end of a track that tells its length, else what the container says."""
    ends = [end for stream in (video, *sounds) if (end := _stream_end(stream)) is not None]
    if ends and (video.duration or not container.duration):
        return max(Fraction(0), max(ends) - origin)
    if container.duration and container.duration > 0:
        whole = Fraction(container.duration, _AV_TIME_BASE)
        from_zero = "matroska" in container.format.name or "mov" in container.format.name
        return max(Fraction(0), whole - origin) if from_zero else whole
    return Fraction(0)


def camera_rate(measured: Fraction) -> Fraction:
    """The common rate that a measured one is but for rounding (29.97 is 30000/1001), else the measured one itself."""
    return next((common for common in COMMON_RATES if abs(measured - common) < common / 5000), measured)


def _frame_rate(video: VideoStream) -> Fraction:
    """Average frames per second by the header."""
    candidates = (video.average_rate, video.guessed_rate, video.base_rate)
    return camera_rate(next((rate for rate in candidates if rate and 0 < rate <= 1000), DEFAULT_RATE))


def varies(stamps: Iterable[int], time_base: Fraction) -> bool:
    """Whether frames come at uneven steps: some step differs from the usual one by more than rounding explains.

    Args:
        stamps: Presentation time stamps of packets, in any order.
        time_base: Seconds of one unit.
    """
    ordered = sorted(set(stamps))[:-4]  # the last ones may lack neighbours that are still to come
    steps = sorted(later - earlier for earlier, later in pairwise(ordered))
    if len(steps) < 2:
        return False
    usual = steps[len(steps) // 2]
    allowed = max(2 * time_base, usual * time_base / 10)
    return max(steps[-1] - usual, usual - steps[0]) * time_base > allowed


def _track(number: int, stream: AudioStream, beginning: _Beginning, origin: Fraction) -> SoundTrack:
    from av.stream import Disposition

    start = beginning.sound_starts.get(stream.index, _stream_start(stream))
    coder = stream.codec_context
    return SoundTrack(
        index=number,
        codec=coder.name if coder is not None else "unknown",
        sample_rate=coder.sample_rate if coder is not None else 0,
        channels=coder.channels if coder is not None else 0,
        start=(start if start is not None else origin) - origin,
        is_default=bool(stream.disposition & Disposition.default),
        language=stream.language or "",
    )


def _choose_sound(
    path: Path, streams: list[AudioStream], tracks: tuple[SoundTrack, ...], wanted: int | None
) -> SoundTrack | None:
    usable = [track for track, stream in zip(tracks, streams, strict=True) if stream.codec_context is not None]
    if wanted is None:
        return next((track for track in usable if track.is_default), usable[0] if usable else None)
    if not 0 <= wanted < len(tracks):
        listed = ", ".join(f"{track.index} ({track.codec} {track.language}".rstrip() + ")" for track in tracks)
        has = f"its sound tracks are {listed}" if tracks else "it has no sound"
        message = f"{path} has no sound track {wanted}: {has}."
        raise MediaError(message, hint="Leave out --audio-track to take the default one.", stage="probe")
    if tracks[wanted] not in usable:
        message = f"Sound track {wanted} of {path} is in a coding that tvsl cannot decode."
        raise MediaError(message, hint="Choose another with --audio-track.", stage="probe")
    return tracks[wanted]
