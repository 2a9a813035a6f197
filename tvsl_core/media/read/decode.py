"""The pictures of one file as its decoder gives them, each with its place on the video's timeline."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tvsl_core.errors import MediaError
from tvsl_core.media.read.limits import check_duration, check_frames, check_size
from tvsl_core.media.read.packets import is_plausible, packets, shows_by_order, stamp
from tvsl_core.media.read.picture import PictureConverter
from tvsl_core.media.read.probe import choose_video
from tvsl_core.media.read.report import ReadReport
from tvsl_core.media.read.safety import names_other_file, open_media
from tvsl_core.system.machine import cores
from tvsl_core.types import VideoInfo

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

MAX_THREADS = 4
"""Most threads that decode one video; frame threading holds one picture per thread."""
LARGE_PIXELS = 4096 * 2304
"""Larger pictures are decoded by at most two threads, to spare the memory."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DecodedFrame:
    """A decoded frame that is not yet converted to an array. Do not keep many: each holds a whole coded picture."""

    time: Fraction
    """When it is shown, on the video's timeline."""
    duration: Fraction
    """How long, until the next frame as far as the file tells."""
    rounding: Fraction
    """How much later than the truth ``time`` may be, since the container rounds it (Matroska: to milliseconds)."""
    pts: int
    index: int
    frame: VideoFrame

    def to_array(self, converter: PictureConverter) -> NDArray[np.uint8]:
        """Its pixels, ``[height width 3]``, as the converter makes them."""
        return converter.convert(self.frame)

    @property
    def appears(self) -> Fraction:
        """The earliest moment that it may be shown at."""
        return self.time - self.rounding

    @property
    def end(self) -> Fraction:
        """When it stops being shown."""
        return self.time + self.duration


def decode_file(info: VideoInfo, jump_to: Fraction | None, report: ReadReport) -> Generator[DecodedFrame, None, None]:
    """Open, perhaps jump, and decode.

    Args:
        info: The probed video.
        jump_to: Where to begin, on the video's timeline; what comes may begin before or behind it. None is the
            beginning of the file.
        report: Told what went wrong and how far reading came.

    Yields: Pictures in order of time; none when the file cannot jump.

    Raises:
        MediaError: Nothing at all can be decoded from the beginning on.
    """
    import av.error

    container = open_media(info.path, limits=info.limits, stage="decode")
    try:
        video = choose_video(container, info.path, info.limits, stage="decode")
        size = video.codec_context.width, video.codec_context.height
        check_size(info.path, *size, info.limits, stage="decode")
        video.thread_type = "AUTO"
        video.codec_context.thread_count = _threads(size[0] * size[1])
        if jump_to is not None and video.time_base is not None:
            try:
                container.seek(int((jump_to + info.origin) / video.time_base), stream=video, backward=True)
            except av.error.FFmpegError:
                return
        yield from _number(info, _decode(container, video, info, report), video, jump_to is not None, report)
        report.expected_end = _promised_end(info, video)
        if report.decoded == 0 and jump_to is None:
            raise _nothing_decoded(info, report)
    finally:
        container.close()


def _nothing_decoded(info: VideoInfo, report: ReadReport) -> MediaError:
    if names_other_file(info.path):
        message = f"The pictures of {info.path} lie in another file, which tvsl does not follow."
        return MediaError(message, hint="Save it as one self-contained file first.", stage="decode")
    reason = f": {report.broke_off}" if report.broke_off else ""
    message = f"No picture of {info.path} could be decoded{reason}."
    return MediaError(message, hint="The file is damaged; copy it again or convert it.", stage="decode")


