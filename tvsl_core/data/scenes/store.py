"""Pictures and sounds by file, decoded once and kept in a memory of bounded size."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.layout import VIDEO_SUFFIXES
from tvsl_core.data.scenes.cutouts import cut_from_white, trim
from tvsl_core.data.scenes.pool import PictureItem, SoundItem
from tvsl_core.errors import MediaError
from tvsl_core.media.read.resample import joined, resampled

LARGEST = 640
"""Pictures are kept with at most so many pixels on their longer side."""
LONGEST_S = 60.0
"""So much of a sound file is read, from its beginning."""
BLOCK_S = 0.05
"""Loudness is measured over blocks of this length."""
LOUD_DB = 25.0
"""A block is loud when it lies at most so far under the loudest one."""
FAINTEST_DB = -75.0
"""A file whose loudest block lies under this (relative to full scale) holds no sound."""


class MediaStore:
    """Decodes files and remembers the latest.

    Args:
        limit_bytes: Of decoded media that are kept; the least recently used go first.

    Copies in other processes begin with an empty memory. Safe to use from several threads.
    """

    def __init__(self, limit_bytes: int = 600_000_000) -> None:
        self.limit_bytes = limit_bytes
        self._kept: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def __getstate__(self) -> dict[str, int]:
        return {"limit_bytes": self.limit_bytes}

    def __setstate__(self, state: dict[str, int]) -> None:
        self.__init__(state["limit_bytes"])  # type: ignore[misc]

    def picture(self, item: PictureItem) -> NDArray[np.uint8]:
        """The pixels of a picture: RGB of the whole or, for a cutout, RGBA around the object.

        The colours of a cutout are multiplied by its opacity, so that what is transparent does not leak into its edge
        when it is resized.

        Raises: MediaError: The file cannot be decoded, or holds no object although it did when it was checked.
        """
        key = ("picture", item.file, item.cutout, item.white, item.time_s, item.crop)
        found = self._find(key)
        if found is None:
            found = self._keep(key, _shrunk(_multiplied(read_item(item))))
        picture: NDArray[np.uint8] = found
        return picture

    def sound(self, item: SoundItem, sample_rate: int) -> NDArray[np.int16]:
        """The samples of a sound, mono, loudest sample at full scale.

        Raises: MediaError: The file cannot be decoded.
        """
        key = ("sound", item.file, item.span, sample_rate)
        found = self._find(key)
        if found is None:
            found = self._keep(key, _as_int16(read_mono(item.file, sample_rate, middle=item.middle, span=item.span)))
        samples: NDArray[np.int16] = found
        return samples

    def _find(self, key: tuple[object, ...]) -> Any:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        return None

    def _keep(self, key: tuple[object, ...], value: NDArray[Any]) -> Any:
        value.flags.writeable = False
        with self._lock:
            if key not in self._kept:
                self._kept[key] = value
                self._bytes += value.nbytes
            while self._bytes > self.limit_bytes and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.nbytes
        return value


def read_item(item: PictureItem) -> NDArray[np.uint8]:
    """Decode a picture and, for a cutout, find its object.

    Returns: RGBA ``[height width 4]`` trimmed to the object, or RGB ``[height width 3]``.

    Raises: MediaError: It cannot be decoded, or there is no object in it.
    """
    pixels = read_pixels(item.file, item.time_s)
    if item.crop is not None:
        left, top, right, bottom = item.crop
        pixels = pixels[top:bottom, left:right]
    if not item.cutout:
        return np.ascontiguousarray(pixels[:, :, :3])
    cutout = cut_from_white(pixels[:, :, :3]) if item.white else pixels
    trimmed = trim(cutout) if cutout is not None and cutout.shape[2] == 4 else None
    if trimmed is None:
        raise MediaError(f"the picture '{item.file}' shows no object that can be cut out.", stage="decode")
    return np.ascontiguousarray(trimmed)


def read_pixels(path: Path, time_s: float | None = None) -> NDArray[np.uint8]:
    """A picture file, or a frame of a video, as RGB or, when a file has transparent parts, RGBA.

    Args:
        path: The file.
        time_s: Of a video, the instant of the frame; None is its middle.

    Raises: MediaError: It cannot be decoded.
    """
    if path.suffix.lower() in VIDEO_SUFFIXES:
        from tvsl_core.data.benchmarks.clips import read_frame

        return read_frame(path, time_s)
    import cv2

    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
        if pixels is not None and (pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 4):
            pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)  # turns as EXIF says; grey and 16 bits become plain RGB
    except (OSError, cv2.error) as problem:
        raise MediaError(f"the picture '{path}' cannot be read: {problem}.", stage="decode") from None
    if pixels is None:
        raise MediaError(f"the picture '{path}' cannot be decoded.", stage="decode")
    if pixels.shape[2] == 4 and pixels[:, :, 3].min() < 255:
        return np.ascontiguousarray(pixels[:, :, [2, 1, 0, 3]])
    return np.ascontiguousarray(pixels[:, :, 2::-1])


def read_mono(
    path: Path, sample_rate: int, *, middle: bool = False, span: tuple[float, float] | None = None
) -> NDArray[np.float32]:
    """The sound of a file, mono ``[sample]``.

    Args:
        path: A sound file or a video; of a video only the 5 s around its middle are read.
        sample_rate: In Hz.
        middle: Read the 5 s around the middle of a sound file too, instead of its first ``LONGEST_S`` seconds.
        span: Of a video, read this stretch instead, in seconds.

    Raises: MediaError: It cannot be decoded, or is silent throughout.
    """
    from tvsl_core.data.benchmarks.clips import WINDOW_S, read_around, read_sound, read_span

    if path.suffix.lower() in VIDEO_SUFFIXES:
        whole = read_around(path, None, sample_rate) if span is None else read_span(path, span, sample_rate)
    elif (pcm := _read_wav(path, sample_rate)) is not None:
        spare = max(0, len(pcm) - round(WINDOW_S * sample_rate)) // 2 if middle else 0
        whole = pcm[spare : spare + round((WINDOW_S if middle else LONGEST_S) * sample_rate)]
    else:
        whole = read_sound(path, sample_rate) if middle else _read_beginning(path, sample_rate)
    if not np.isfinite(whole).all():
        raise MediaError(f"the sound of '{path}' holds samples that are no numbers.", stage="decode")
    if not whole.any():
        raise MediaError(f"the sound of '{path}' is silent throughout.", stage="decode")
    return whole


def _read_wav(path: Path, sample_rate: int) -> NDArray[np.float32] | None:
    """The samples of a WAV file of 16 bits, seven times as fast as through a decoder; None for any other file."""
    import wave

    import av

    try:
        with wave.open(str(path), "rb") as file:
            channels, rate = file.getnchannels(), file.getframerate()
            if file.getsampwidth() != 2 or channels not in (1, 2) or not file.getnframes():
                return None
            data = file.readframes(min(file.getnframes(), round(LONGEST_S * rate)))
        packed = np.frombuffer(data[: len(data) // (2 * channels) * 2 * channels], "<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "s16", "mono" if channels == 1 else "stereo")
        frame.sample_rate = rate
        return joined(resampled([frame], sample_rate))
    except (wave.Error, EOFError, OSError, ValueError, av.FFmpegError):
        return None


def _read_beginning(path: Path, sample_rate: int) -> NDArray[np.float32]:
    import av

    from tvsl_core.media.read.safety import open_media

    parts: list[NDArray[np.float32]] = []
    wanted = round(LONGEST_S * sample_rate)
    try:
        with open_media(path, stage="decode") as container:
            for piece in resampled(container.decode(audio=0), sample_rate):
                parts.append(piece)
                if sum(map(len, parts)) >= wanted:
                    break
    except (av.FFmpegError, IndexError, OSError) as problem:
        raise MediaError(f"the sound '{path}' cannot be decoded: {problem}.", stage="decode") from None
    return joined(parts)[:wanted]


def block_levels(waveform: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """Root mean square of each block of ``BLOCK_S``; a last part of a block counts as one. ``[block]``."""
    size = max(1, round(BLOCK_S * sample_rate))
    full = len(waveform) // size * size
    levels = np.sqrt(np.square(waveform[:full].reshape(-1, size)).mean(axis=1))
    if full < len(waveform):
        levels = np.append(levels, np.sqrt(np.square(waveform[full:]).mean()))
    found: NDArray[np.float32] = levels.astype(np.float32)
    return found


def loud_level(waveform: NDArray[np.float32], sample_rate: int) -> float:
    """Root mean square over the loud blocks of a sound, so that pauses do not count; 0 for silence."""
    levels = block_levels(waveform, sample_rate)
    loudest = float(levels.max(initial=0.0))
    if loudest <= 0:
        return 0.0
    loud = levels[levels >= loudest * 10 ** (-LOUD_DB / 20)]
    return float(np.sqrt(np.square(loud).mean()))


def active_stretches(waveform: NDArray[np.float32], sample_rate: int) -> tuple[tuple[float, float], ...]:
    """When a sound is loud, as half-open stretches in seconds; none when it is too faint throughout."""
    levels = block_levels(waveform, sample_rate)
    loudest = float(levels.max(initial=0.0))
    if loudest < 10 ** (FAINTEST_DB / 20):
        return ()
    bold = np.concatenate([[False], levels >= loudest * 10 ** (-LOUD_DB / 20), [False]])
    edges = np.flatnonzero(bold[1:] != bold[:-1])
    return tuple(
        (round(float(first) * BLOCK_S, 3), round(float(last) * BLOCK_S, 3))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    )


def _multiplied(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours times opacity; a picture without opacity as it is."""
    if pixels.shape[2] == 3:
        return pixels
    import cv2

    alpha = np.ascontiguousarray(pixels[:, :, 3])
    colours = cv2.multiply(pixels[:, :, :3], cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB), scale=1 / 255)
    return np.dstack([colours, alpha]).astype(np.uint8)


def _shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    import cv2

    height, width = pixels.shape[:2]
    factor = LARGEST / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _as_int16(waveform: NDArray[np.float32]) -> NDArray[np.int16]:
    loudest = max(float(np.abs(waveform).max(initial=0.0)), 1e-9)
    samples: NDArray[np.int16] = np.rint(waveform * (32767 / loudest)).astype(np.int16)
    return samples
