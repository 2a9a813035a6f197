"""The media of a sample as arrays: its frame, tiles side by side, and the sound around it, tiles added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.layout import ClipMedia, find_media
from tvsl_core.data.benchmarks.sample import Sample
from tvsl_core.errors import MediaError
from tvsl_core.media.read.resample import joined, resampled
from tvsl_core.types import VideoInfo

WINDOW_S = 5.0
"""Seconds of sound around a frame."""
TILE = 360
"""Rows and columns of a tile when several make one frame."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Clip:
    """A frame and the sound around it."""

    frame: NDArray[np.uint8]
    """RGB ``[height width 3]``."""
    waveform: NDArray[np.float32]
    """Mono ``[sample]`` in [-1, 1], centred on the frame's instant."""
    sample_rate: int


ClipLoader = Callable[[Sample, int], Clip | None]
"""From a sample and a sample rate in Hz to its clip; None when media are missing."""


def folder_loader(root: Path) -> ClipLoader:
    """A loader for media in either of the layouts of ``tvsl_core.data.benchmarks.layout``.

    The loader raises MediaError when a file cannot be decoded.
    """

    def load(sample: Sample, sample_rate: int) -> Clip | None:
        found = [find_media(root, clip) for clip in sample.clips]
        if sample.sounds:
            pairs = zip(found, (find_media(root, sound) for sound in sample.sounds), strict=True)
            found = [
                replace(picture, audio=sound.audio, sound_video=sound.video) if sound.clip != picture.clip else picture
                for picture, sound in pairs
            ]
        if not all(media.complete for media in found):
            return None
        return join_clips([_load_one(media, sample_rate) for media in found])

    return load


def join_clips(clips: list[Clip]) -> Clip:
    """Pictures side by side as squares of ``TILE`` pixels, sounds added and kept within [-1, 1].

    One clip is given back as it is.
    """
    if len(clips) == 1:
        return clips[0]
    import cv2

    tiles = [cv2.resize(clip.frame, (TILE, TILE), interpolation=cv2.INTER_AREA) for clip in clips]
    length = max(len(clip.waveform) for clip in clips)
    mixed = sum(np.pad(clip.waveform, (0, length - len(clip.waveform))) for clip in clips)
    waveform = np.asarray(mixed, dtype=np.float32)
    waveform /= max(1.0, float(np.abs(waveform).max(initial=0.0)))
    frame: NDArray[np.uint8] = np.concatenate(tiles, axis=1).astype(np.uint8)
    return Clip(frame=frame, waveform=waveform, sample_rate=clips[0].sample_rate)


def _load_one(media: ClipMedia, sample_rate: int) -> Clip:
    if media.sound_video is not None and media.audio is None:
        frame = read_picture(media.frame) if media.frame is not None else read_frame(_there(media.video))
        return Clip(frame=frame, waveform=read_around(media.sound_video, None, sample_rate), sample_rate=sample_rate)
    if media.audio is not None and media.frame is None:
        frame = read_frame(_there(media.video))
        return Clip(frame=frame, waveform=read_sound(media.audio, sample_rate), sample_rate=sample_rate)
    if media.frame is not None and media.audio is not None:
        waveform = read_sound(media.audio, sample_rate)
        return Clip(frame=read_picture(media.frame), waveform=waveform, sample_rate=sample_rate)
    if media.video is None:
        raise MediaError(f"the clip '{media.clip}' lacks its {media.lack}.")
    return read_instant(media.video, None, sample_rate)


def _there(video: Path | None) -> Path:
    assert video is not None, "complete media have a picture"
    return video


def read_picture(path: Path) -> NDArray[np.uint8]:
    """A picture file as RGB ``[height width 3]``.

    Raises: MediaError: It cannot be decoded.
    """
    import cv2

    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise MediaError(f"the picture '{path}' cannot be decoded.", stage="decode")
    picture: NDArray[np.uint8] = pixels[:, :, ::-1].astype(np.uint8)
    return picture


