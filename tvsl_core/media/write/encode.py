"""Frames and the original sound become a video file that plays in a browser.

    sound = SoundSource.of(info)
    with VideoEncoder(path, width=info.width, height=info.height, frame_rate=info.frame_rate, sound=sound) as encoder:
        for frame in frames:
            encoder.write(frame)

The compressor runs in this process: frames go to it as they were decoded, through no pipe and in no other format. The
file appears under its name only when it is whole; whatever goes wrong, what was written of it is gone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from tvsl_core.errors import MediaError, OutputError
from tvsl_core.media.read.planes import PLANAR, ColourStandard, from_rgb, standard_of_size
from tvsl_core.media.read.safety import file_url
from tvsl_core.media.write.compressor import compressor
from tvsl_core.media.write.options import EncodeOptions
from tvsl_core.media.write.sound import SoundSource, add_sound
from tvsl_core.system.files import begin_partial, commit_partial, discard_partial, write_error
from tvsl_core.system.machine import cores

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream

MAX_THREADS = 4
_KEYFRAME_EVERY_S = 4
_MAX_RATIONAL = 2**31 - 1
_TAGS = {"bt709": 1, "smpte170m": 6}  # ITU-T H.273: primaries, transfer and matrix have the same numbers here
_VIDEO_RANGE = 1


class VideoEncoder:
    """Writes one H.264 video with the original's sound. A context manager: an exception inside leaves no file behind.

    A video of odd width or height gets its last column or row twice, since the format knows even sizes only.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        frame_rate: Fraction,
        clock: Fraction | None = None,
        sound: SoundSource | None = None,
        standard: ColourStandard | None = None,
        options: EncodeOptions | None = None,
    ) -> None:
        """Start the encoder.

        Args:
            path: Where the finished video will be; its folder must exist. Replaced when it exists.
            width: Of the frames, in pixels; any size from 1 on.
            height: Of the frames, in pixels.
            frame_rate: Exact, such as 30000/1001; of frames that come unevenly the average.
            clock: Ticks per second, for frames that come unevenly: each is shown for as many as it is written for. None
                is an even rate, and a frame that is shown for longer is there several times.
            sound: What is heard; None is a silent video.
            standard: Of the frames' luma and chroma; None is what players assume for this size.
            options: How it is compressed.

        Raises:
            OutputError: The folder cannot be written to, the encoder that was asked for does not work here, or the
                sound cannot be read.
            ValueError: A size or rate makes no sense.
        """
        if width < 1 or height < 1:
            raise ValueError(f"frame size must be at least 1 x 1, got {width} x {height}")
        if frame_rate <= 0:
            raise ValueError(f"frame rate must be positive, got {frame_rate}")
        self.path = path
        self.ticks = 0
        """How long the video is by now; of an even rate the count of its frames."""
        self._shape = (height, width, 3)
        self._size = (width + width % 2, height + height % 2)
        self._standard = standard or standard_of_size(*self._size)
        self._is_even = clock is None
        self._unit = 1 / exact_rate(clock or frame_rate)
        self._sound: Generator[Packet[Any], None, None] | None = None
        self._next_sound: Packet[Any] | None = None
        self._partial = begin_partial(path)
        self._open = True
        try:
            self._start(exact_rate(frame_rate), sound, options or EncodeOptions())
        except BaseException:
            discard_partial(self._partial)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the video, or after an exception drop it."""
        if kind is None:
            self.close()
        else:
            self.abort()

    def write(self, picture: VideoFrame | NDArray[np.uint8], *, repeat: int = 1) -> None:
        """Append one picture.

        Args:
            picture: A frame in the format, size and standard of the video, as ``PlanesConverter`` gives it, or RGB
                uint8 ``[height width 3]``. Not kept; of a frame the time is lost.
            repeat: For how many ticks it is shown; 0 leaves it out.

        Raises:
            OutputError: The disk is full, or the compressor gave up.
            ValueError: The picture has another shape or type, or the encoder is closed.
        """
        from av.video.frame import PictureType

        if not self._open:
            raise ValueError(f"the encoder of {self.path} is closed")
        frame = self._checked(picture)
        frame.pict_type = PictureType.NONE  # a decoder leaves here what it was in the original, and encoders would obey
        with self._failures():
            for _ in range(repeat if self._is_even else min(1, repeat)):
                # The stream's clock is that of the container as soon as the first packet is there.
                frame.pts, frame.time_base = self.ticks, self._unit
                frame.duration = 1 if self._is_even else repeat
                self._mux(self._picture.encode(frame))
                self.ticks += frame.duration
            self._mux_sound(self.ticks * self._unit)

    def close(self) -> Path:
        """Finish the video and give it its name. Doing it again does nothing.

        Returns: Where the video is.

        Raises: OutputError: The disk is full, or no frame was ever written. No file is left then.
        """
        if not self._open:
            return self.path
        if self.ticks == 0:
            self.abort()
            raise OutputError(f"Cannot write {self.path}: it would have no frame.", stage="write")
        with self._failures():
            self._mux(self._picture.encode(None))
            self._mux_sound(None)
            self._container.close()
        self._open = False
        commit_partial(self._partial, self.path)
        return self.path

    def abort(self) -> None:
        """Drop what was written. Does nothing after ``close``."""
        import av.error

        if not self._open:
            return
        self._open = False
        if self._sound is not None:
            self._sound.close()
        discard_partial(self._partial)  # first, so that closing does not set about moving the index to its front
        with contextlib.suppress(av.error.FFmpegError):
            self._container.close()
        discard_partial(self._partial)  # again, for systems that remove no open file

    def _start(self, frame_rate: Fraction, sound: SoundSource | None, options: EncodeOptions) -> None:
        import av
        from av.codec.context import Flags

        width, height = self._size
        chosen = compressor(options, pixels=width * height)
        words = dict(chosen.options)
        if not self._is_even:
            words["bf"] = "0"  # an MP4 counts its length in coded order, and would lose the last pictures' time
        self._container = av.open(
            file_url(self._partial), "w", format="mp4", container_options={"movflags": "+faststart"}
        )
        video: VideoStream = self._container.add_stream(  # type: ignore[assignment]  # by the encoder's name
            chosen.name, rate=frame_rate, options=words, hwaccel=chosen.accelerator()
        )
        context = video.codec_context
        context.width, context.height, context.pix_fmt = width, height, PLANAR
        context.sample_aspect_ratio = Fraction(1)
        context.time_base = self._unit
        context.gop_size = max(1, round(frame_rate * _KEYFRAME_EVERY_S))
        context.thread_count = min(MAX_THREADS, cores())
        context.thread_type = "FRAME"  # the usual one cuts frames into slices, and cores wait at the end of each frame
        context.flags = int(context.flags) | int(Flags.frame_duration.value)
        # Without the tags a player guesses, and colours shift.
        context.color_primaries = context.color_trc = context.colorspace = _TAGS[self._standard]
        context.color_range = _VIDEO_RANGE
        self._picture = video
        with self._failures():
            if sound is not None:
                self._sound = add_sound(self._container, sound)
            context.open()

    def _checked(self, picture: VideoFrame | NDArray[np.uint8]) -> VideoFrame:
        if isinstance(picture, np.ndarray):
            if picture.shape != self._shape or picture.dtype != np.uint8:
                raise ValueError(f"expected uint8 {self._shape}, got {picture.dtype} {picture.shape}")
            return from_rgb(picture, self._standard)
        if (picture.format.name, picture.width, picture.height) != (PLANAR, *self._size):
            got = f"{picture.format.name} {picture.width} x {picture.height}"
            raise ValueError(f"expected {PLANAR} {self._size[0]} x {self._size[1]}, got {got}")
        return picture

    def _mux(self, packets: list[Packet[Any]]) -> None:
        self._container.mux(packets)

    def _mux_sound(self, until: Fraction | None) -> None:
        """Add the sound up to a time, so that picture and sound lie beside each other; None is all of it."""
        while self._sound is not None:
            packet = self._next_sound or next(self._sound, None)
            if packet is None:
                self._sound = None
            elif until is not None and (packet.pts or 0) * packet.time_base > until:
                self._next_sound = packet
                return
            else:
                self._next_sound = None
                self._container.mux(packet)

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Drop the file when something fails, and say why in one sentence."""
        import av.error

        try:
            yield
        except MediaError as error:
            self.abort()
            message = f"Cannot write {self.path}: the sound of the original cannot be read."
            raise OutputError(message, hint="Try another --audio-track.", stage="write") from error
        except av.error.FFmpegError as error:
            self.abort()
            raise write_error(self.path, OSError(error.errno, error.strerror)) from error
        except BaseException:
            self.abort()
            raise


def exact_rate(rate: Fraction) -> Fraction:
    """A frame rate for FFmpeg; one that does not fit its integers becomes the nearest that does."""
    if max(rate.numerator, rate.denominator) > _MAX_RATIONAL:
        return rate.limit_denominator(1001)
    return rate