def _decode(
    container: InputContainer, video: VideoStream, info: VideoInfo, report: ReadReport
) -> Iterator[tuple[VideoFrame, Fraction]]:
    """Decoded frames with the duration of the packet that brought each; damaged packets are counted and left out.

    Packets of the sound are not decoded; they tell how long it goes on.
    """
    import av.error

    order: deque[int] | None = deque() if shows_by_order(container) else None
    sound = [] if info.sound_track is None else [container.streams.audio[info.sound_track.index]]
    reading = packets(container, video, *sound)
    while True:
        try:
            packet = next(reading)
        except StopIteration as end:
            report.broke_off = end.value
            if report.broke_off:
                yield from _drain(video, report)
            return
        if packet.stream_index != video.index:
            follow_sound(packet, info, report)
            continue
        try:
            frames = packet.decode()
        except av.error.EOFError:
            continue
        except av.error.FFmpegError:
            report.damaged += 1
            continue
        if order is not None and packet.dts is not None and packet.size:
            order.append(packet.dts)
        for frame in frames:
            if order is not None:
                frame.pts = order.popleft() if order else None
            report.damaged += bool(frame.is_corrupt)
            yield frame, (packet.duration or 0) * packet.time_base


def follow_sound(packet: Packet[Any], info: VideoInfo, report: ReadReport) -> None:
    """Note how far the sound has come."""
    at = stamp(packet)
    if at is not None and packet.size:
        length = (packet.duration or 0) * packet.time_base
        end = at * packet.time_base + length - info.origin
        if is_plausible(end, info.duration):
            report.sound_end = max(report.sound_end, end)
            report.sound_padding = 2 * length  # one packet of run-up before the first sample, one after the last


def _drain(video: VideoStream, report: ReadReport) -> Iterator[tuple[VideoFrame, Fraction]]:
    """What the decoder still holds after reading broke off."""
    import av.error

    try:
        for frame in video.decode(None):
            yield frame, Fraction(0)
    except av.error.FFmpegError:
        report.damaged += 1


def _number(
    info: VideoInfo,
    frames: Iterator[tuple[VideoFrame, Fraction]],
    video: VideoStream,
    jumped: bool,
    report: ReadReport,
) -> Generator[DecodedFrame, None, None]:
    """Give each frame its place on the timeline; a frame without a stamp follows the one before it."""
    unit = video.time_base or Fraction(1, 1000)
    usual = 1 / info.frame_rate
    rounding = unit / 2 if unit < usual / 4 else Fraction(0)
    last: DecodedFrame | None = None
    index = -1
    for frame, hint in frames:
        at = stamp(frame)
        time = None if at is None else at * unit - info.origin
        if time is None or not is_plausible(time, info.duration):
            time = last.end if last is not None else Fraction(0)
        if index < 0 and jumped:
            index = round(time * info.frame_rate)
        else:
            index += 1
        report.decoded += 1
        check_frames(info.path, report.decoded, info.limits, stage="decode")
        if last is not None and time <= last.time:
            continue  # out of order or doubled: a viewer never sees it
        length = _length(frame, unit, hint, usual)
        pts = at if at is not None else int((time + info.origin) / unit)
        check_duration(info.path, time + length, info.limits, stage="decode")
        last = DecodedFrame(time=time, duration=length, rounding=rounding, pts=pts, index=index, frame=frame)
        report.end = last.end
        yield last


def _length(frame: VideoFrame, unit: Fraction, hint: Fraction, usual: Fraction) -> Fraction:
    """How long a frame is shown, from itself, else from its packet, else from the average rate."""
    own = getattr(frame, "duration", 0)
    if own:
        return Fraction(own) * unit
    return hint or usual


def _promised_end(info: VideoInfo, video: VideoStream) -> Fraction | None:
    """When the picture should end by the file's own header."""
    if not video.duration or video.time_base is None:
        return None
    return ((video.start_time or 0) + video.duration) * video.time_base - info.origin


def _threads(pixels: int) -> int:
    """Threads for one decoder: the cores that this process may use, bounded, fewer for large pictures."""
    return min(MAX_THREADS if pixels <= LARGE_PIXELS else 2, cores())
