"""Frames with their own times are laid on the even grid of a video with a constant rate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TypeVar

from tvsl_core.media.read.decode import DecodedFrame
from tvsl_core.types import Frame

Shown = TypeVar("Shown", Frame, DecodedFrame)
"""Pixels with a time."""


def timeline_zero(first: Fraction, frame_rate: Fraction, start: Fraction = Fraction(0)) -> Fraction:
    """Where the new video's own timeline should begin, so that frames of a steady rate fall exactly on its grid.

    Taking ``start`` itself would round every frame time by up to half a frame (50 ms at 10 frames per second), while
    the sound stays where it is.

    Args:
        first: Time of the first frame that will be shown.
        frame_rate: Of the new video.
        start: From when on the video is wanted.

    Returns: The latest instant not after ``start`` that lies a whole number of frames before (or after) ``first``.
        Give the sound the same start.
    """
    return first - Fraction(math.ceil((first - start) * frame_rate)) / frame_rate


def hold(
    frames: Iterable[Shown], *, step: Fraction, start: Fraction = Fraction(0), end: Fraction | None = None
) -> Iterator[Shown]:
    """Give a frame that stands still again and again, so that what is drawn on it can go on moving.

    The first frame stands for the time before it too, and the last one until the end.

    Args:
        frames: In the order of their times.
        step: From one to the next; frames that follow each other no later than that are left alone.
        start: From when on frames are wanted.
        end: Frames at or after this are left out; None is the last frame.

    Yields: The frames, and between them the same pixels with later times (before the first: earlier ones).
    """
    shown: Shown | None = None
    for frame in frames:
        if shown is None and frame.time > start:
            early = math.floor((frame.time - start) / step)
            shown = replace(frame, time=frame.time - early * step)
        if shown is not None:
            yield from _until(shown, frame.time, step, end)
        shown = frame
    if shown is not None:
        yield from _until(shown, shown.time + step if end is None else end, step, end)


def _until(shown: Shown, limit: Fraction, step: Fraction, end: Fraction | None) -> Iterator[Shown]:
    """A frame at its time and every step after it that lies clearly before the limit."""
    limit = limit if end is None else min(limit, end)
    count = max(1, math.ceil((limit - shown.time) / step - Fraction(1, 2)))
    if end is None or shown.time < end:
        yield shown
        yield from (replace(shown, time=shown.time + number * step) for number in range(1, count))


def pace(
    frames: Iterable[Shown], *, frame_rate: Fraction, zero: Fraction, end: Fraction | None = None
) -> Iterator[tuple[Shown, int]]:
    """Say for how many frames of a steady video each frame is shown.

    The n-th frame of the new video shows the frame whose time is nearest to ``zero + n / frame_rate`` from below, give
    or take half a frame. A late first frame is shown from the beginning, so that nothing is black.

    Args:
        frames: In the order of their times.
        frame_rate: Of the new video.
        zero: Time of the new video's first frame, on the timeline of the frames.
        end: Until when the last frame is held; None shows it once.

    Yields: Each frame that is shown, with its repetitions (at least 1). A frame that shares its place with a later
        one is left out.
    """
    shown: Shown | None = None
    begin = after = 0
    for frame in frames:
        place = max(0, round((frame.time - zero) * frame_rate))
        if shown is not None and place > begin:
            yield shown, place - begin
            begin = place
        shown, after = frame, place + 1
    if shown is not None:
        last = after if end is None else round((end - zero) * frame_rate)
        yield shown, max(after, last) - begin
