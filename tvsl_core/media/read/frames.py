"""Frames of a video by presentation time: sampled for analysis, or every one for rendering, in one streaming pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tvsl_core.errors import MediaError
from tvsl_core.media.read.limits import check_duration, check_frames, check_size
from tvsl_core.media.read.packets import is_plausible, packets, shows_by_order, stamp
from tvsl_core.media.read.picture import PictureConverter, PixelOrder
from tvsl_core.media.read.probe import choose_video
from tvsl_core.media.read.report import ReadReport
from tvsl_core.media.read.safety import names_other_file, open_media
from tvsl_core.system.machine import cores
from tvsl_core.types import Frame, VideoInfo

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer

MAX_THREADS = 4
"""Most threads that decode one video; frame threading holds one picture per thread."""
LARGE_PIXELS = 4096 * 2304
"""Larger pictures are decoded by at most two threads, to spare the memory."""
SEEK_FROM_S = 5
"""A start later than this is reached by a jump to the keyframe before it; an earlier one by decoding."""
SEEK_MARGIN_S = 10
"""How much earlier a second attempt jumps when the first one landed behind the start."""


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
    def end(self) -> Fraction:
        """When it stops being shown."""
        return self.time + self.duration


def read_frames(
    info: VideoInfo,
    *,
    fps: float,
    start_s: float = 0.0,
    end_s: float | None = None,
    max_side: int | None = None,
    hold_s: float | None = None,
    warnings: list[str] | None = None,
) -> Generator[Frame, None, None]:
    """Sample a video at the instants ``start, start + 1/fps, ...``, in one streaming pass.

    Each instant gives the frame that a viewer sees then: the last one whose time is not after it. A frame is given
    once, however many instants fall on it, so asking for more instants than there are frames gives every frame once.
    Instants before the first frame and after the end of the last one give nothing.

    Args:
        info: The probed video.
        fps: Instants per second.
        start_s: First instant, in seconds of the video's timeline.
        end_s: Instants at or after this are left out; None is the end of the video.
        max_side: Frames with a longer side are scaled down to it; ``info.width`` and ``info.height`` stay the measure
            of coordinates.
        hold_s: A frame that stands still is given again, with the instant as its time, once so many seconds have
            passed since it was last given; None gives it once. For slide shows, where the sound goes on.
        warnings: Sentences about what went wrong are added to it when reading ends.

    Yields: Frames in order of time.

    Raises:
        MediaError: No frame at all can be decoded; ``stage`` is ``decode``.
        ValueError: ``fps`` or the times make no sense.
    """
    if not fps > 0:
        raise ValueError(f"fps must be positive, got {fps}")
    step = 1 / (Fraction(fps).limit_denominator(100_000) or Fraction(fps))
    start, end = _limits(start_s, end_s)
    converter = PictureConverter(*analysis_size(info, max_side))
    with closing(read_pictures(info, start_s=start_s, end_s=end_s, warnings=warnings)) as pictures:
        for time, picture in _sample(pictures, start, end, step, hold_s):
            yield _as_frame(picture, converter, time)


def read_all_frames(
    info: VideoInfo,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    order: PixelOrder = "rgb",
    warnings: list[str] | None = None,
) -> Generator[Frame, None, None]:
    """Every frame that is shown within [start, end), the one already on screen at the start included.

    Args:
        info: The probed video.
        start_s: In seconds of the video's timeline.
        end_s: None is the end of the video.
        order: Order of the colours in ``pixels``; ``bgr`` is what OpenCV draws on.
        warnings: Sentences about what went wrong are added to it when reading ends.

    Yields: Frames of ``info.width`` by ``info.height``, in order of time.

    Raises:
        MediaError: No frame at all can be decoded; ``stage`` is ``decode``.
    """
    converter = PictureConverter(info.width, info.height, order=order)
    with closing(read_pictures(info, start_s=start_s, end_s=end_s, warnings=warnings)) as pictures:
        for picture in pictures:
            yield _as_frame(picture, converter, picture.time)


def read_pictures(
    info: VideoInfo, *, start_s: float = 0.0, end_s: float | None = None, warnings: list[str] | None = None
) -> Generator[DecodedFrame, None, None]:
    """As :func:`read_all_frames`, but each frame is converted only if and when the caller asks it to be.

    Args:
        info: The probed video.
        start_s: In seconds of the video's timeline.
        end_s: None is the end of the video.
        warnings: Sentences about what went wrong are added to it when reading ends.

    Yields: Pictures in order of time.

    Raises:
        MediaError: No frame at all can be decoded; ``stage`` is ``decode``.
    """
    report = ReadReport()
    try:
        yield from _within(info, *_limits(start_s, end_s), report)
    finally:
        if warnings is not None:
            warnings.extend(report.warnings)


def analysis_size(info: VideoInfo, max_side: int | None) -> tuple[int, int]:
    """Size (width, height) of frames whose longer side is limited; never below one pixel."""
    longest = max(info.width, info.height)
    if max_side is None or longest <= max_side:
        return info.width, info.height
    if max_side < 1:
        raise ValueError(f"max_side must be at least 1, got {max_side}")
    ratio = Fraction(max_side, longest)
    return max(1, round(info.width * ratio)), max(1, round(info.height * ratio))


def _limits(start_s: float, end_s: float | None) -> tuple[Fraction, Fraction | None]:
    if start_s < 0:
        raise ValueError(f"start must not be negative, got {start_s}")
    if end_s is not None and end_s <= start_s:
        raise ValueError(f"end ({end_s}) must lie after start ({start_s})")
    return Fraction(start_s), None if end_s is None else Fraction(end_s)


def _as_frame(picture: DecodedFrame, converter: PictureConverter, time: Fraction) -> Frame:
    return Frame(time=time, pts=picture.pts, index=picture.index, pixels=picture.to_array(converter))


def _sample(
    pictures: Iterator[DecodedFrame], start: Fraction, end: Fraction | None, step: Fraction, hold_s: float | None
) -> Iterator[tuple[Fraction, DecodedFrame]]:
    """Pair every wanted picture with its time: its own when first given, the instant when it is given again."""
    hold = None if hold_s is None else Fraction(hold_s)
    number = 0
    shown: DecodedFrame | None = None
    given: Fraction | None = None

    def until(limit: Fraction) -> Iterator[tuple[Fraction, DecodedFrame]]:
        nonlocal number, given
        while shown is not None and (instant := start + number * step) < limit and (end is None or instant < end):
            if given is None:
                given = shown.time
                yield shown.time, shown
            elif hold is None:
                return
            elif instant - given >= hold:
                given = instant
                yield instant, shown
            number += 1

    for picture in pictures:
        appears = picture.time - picture.rounding
        yield from until(appears)
        shown, given = picture, None
        if (behind := appears - start) > 0:
            number = max(number, -(-behind // step))
    if shown is not None:
        yield from until(shown.end)


def _within(
    info: VideoInfo, start: Fraction, end: Fraction | None, report: ReadReport
) -> Generator[DecodedFrame, None, None]:
    """Pictures that are on screen at some time within [start, end)."""
    with closing(_from_start(info, start, report)) as pictures:
        before: DecodedFrame | None = None
        for picture in pictures:
            if picture.time <= start:
                before = picture
                continue
            if before is not None and before.end > start:
                yield before
            before = None
            if end is not None and picture.time >= end:
                return
            yield picture
        if before is not None and before.end > start:
            yield before


def _from_start(info: VideoInfo, start: Fraction, report: ReadReport) -> Generator[DecodedFrame, None, None]:
    """Pictures from the one that is shown at ``start`` or earlier; jumps there where the file allows it."""
    if start > SEEK_FROM_S:
        for target in (start, start - SEEK_MARGIN_S):
            with closing(_decode_file(info, max(target, Fraction(0)), report)) as pictures:
                first = next(pictures, None)
                if first is not None and first.time <= start:
                    yield first
                    yield from pictures
                    return
            report.restart()
    with closing(_decode_file(info, None, report)) as pictures:
        yield from pictures


def _decode_file(info: VideoInfo, jump_to: Fraction | None, report: ReadReport) -> Generator[DecodedFrame, None, None]:
    """Open, perhaps jump, and decode; one error if nothing comes."""
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
        yield from _number(info, _decode(container, video, report), video, jump_to is not None, report)
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


def _decode(container: InputContainer, video: VideoStream, report: ReadReport) -> Iterator[tuple[VideoFrame, Fraction]]:
    """Decoded frames with the duration of the packet that brought each; damaged packets are counted and left out."""
    import av.error

    order: deque[int] | None = deque() if shows_by_order(container) else None
    reading = packets(container, video)
    while True:
        try:
            packet = next(reading)
        except StopIteration as end:
            report.broke_off = end.value
            if report.broke_off:
                yield from _drain(video, report)
            return
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
