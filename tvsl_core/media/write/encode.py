"""Frames and the original sound become a video file that plays in a browser.

    sound = SoundSource.of(info)
    with VideoEncoder(path, width=info.width, height=info.height, frame_rate=info.frame_rate, sound=sound) as encoder:
        for pixels in pictures:
            encoder.write(pixels)

The work is done by an ffmpeg process that is fed through a pipe. The file appears under its name only when it is
whole; whatever goes wrong, the process is gone and so is its half-written file.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import threading
from collections import deque
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.errors import OutputError
from tvsl_core.media.write.binary import find_ffmpeg
from tvsl_core.media.write.command import PictureFormat, PixelOrder, SoundSource, build_command
from tvsl_core.system.files import begin_partial, commit_partial, discard_partial
from tvsl_core.system.machine import children_need_a_session
from tvsl_core.system.platforms import apart_from_terminal, widen_pipe

_PIPE_BYTES = 1 << 20
_COMPLAINT_LINES = 40
_COMPLAINT_CHARACTERS = 400


class VideoEncoder:
    """Writes one H.264 video with the original's sound. A context manager: an exception inside leaves no file behind.

    A frame of odd width or height gets its last column or row twice, since the format knows even sizes only.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        frame_rate: Fraction,
        sound: SoundSource | None = None,
        pixel_order: PixelOrder = "rgb24",
        quality: int = 21,
        threads: int = 0,
    ) -> None:
        """Start the encoder.

        Args:
            path: Where the finished video will be; its folder must exist. Replaced when it exists.
            width: Of the frames, in pixels; any size from 1 on.
            height: Of the frames, in pixels.
            frame_rate: Exact, such as 30000/1001.
            sound: What is heard; None is a silent video.
            pixel_order: Of the frames' bytes.
            quality: 1 is the most faithful, 18 looks like the original, 28 is visibly poorer.
            threads: Of the compressor; 0 is one for each core, four at most.

        Raises:
            OutputError: The folder cannot be written to, or there is no usable ffmpeg.
            ValueError: A size, rate or quality makes no sense.
        """
        if width < 1 or height < 1:
            raise ValueError(f"frame size must be at least 1 x 1, got {width} x {height}")
        self.path = path
        self.frames_written = 0
        self._shape = (height, width, 3)
        self._pad = (height % 2, width % 2)
        picture = PictureFormat(
            width=width + width % 2,
            height=height + height % 2,
            frame_rate=frame_rate,
            pixel_order=pixel_order,
            quality=quality,
            threads=threads,
        )
        program = find_ffmpeg()
        self._partial = begin_partial(path)
        self._open = True
        try:
            self._process = _start(build_command(program, picture, sound, self._partial))
        except OSError as error:
            discard_partial(self._partial)
            raise OutputError(
                f"Cannot start {program}: {error.strerror}.", hint="Check the program.", stage="write"
            ) from error
        except BaseException:
            discard_partial(self._partial)
            raise
        self._complaints = _Complaints(self._process)

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

    def write(self, pixels: NDArray[np.uint8], *, repeat: int = 1) -> None:
        """Append one frame.

        Args:
            pixels: uint8 ``[height width 3]`` in this encoder's pixel order and size. Not kept.
            repeat: For how many frames it is shown; 0 leaves it out.

        Raises:
            OutputError: ffmpeg stopped: the disk is full, it was killed, or it cannot read the sound.
            ValueError: The frame has another shape or type, or the encoder is closed.
        """
        if not self._open:
            raise ValueError(f"the encoder of {self.path} is closed")
        if pixels.shape != self._shape or pixels.dtype != np.uint8:
            raise ValueError(f"expected uint8 {self._shape}, got {pixels.dtype} {pixels.shape}")
        data = _bytes_of(pixels, self._pad)
        for _ in range(repeat):
            try:
                self._send(data)
            except BrokenPipeError:
                raise self._fail() from None
            except BaseException:
                self.abort()
                raise
            self.frames_written += 1

    def close(self) -> Path:
        """Finish the video and give it its name. Doing it again does nothing.

        Returns: Where the video is.

        Raises: OutputError: ffmpeg failed, the disk is full, or no frame was ever written. No file is left then.
        """
        if not self._open:
            return self.path
        if self.frames_written == 0:
            self.abort()
            raise OutputError(f"Cannot write {self.path}: it would have no frame.", stage="write")
        try:
            self._hang_up()
            code = self._process.wait()
        except BaseException:
            self.abort()
            raise
        if code != 0 or self._partial.stat().st_size == 0:
            raise self._fail()
        self._open = False
        self._complaints.finish()
        commit_partial(self._partial, self.path)
        return self.path

    def abort(self) -> None:
        """Stop ffmpeg and remove what it wrote. Does nothing after ``close``."""
        if not self._open:
            return
        self._open = False
        self._process.kill()
        self._hang_up()
        self._process.wait()
        self._complaints.finish()
        discard_partial(self._partial)

    def _send(self, data: memoryview) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        sent = 0
        while sent < len(data):
            sent += os.write(pipe.fileno(), data[sent:])

    def _hang_up(self) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(BrokenPipeError):
            pipe.close()

    def _fail(self) -> OutputError:
        """Clean up after a process that stopped by itself, and say why it did."""
        self._open = False
        self._hang_up()
        code = self._process.wait()
        complaints = self._complaints.finish()
        discard_partial(self._partial)
        return explain_failure(self.path, code, complaints)


