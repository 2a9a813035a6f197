"""Frames of a video by presentation time: sampled for analysis, or every one for rendering, in one streaming pass."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from fractions import Fraction

from tvsl_core.media.read.decode import DecodedFrame, decode_file
from tvsl_core.media.read.picture import PictureConverter, PixelOrder
from tvsl_core.media.read.planes import PlanesConverter
from tvsl_core.media.read.report import MAX_PADDING, ReadReport
from tvsl_core.types import Frame, VideoInfo

SEEK_FROM_S = 5
"""A start later than this is reached by a jump to the keyframe before it; an earlier one by decoding."""
SEEK_MARGIN_S = 10
"""How much earlier a second attempt jumps when the first one landed behind the start."""


def read_frames(
    info: VideoInfo,
    *,
    fps: float,
    start_s: float = 0.0,
    end_s: float | None = None,
    max_side: int | None = None,
    hold_s: float | None = None,
    report: ReadReport | None = None,
    on_picture: Callable[[DecodedFrame], None] | None = None,
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
            passed since it was last given; None gives it once. For slide shows, where the sound goes on. As in
            players, the first frame then stands for the time before it too, and the last one until the sound ends.
        report: Told what went wrong, what was held, and how far reading came.
        on_picture: Shown every picture that is decoded within the part, whether it is given or not.

    Yields: Frames in order of time.

    Raises:
        MediaError: No frame at all can be decoded; ``stage`` is ``decode``.
        ValueError: ``fps`` or the times make no sense.
    """
    if not fps > 0:
        raise ValueError(f"fps must be positive, got {fps}")
    step = 1 / _plain(fps)
    start, end = _limits(start_s, end_s)
    hold = None if hold_s is None else _plain(hold_s)
    report = report or ReadReport()
    converter = PictureConverter(*analysis_size(info, max_side))
    last: Frame | None = None
    with closing(_within(info, start, end, report, holds=hold is not None)) as pictures:
        shown = pictures if on_picture is None else _shown(pictures, on_picture)
        for time, picture in _sample(shown, start, end, step, hold, report):
            if last is None or last.index != picture.index:
                last = _as_frame(picture, converter, time)
            yield replace(last, time=time)


def read_all_frames(
    info: VideoInfo,
    *,
    start_s: float = 0.0,
    end_s: float | None = None,
    max_side: int | None = None,
    order: PixelOrder = "rgb",
    holds: bool = False,
) -> Generator[Frame, None, None]:
    """Every frame that is shown within [start, end), the one already on screen at the start included.

    Args:
        info: The probed video.
        start_s: In seconds of the video's timeline.
        end_s: None is the end of the video.
        max_side: Frames with a longer side are scaled down to it.
        order: Order of the colours in ``pixels``; ``bgr`` is what OpenCV draws on.
        holds: Whether the first frame is given also when it comes after the end, and the last one when it ends before
            the start: the one that a player shows then.

    Yields: Frames of ``info.width`` by ``info.height`` or smaller, in order of time.

    Raises:
        MediaError: No frame at all can be decoded; ``stage`` is ``decode``.
    """
    converter = PictureConverter(*analysis_size(info, max_side), order=order)
    with closing(read_pictures(info, start_s=start_s, end_s=end_s, holds=holds)) as pictures:
        for picture in pictures:
            yield _as_frame(picture, converter, picture.time)


def read_pictures(
    info: VideoInfo, *, start_s: float = 0.0, end_s: float | None = None, holds: bool = False
) -> Generator[DecodedFrame, None, None]:
    """As :func:`read_all_frames`, but each frame is converted only if and when the caller asks it to be.

    Args:
        info: The probed video.
        start_s: In seconds of the video's timeline.
        end_s: None is the end of the video.
        holds: As of :func:`read_all_frames`.

    Yields: Pictures in order of time.

    Raises:
        MediaError: No frame at all can be decoded; ``stage`` is ``decode``.
    """
    yield from _within(info, *_limits(start_s, end_s), ReadReport(), holds=holds)


