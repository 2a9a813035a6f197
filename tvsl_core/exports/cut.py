"""One stretch of a video as a file of its own: copied where that is exact enough, else encoded."""

from __future__ import annotations

import math
import subprocess
import wave
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from tvsl_core.errors import InputError, MediaError
from tvsl_core.media.read.frames import read_all_frames
from tvsl_core.media.read.packets import packets, stamp
from tvsl_core.media.read.probe import choose_video, probe
from tvsl_core.media.read.safety import ffmpeg_global_arguments, ffmpeg_input_options, file_url, open_media
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.media.write.binary import find_ffmpeg
from tvsl_core.media.write.encode import VideoEncoder
from tvsl_core.media.write.pace import pace, timeline_zero
from tvsl_core.media.write.sound import SoundSource
from tvsl_core.system.files import begin_partial, commit_partial, discard_partial, whole_file, write_bytes
from tvsl_core.types import Box, VideoInfo

COPY_EARLY_S = 0.1
"""Coded pictures are copied when the clip then starts at most so much too early: at the key frame before its start."""
COPIED_CODECS = frozenset({"h264", "hevc", "av1", "mpeg4"})
"""Coded pictures that may stand in an MP4 file as they are."""
PICTURE_MARGIN = 0.1
"""Share of a box's size that is shown around it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """What is cut out."""

    start_s: float
    end_s: float
    """On the timeline of the video; the end is excluded."""
    region: tuple[int, int, int, int] | None = None
    """Left, top, right and bottom in pixels of the frame as shown; None is the whole frame."""


def cut_video(source: Path, path: Path, span: Span, *, exact: bool = False) -> tuple[str, float]:
    """Cut a video with its sound.

    Args:
        source: The original.
        path: The new MP4 file; its folder must exist.
        span: What is wanted; a region needs encoding.
        exact: Never copy.

    Returns: ``copied`` or ``encoded``, and where the clip really starts.

    Raises:
        MediaError: The original cannot be read, or has gone.
        OutputError: The clip cannot be written.
    """
    info = _opened(source)
    if span.region is None and not exact:
        key_s = _key_frame_before(info, span.start_s)
        if key_s is not None and span.start_s - key_s <= COPY_EARLY_S and _copy(info, path, key_s, span.end_s):
            return "copied", key_s
    return "encoded", _encode(info, path, span)


def cut_sound(source: Path, path: Path, span: Span, *, sample_rate: int = 44_100) -> None:
    """Cut the sound alone, as 16 bit mono WAV.

    Raises:
        MediaError: The original cannot be read, has gone, or has no sound.
        OutputError: The clip cannot be written.
    """
    info = _opened(source)
    if info.sound_track is None:
        raise MediaError(f"{source} has no sound track.", hint="Cut its picture instead.", stage="decode")
    stream = SoundStream(info, sample_rate=sample_rate, start_s=span.start_s)
    try:
        samples = stream.window(span.start_s, span.end_s)
    finally:
        stream.close()
    with whole_file(path) as partial, wave.open(str(partial), "wb") as file:
        file.setparams((1, 2, sample_rate, 0, "NONE", "not compressed"))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def cut_picture(source: Path, path: Path, time_s: float, box: Box) -> None:
    """Cut the picture of an object at one instant, as JPEG, with a little of what is around it.

    Raises:
        MediaError: The original cannot be read, or has gone.
        OutputError: The picture cannot be written.
    """
    info = _opened(source)
    frames = read_all_frames(info, start_s=time_s, end_s=time_s + 1e-3, order="bgr")
    try:
        pixels = next(frames).pixels
    finally:
        frames.close()
    across, down = (round(PICTURE_MARGIN * length) for length in (box.x_max - box.x_min, box.y_max - box.y_min))
    shown = pixels[max(0, box.y_min - down) : box.y_max + down, max(0, box.x_min - across) : box.x_max + across]
    _, coded = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 92])
    write_bytes(path, coded.tobytes())


def _opened(source: Path) -> VideoInfo:
    if not source.is_file():
        raise InputError(f"{source} is not there any more.", hint="Put the video back where it was annotated.")
    return probe(source)


def _key_frame_before(info: VideoInfo, time_s: float) -> float | None:
    """When the last key frame at or before a time is shown; None when there is none or its codec cannot be copied."""
    if info.video_codec not in COPIED_CODECS or info.is_variable_rate:
        return None
    with open_media(info.path) as container:
        video = choose_video(container, info.path)
        unit = video.time_base or Fraction(1, 1000)
        best = None
        container.seek(int((time_s + float(info.origin)) / unit), stream=video, backward=True)
        for packet in packets(container, video):
            at = stamp(packet)
            if at is None:
                continue
            shown = float(at * unit - info.origin)
            if shown > time_s + 1e-6:
                break
            if packet.is_keyframe:
                best = shown
    return best


def _encode(info: VideoInfo, path: Path, span: Span) -> float:
    left, top, right, bottom = span.region or (0, 0, info.width, info.height)
    right, bottom = min(right, info.width), min(bottom, info.height)  # boxes that people drew may reach beyond
    # A start that was rounded down by a hair would show the frame before.
    start, end = (Fraction(round(time * 1000), 1000) for time in (span.start_s, span.end_s))
    frames = read_all_frames(info, start_s=float(start) + 1e-6, end_s=float(end) - 1e-6)
    try:
        first = next(frames, None)
        if first is None:
            message = f"{info.path} shows no picture at {span.start_s:.1f} s."
            raise MediaError(message, hint="Annotate it again; it may have changed.", stage="decode")
        zero = timeline_zero(first.time, info.frame_rate, max(first.time, start))
        sound = SoundSource.of(info, start=zero, end=end)
        width, height = right - left, bottom - top
        with VideoEncoder(path, width=width, height=height, frame_rate=info.frame_rate, sound=sound) as encoder:
            for frame, repeat in pace(chain([first], frames), frame_rate=info.frame_rate, zero=zero, end=end):
                encoder.write(np.ascontiguousarray(frame.pixels[top:bottom, left:right]), repeat=repeat)
    finally:
        frames.close()
    return max(0.0, float(zero))


def _copy(info: VideoInfo, path: Path, start_s: float, end_s: float) -> bool:
    """Copy coded packets; False when ffmpeg cannot, and then nothing is left behind."""
    import ffmpeg

    partial = begin_partial(path)
    try:
        zero = float(info.origin) + start_s
        # Rounded up: a seek that lands before the key frame would go to the one before it. By less than a tick of the
        # new file, since its edit list hides every picture before the point that was sought.
        sought = f"{math.ceil(zero * 1e6) / 1e6:.6f}"
        source = ffmpeg.input(file_url(info.path.absolute()), ss=sought, **ffmpeg_input_options())
        streams = [source["v:0"], *([source[f"a:{info.sound_track.index}"]] if info.sound_track else [])]
        options = {"c:v": "copy", "c:a": "aac", "t": f"{end_s - start_s:.6f}", "movflags": "+faststart", "f": "mp4"}
        job = ffmpeg.output(*streams, file_url(partial), **options, map_metadata=-1)
        job = job.global_args(*ffmpeg_global_arguments(info.width * info.height)).overwrite_output()
        command = [str(argument) for argument in job.compile(cmd=str(find_ffmpeg()))]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0 or not partial.stat().st_size:
            return False
        commit_partial(partial, path)
        return True
    finally:
        discard_partial(partial)