def explain_failure(path: Path, code: int, complaints: str) -> OutputError:
    """One sentence for why ffmpeg failed.

    Args:
        path: What it was to write.
        code: Its exit code; negative is the signal that ended it.
        complaints: What it said on standard error.
    """
    why, hint = _reason(code, complaints)
    return OutputError(f"Cannot write {path}: {why}.", hint=hint, stage="write")


def _reason(code: int, complaints: str) -> tuple[str, str]:
    space = "Free some space or choose another output folder, then run again."
    known = (
        ("No space left on device", "the disk is full", space),
        ("Disk quota exceeded", "your disk quota is used up", space),
        ("File too large", "the file grew over the largest size allowed", "Raise the limit (`ulimit -f`)."),
        ("Unknown encoder", "this ffmpeg lacks an encoder that is needed", "Install an ffmpeg with libx264 and AAC."),
        ("Input/output error", "the disk reports an error", "Check the disk, or choose another output folder."),
        ("Cannot allocate memory", "memory ran out", "Use fewer workers, or a smaller video."),
    )
    for words, why, hint in known:
        if words in complaints:
            return why, hint
    if code < 0:
        return _reason_of_signal(-code)
    if re.search(
        r"matches no streams|Error opening input|Invalid data found|Cannot determine format of input stream", complaints
    ):
        return "ffmpeg cannot read the sound of the original", "Try another --audio-track."
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    return f"ffmpeg stopped with code {code}" + (
        f" ({lines[0].rstrip('.')})" if lines else ""
    ), "Run again with -v for more."


def _reason_of_signal(number: int) -> tuple[str, str]:
    if number == getattr(signal, "SIGXFSZ", None):
        return "the file grew over the largest size allowed", "Raise the limit (`ulimit -f`) or write elsewhere."
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = str(number)
    memory = number == getattr(signal, "SIGKILL", None)
    hint = "If memory ran out, use fewer workers." if memory else "Run again."
    return f"ffmpeg was killed by signal {name}", hint


class _Complaints:
    """Collects what a process says on standard error, so that it never blocks; keeps the first and the last lines."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=_COMPLAINT_LINES)
        self._process = process
        self._thread = threading.Thread(target=self._listen, name="ffmpeg-stderr", daemon=True)
        self._thread.start()

    def finish(self) -> str:
        """Everything that was kept; waits for the process's last words."""
        self._thread.join(timeout=5)
        return "\n".join([*self._first, *self._last])

    def _listen(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None
        with io.BufferedReader(pipe) as reader:  # type: ignore[type-var]
            while line := reader.readline(_COMPLAINT_CHARACTERS):
                text = line.decode(errors="replace").rstrip()
                if len(self._first) < _COMPLAINT_LINES:
                    self._first.append(text)
                else:
                    self._last.append(text)


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """Start ffmpeg where Ctrl-C does not reach it: tvsl alone decides what becomes of the file."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
        **(apart_from_terminal() if children_need_a_session() else {}),
    )
    assert process.stdin is not None
    widen_pipe(process.stdin.fileno(), _PIPE_BYTES)
    return process


def _bytes_of(pixels: NDArray[np.uint8], pad: tuple[int, int]) -> memoryview:
    if any(pad):
        pixels = cv2.copyMakeBorder(pixels, 0, pad[0], 0, pad[1], cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    return np.ascontiguousarray(pixels).data.cast("B")