def read_coded(
    info: VideoInfo, *, start_s: float = 0.0, end_s: float | None = None, holds: bool = False
) -> Generator[DecodedFrame, None, None]:
    """As :func:`read_all_frames`, in the planes that videos are coded in, as shown: what most files hold already.

    Args:
        info: The probed video.
        start_s: In seconds of the video's timeline.
        end_s: None is the end of the video.
        holds: As of :func:`read_all_frames`.

    Yields: Pictures in order of time; odd sizes have grown to even ones.

    Raises:
        MediaError: No frame at all can be decoded; ``stage`` is ``decode``.
    """
    converter = PlanesConverter(info.width, info.height)
    with closing(read_pictures(info, start_s=start_s, end_s=end_s, holds=holds)) as pictures:
        for picture in pictures:
            yield replace(picture, frame=converter.convert(picture.frame))


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


def _plain(number: float) -> Fraction:
    """What a float stands for: 0.1 is a tenth, not a hair more."""
    return Fraction(number).limit_denominator(100_000) or Fraction(number)


def _as_frame(picture: DecodedFrame, converter: PictureConverter, time: Fraction) -> Frame:
    return Frame(time=time, pts=picture.pts, index=picture.index, pixels=picture.to_array(converter))


def _shown(pictures: Iterator[DecodedFrame], on_picture: Callable[[DecodedFrame], None]) -> Iterator[DecodedFrame]:
    for picture in pictures:
        on_picture(picture)
        yield picture


def _sample(
    pictures: Iterator[DecodedFrame],
    start: Fraction,
    end: Fraction | None,
    step: Fraction,
    hold: Fraction | None,
    report: ReadReport,
) -> Iterator[tuple[Fraction, DecodedFrame]]:
    """Pair every wanted picture with its time: its own when first given, the instant when it is given again."""
    number = 0
    shown: DecodedFrame | None = None
    given: Fraction | None = None

    def until(limit: Fraction) -> Iterator[tuple[Fraction, DecodedFrame]]:
        nonlocal number, given
        while shown is not None and (instant := start + number * step) < limit and (end is None or instant < end):
            if given is None:
                stood = instant - shown.time  # long, when reading starts in the middle of a slide
                given = shown.time if shown.appears <= instant and (hold is None or stood < hold) else instant
                yield given, shown
            elif hold is None:
                return
            elif instant - given >= hold:
                given = instant
                yield instant, shown
            number += 1

    for picture in pictures:
        if shown is None and hold is not None and picture.appears > start:
            shown = picture
            report.held_before = picture.time if picture.time - start > MAX_PADDING else Fraction(0)
        elif shown is not None and hold is not None and (gap := picture.appears - shown.end) >= max(hold, step):
            report.gaps, report.gaps_length = report.gaps + 1, report.gaps_length + gap
        yield from until(picture.appears)
        shown, given = picture, None
        if (behind := picture.appears - start) > 0:
            number = max(number, -(-behind // step))
    if shown is not None:
        yield from until(shown.end)
        if hold is not None and report.hold_until > shown.end:
            report.held_until = report.hold_until
            yield from until(report.hold_until)


def _within(
    info: VideoInfo, start: Fraction, end: Fraction | None, report: ReadReport, *, holds: bool
) -> Generator[DecodedFrame, None, None]:
    """Pictures that are on screen at some time within [start, end); held ones stay, and the first is there early."""
    with closing(_from_start(info, start, report)) as pictures:
        before: DecodedFrame | None = None
        given = False
        for picture in pictures:
            if picture.time <= start:
                before = picture
                continue
            if before is not None and (holds or before.end > start):
                yield before
                given = True
            before = None
            if end is not None and picture.time >= end:
                if holds and not given:
                    yield picture
                return
            yield picture
            given = True
        if before is not None and (holds or before.end > start):
            yield before


def _from_start(info: VideoInfo, start: Fraction, report: ReadReport) -> Generator[DecodedFrame, None, None]:
    """Pictures from the one that is shown at ``start`` or earlier; jumps there where the file allows it."""
    if start > SEEK_FROM_S:
        for target in (start, start - SEEK_MARGIN_S):
            with closing(decode_file(info, max(target, Fraction(0)), report)) as pictures:
                first = next(pictures, None)
                if first is not None and first.time <= start:
                    yield first
                    yield from pictures
                    return
            report.restart()
    with closing(decode_file(info, None, report)) as pictures:
        yield from pictures
