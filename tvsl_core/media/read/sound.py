"""The sound of a video as one mono stream on the video's timeline, decoded as it is asked for.

The file's samples are laid on the timeline before they are resampled: silence before a late start, in gaps and after
the end; samples that come twice are dropped. So sample ``n`` of the stream always sounds ``n / sample_rate`` seconds
after the timeline's 0, whatever the container did.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.read.downmix import Downmix
from tvsl_core.media.read.packets import is_plausible, packets, stamp
from tvsl_core.media.read.safety import open_media
from tvsl_core.types import VideoInfo

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream
    from av.container import InputContainer

Samples = NDArray[np.float32]

TOLERANCE = Fraction(20, 1000)
"""Time stamps that stray less than this many seconds from the count of samples are rounding, not gaps."""
EXACT = Fraction(1, 1000)
"""The same after damage, when the count of samples is known to be wrong."""
BLOCK_S = 1
"""Longest piece that is handled at once, in seconds: bounds the memory however long a gap is."""
SEEK_FROM_S = 5
"""A start later than this is reached by a jump."""
PREROLL_S = 1
"""How much before the start decoding begins after a jump, for codecs that need a run-up."""


class SoundStream:
    """Mono sound of a video, streaming; windows must advance.

    Memory stays below one window and one block, however long the video is.

    Args:
        info: The probed video; its ``sound_track`` is listened to. None gives silence.
        sample_rate: Of the samples that come out, in Hz.
        start_s: Nothing before this is asked for; the file is not decoded from its beginning then.

    Raises:
        MediaError: The file can no longer be opened. Damage inside never raises: it becomes silence and a warning.
        ValueError: The rate is not positive or the start is negative.
    """

    def __init__(self, info: VideoInfo, *, sample_rate: int, start_s: float = 0.0) -> None:
        if sample_rate < 1:
            raise ValueError(f"sample_rate must be positive, got {sample_rate}")
        if start_s < 0:
            raise ValueError(f"start must not be negative, got {start_s}")
        self.info = info
        self.sample_rate = sample_rate
        self._kept_from = round(Fraction(start_s) * sample_rate)
        self._buffer = np.zeros(0, np.float32)
        self._reader = None if info.sound_track is None else _TrackReader(info, self._time(self._kept_from))
        self._pieces: Iterator[Samples] = self._resampled()
        self._ended = self._reader is None
        self.largest_buffer = 0
        """Most samples that were ever held at once; says that memory is bounded."""

    @property
    def silent(self) -> bool:
        """Whether there is no sound track at all."""
        return self.info.sound_track is None

    @property
    def damaged(self) -> int:
        """Packets so far that could not be decoded; silence stands in their place."""
        return self._reader.damaged if self._reader is not None else 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the user about what was read so far; empty when all went well."""
        return self._reader.warnings if self._reader is not None else ()

    def window(self, start_s: float | Fraction, end_s: float | Fraction) -> Samples:
        """Sound from ``start_s`` to ``end_s``; silence wherever the video has none, also before 0 and after its end.

        Args:
            start_s: In seconds of the video's timeline; not before the start of the window asked for last.
            end_s: After ``start_s``.

        Returns: Exactly ``round((end_s - start_s) * sample_rate)`` samples in [-1, 1], a fresh array.

        Raises:
            ValueError: The window is empty, inside out, or lies before one that was given already.
        """
        if not end_s > start_s:
            raise ValueError(f"window must end after it starts, got {start_s} to {end_s}")
        first = round(Fraction(start_s) * self.sample_rate)
        count = round((Fraction(end_s) - Fraction(start_s)) * self.sample_rate)
        return self._take(first, count)

    def blocks(self, seconds: float, *, end_s: float | None = None) -> Iterator[Samples]:
        """Consecutive pieces from the start of the stream, each of ``round(seconds * sample_rate)`` samples.

        They go on until the picture's and the sound's end, or until ``end_s``; the last one may be shorter.
        """
        size = round(Fraction(seconds) * self.sample_rate)
        if size < 1:
            raise ValueError(f"a block needs at least one sample, got {seconds} s at {self.sample_rate} Hz")
        first = self._kept_from
        while True:
            self._fill(first, first + size)
            if end_s is not None:
                last = round(Fraction(end_s) * self.sample_rate)
            elif self._ended:
                last = max(self._kept_from + len(self._buffer), round(self.info.duration * self.sample_rate))
            else:
                last = first + size
            if last <= first:
                return
            yield self._take(first, min(size, last - first))
            first += size

    def close(self) -> None:
        """Let go of the file; what was not read is lost."""
        if self._reader is not None:
            self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _time(self, sample: int) -> Fraction:
        return Fraction(sample, self.sample_rate)

    def _take(self, first: int, count: int) -> Samples:
        self._fill(first, first + count)
        result = np.zeros(count, np.float32)
        skip = self._kept_from - first
        if skip <= 0:
            part = self._buffer[-skip if skip else 0 :][:count]
            result[: len(part)] = part
        elif skip < count:  # the part before 0 stays silent
            part = self._buffer[: count - skip]
            result[skip : skip + len(part)] = part
        return result

    def _fill(self, first: int, end: int) -> None:
        """Let go of what lies before ``first`` and hold everything up to ``end``, unless the sound ends before."""
        if 0 <= first < self._kept_from:
            raise ValueError(
                f"sound before {float(self._time(self._kept_from)):.3f} s was let go; windows must advance"
            )
        self._forget(first)
        parts, held = [self._buffer], self._kept_from + len(self._buffer)
        while held < end and not self._ended:
            piece = next(self._pieces, None)
            if piece is None:
                self._ended = True
                break
            held += len(piece)
            if held > first:
                parts.append(piece)
            else:  # a jump ahead: nothing of it is wanted
                self._kept_from = held
        self._buffer = np.concatenate(parts) if len(parts) > 1 else self._buffer
        self.largest_buffer = max(self.largest_buffer, len(self._buffer))

    def _forget(self, before: int) -> None:
        surplus = min(before - self._kept_from, len(self._buffer))
        if surplus > 0:
            self._buffer = self._buffer[surplus:].copy()
            self._kept_from += surplus
        if self._ended and before > self._kept_from:
            self._kept_from = before

    def _resampled(self) -> Iterator[Samples]:
        """The track at this stream's rate."""
        reader = self._reader
        if reader is None:
            return
        resampler: _Resampler | None = None
        for rate, piece in reader.pieces():
            if resampler is None or resampler.source_rate != rate:
                if resampler is not None:
                    yield from _bounded(resampler.finish())
                resampler = _Resampler(rate, self.sample_rate)
            yield from _bounded(resampler.convert(piece))
        if resampler is not None:
            yield from _bounded(resampler.finish())


