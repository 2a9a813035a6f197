"""Encode a clip: pictures and sound to a file that any player and browser opens."""

from __future__ import annotations

import subprocess
import tempfile
import wave
from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from .sources import SAMPLE_RATE

MP4 = ["-c:v", "libx264", "-preset", "slow", "-crf", "21", "-c:a", "aac", "-b:a", "112k", "-movflags", "+faststart"]
WEBM = ["-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "31", "-row-mt", "1", "-c:a", "libopus", "-b:a", "80k"]


def write_clip(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    sound: NDArray[np.float32],
    *,
    frame_rate: Fraction,
    rotation: int = 0,
) -> None:
    """Write a clip.

    Args:
        path: ``.mp4`` (H.264 and AAC) or ``.webm`` (VP9 and Opus).
        frames: RGB ``[height width 3]``, as they shall be shown.
        sound: Mono, ``[sample]`` at 44.1 kHz.
        frame_rate: Frames per second.
        rotation: 90 stores the pictures lying on their side, as a phone held upright does, with the note that a
            player must turn them; 0 stores them as they are.
    """
    with tempfile.TemporaryDirectory() as folder:
        audio, coded = Path(folder, "sound.wav"), Path(folder, f"coded{path.suffix}")
        with wave.open(str(audio), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
            file.writeframes((sound * 32767).round().astype("<i2").tobytes())
        _encode(coded, audio, frames, frame_rate, turned=bool(rotation))
        turn = ["-display_rotation", str(rotation)] if rotation else []
        _ffmpeg([*turn, "-i", str(coded), "-c", "copy", "-movflags", "+faststart", *_plain(path)])


def _encode(path: Path, audio: Path, frames: Iterable[NDArray[np.uint8]], frame_rate: Fraction, turned: bool) -> None:
    """Send the frames to ffmpeg, which reads the sound from its file."""
    pictures = (np.ascontiguousarray(np.rot90(frame, -1) if turned else frame) for frame in frames)
    first = next(pictures)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{first.shape[1]}x{first.shape[0]}", "-r", str(frame_rate)]
    inputs = [*raw, "-i", "-", "-i", str(audio), "-map", "0:v", "-map", "1:a"]
    colours = ["-vf", "scale=out_color_matrix=bt709:out_range=tv", "-pix_fmt", "yuv420p"]
    tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    codecs = WEBM if path.suffix == ".webm" else MP4
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *inputs, *colours, *tags, *codecs, *_plain(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for picture in chain([first], pictures):
            process.stdin.write(picture.tobytes())
    if process.returncode != 0:
        raise RuntimeError(f"ffmpeg could not encode {path.name}")


def _plain(path: Path) -> list[str]:
    """Write to this path, without dates and version names that would differ from run to run."""
    return ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", str(path)]


def _ffmpeg(arguments: list[str]) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *arguments], check=True)