def read_sound(path: Path, sample_rate: int) -> NDArray[np.float32]:
    """The middle ``WINDOW_S`` seconds of a sound file, mono; all of it when it is shorter.

    Raises: MediaError: It cannot be decoded.
    """
    import av

    from tvsl_core.media.read.safety import open_media

    try:
        with open_media(path, stage="decode") as container:
            whole = joined(resampled(container.decode(audio=0), sample_rate))
    except (av.FFmpegError, IndexError, OSError) as problem:
        raise MediaError(f"the sound '{path}' cannot be decoded: {problem}.", stage="decode") from None
    spare = max(0, len(whole) - round(WINDOW_S * sample_rate)) // 2
    middle: NDArray[np.float32] = whole[spare : spare + round(WINDOW_S * sample_rate)].clip(-1, 1)
    return middle


def read_instant(path: Path, time_s: float | None, sample_rate: int) -> Clip:
    """One instant of a video: the frame shown then and the sound around it.

    Args:
        path: The video.
        time_s: On its own timeline; None is its middle.
        sample_rate: Of the sound, in Hz.

    Raises: MediaError: The video cannot be read or shows nothing then.
    """
    from tvsl_core.media.read.probe import probe

    info = probe(path)
    return Clip(frame=_frame_at(info, time_s), waveform=_around(info, time_s, sample_rate), sample_rate=sample_rate)


def read_frame(path: Path, time_s: float | None = None) -> NDArray[np.uint8]:
    """The frame that a video shows at an instant of its timeline, None is its middle; RGB ``[height width 3]``.

    Raises: MediaError: The video cannot be read or shows nothing then.
    """
    from tvsl_core.media.read.probe import probe

    return _frame_at(probe(path), time_s)


def _frame_at(info: VideoInfo, time_s: float | None) -> NDArray[np.uint8]:
    from tvsl_core.media.read.frames import read_frames

    time = info.duration_s / 2 if time_s is None else time_s
    frames = read_frames(info, fps=2.0, start_s=time, end_s=time + 0.5)
    try:
        frame = next(iter(frames), None)
    finally:
        frames.close()
    if frame is None:
        raise MediaError(f"'{info.path}' shows no frame at {time:g} s.", stage="decode")
    return frame.pixels


def read_around(path: Path, time_s: float | None, sample_rate: int) -> NDArray[np.float32]:
    """The ``WINDOW_S`` seconds of a video's sound around an instant, None is its middle; mono, padded with silence.

    Raises: MediaError: The video cannot be read.
    """
    from tvsl_core.media.read.probe import probe

    return _around(probe(path), time_s, sample_rate)


def _around(info: VideoInfo, time_s: float | None, sample_rate: int) -> NDArray[np.float32]:
    from tvsl_core.media.read.sound import SoundStream

    time = info.duration_s / 2 if time_s is None else time_s
    begin = time - WINDOW_S / 2
    with SoundStream(info, sample_rate=sample_rate, start_s=max(0.0, begin)) as sound:
        return sound.window(begin, begin + WINDOW_S) if begin >= 0 else _from_zero(sound, begin)


def read_span(path: Path, span: tuple[float, float], sample_rate: int) -> NDArray[np.float32]:
    """A stretch of a video's sound, in seconds of its timeline; mono.

    Raises: MediaError: The video cannot be read.
    """
    from tvsl_core.media.read.probe import probe
    from tvsl_core.media.read.sound import SoundStream

    with SoundStream(probe(path), sample_rate=sample_rate, start_s=span[0]) as sound:
        return sound.window(*span)


def _from_zero(sound: object, begin: float) -> NDArray[np.float32]:
    """A window that starts before the video does: silence first."""
    from tvsl_core.media.read.sound import SoundStream

    assert isinstance(sound, SoundStream)
    heard = sound.window(0.0, begin + WINDOW_S)
    missing = round(WINDOW_S * sound.sample_rate) - len(heard)
    return np.concatenate([np.zeros(missing, dtype=np.float32), heard])