def resample(samples: Samples, *, source_rate: int, target_rate: int) -> Samples:
    """A sound in memory at another rate, as the sound of a file would be.

    Args:
        samples: Mono ``[sample]`` in [-1, 1].
        source_rate: Theirs, in Hz.
        target_rate: The wanted one, in Hz.
    """
    resampler = _Resampler(source_rate, target_rate)
    parts = [resampler.convert(samples)]
    if source_rate != target_rate:
        parts.append(resampler.finish())
    return np.clip(np.concatenate(parts), -1.0, 1.0)


def _bounded(samples: Samples) -> Iterator[Samples]:
    if len(samples):
        yield np.clip(samples, -1.0, 1.0)


class _Resampler:
    """A continuous mono stream from one rate to another, through libswresample."""

    def __init__(self, source_rate: int, target_rate: int) -> None:
        from av import AudioResampler

        self.source_rate = source_rate
        self._target_rate = target_rate
        self._taken = 0
        self._given = 0
        self._filter = AudioResampler(format="flt", layout="mono", rate=target_rate)

    def convert(self, samples: Samples) -> Samples:
        """Samples in, as many samples out as are ready."""
        if self.source_rate == self._target_rate or not len(samples):
            return samples
        from av import AudioFrame

        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, :]), format="flt", layout="mono")
        frame.sample_rate = self.source_rate
        frame.pts = self._taken
        frame.time_base = Fraction(1, self.source_rate)
        self._taken += len(samples)
        return self._join(self._filter.resample(frame))

    def finish(self) -> Samples:
        """What is still inside, cut to the exact length of what went in."""
        if self._taken == 0:
            return np.zeros(0, np.float32)
        due = -(-self._taken * self._target_rate // self.source_rate) - self._given
        rest = self._join(self._filter.resample(None))[: max(0, due)]
        return rest

    def _join(self, frames: list[AudioFrame]) -> Samples:
        parts = [frame.to_ndarray().reshape(-1).astype(np.float32, copy=False) for frame in frames]
        joined = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        self._given += len(joined)
        return joined


class _TrackReader:
    """One sound track as a gapless sequence of mono pieces at its own rate, beginning exactly at ``base``."""

    def __init__(self, info: VideoInfo, base: Fraction) -> None:
        self.damaged = 0
        self.broke_off = ""
        self._info = info
        self._base = base
        self._reached = base
        """Timeline position of the next sample."""
        self._tolerance = EXACT
        self._container: InputContainer | None = open_media(info.path, limits=info.limits, stage="decode")
        assert info.sound_track is not None
        self._stream: AudioStream = self._container.streams.audio[info.sound_track.index]
        self._skip_other_tracks()
        if base > SEEK_FROM_S:
            self._jump(base - PREROLL_S)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What went wrong so far."""
        sentences = []
        if self.damaged:
            packets = "packet" if self.damaged == 1 else "packets"
            sentences.append(f"{self.damaged} damaged sound {packets} could not be decoded; silence stands there.")
        if self.broke_off:
            sentences.append(f"The sound could not be read beyond {float(self._reached):.2f} s ({self.broke_off}).")
        return tuple(sentences)

    def close(self) -> None:
        """Let go of the file."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def pieces(self) -> Iterator[tuple[int, Samples]]:
        """(rate, samples) of at most a block each, in order and without gaps."""
        downmix, limits = Downmix(), self._info.limits
        for frame in self._frames():
            rate = frame.sample_rate
            if rate > limits.max_sample_rate or frame.layout.nb_channels > limits.max_channels:
                self.damaged += 1  # it changed midway: the header said less
                continue
            samples = downmix.mono(frame)
            if not len(samples) or rate < 1:
                continue
            for piece in self._place(samples, rate, self._time_of(frame)):
                self._reached += Fraction(len(piece), rate)
                yield rate, piece

    def _place(self, samples: Samples, rate: int, at: Fraction | None) -> Iterator[Samples]:
        """Silence up to the frame's time if it comes late; without its beginning if that was heard already."""
        strays = Fraction(0) if at is None else at - self._reached
        if abs(strays) > self._tolerance:
            if strays > 0:
                missing = round(strays * rate)
                block = BLOCK_S * rate
                for begin in range(0, missing, block):
                    yield np.zeros(min(block, missing - begin), np.float32)
            else:
                samples = samples[round(-strays * rate) :]
        if len(samples):
            self._tolerance = TOLERANCE
            yield samples

    def _time_of(self, frame: AudioFrame) -> Fraction | None:
        at = stamp(frame)
        if at is None or frame.time_base is None:
            return None
        time = at * frame.time_base - self._info.origin
        return time if is_plausible(time, self._info.duration) else None

    def _frames(self) -> Iterator[AudioFrame]:
        """Decoded frames; damage is counted and passed over."""
        import av.error

        if self._container is None:
            return
        reading = packets(self._container, self._stream)
        while self._container is not None:
            try:
                packet: Any = next(reading)
            except StopIteration as end:
                self.broke_off = end.value
                return
            try:
                frames: list[AudioFrame] = packet.decode()
            except av.error.EOFError:
                continue
            except (av.error.FFmpegError, ValueError):
                self.damaged += 1
                self._tolerance = EXACT
                continue
            yield from frames

    def _skip_other_tracks(self) -> None:
        """Spare reading the picture, where the container allows it."""
        from av.stream import Discard

        assert self._container is not None
        for stream in self._container.streams:
            if stream.index != self._stream.index:
                stream.discard = Discard.all

    def _jump(self, to: Fraction) -> None:
        import av.error

        assert self._container is not None
        unit = self._stream.time_base or Fraction(1, self._stream.codec_context.sample_rate or 1)
        with suppress(av.error.FFmpegError):  # a file that cannot jump is read from its beginning
            self._container.seek(int((to + self._info.origin) / unit), stream=self._stream, backward=True)
