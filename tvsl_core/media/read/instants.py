"""The instants of a file that has sound and no picture."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction

import numpy as np

from tvsl_core.media.read.decode import follow_sound
from tvsl_core.media.read.packets import packets
from tvsl_core.media.read.report import MAX_PADDING, ReadReport
from tvsl_core.media.read.safety import open_media
from tvsl_core.types import Frame, VideoInfo


def read_instants(
    info: VideoInfo, *, fps: float, start_s: float = 0.0, end_s: float | None = None, report: ReadReport | None = None
) -> Generator[Frame, None, None]:
    """The instants ``start, start + 1/fps, ...`` for as long as the sound goes on, without decoding it.

    Args:
        info: Of a probed sound file.
        fps: Instants per second.
        start_s: First instant.
        end_s: Instants at or after this are left out; None is the end of the sound.
        report: Told how far reading came.

    Yields: Frames of no pixels, ``[0 0 3]``, whose index counts the instants.

    Raises:
        MediaError: The file can no longer be opened.
    """
    assert info.sound_track is not None
    report = report or ReadReport()
    step, start = 1 / Fraction(fps).limit_denominator(100_000), Fraction(start_s)
    nothing = np.zeros((0, 0, 3), np.uint8)
    index = 0
    container = open_media(info.path, limits=info.limits, stage="decode")
    try:
        track = container.streams.audio[info.sound_track.index]
        for packet in packets(container, track):
            follow_sound(packet, info, report)
            until = report.sound_end - min(report.sound_padding, MAX_PADDING)
            while (time := start + index * step) < until or (time == start and time < report.sound_end):
                if end_s is not None and time >= end_s:
                    return
                yield Frame(time=time, pts=0, index=index, pixels=nothing)
                index += 1
    finally:
        container.close()
