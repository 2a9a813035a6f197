"""Which ffmpeg program cuts clips: the machine's own when it can, else the one that came with tvsl."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from tvsl_core.errors import OutputError

H264_ENCODER = "libx264"
"""Clips that cannot be copied are H.264, because every browser plays it."""
_ANSWER_WITHIN_S = 30.0
_INSTALL = (
    "Install it with your system's package manager (for example `apt install ffmpeg`), or reinstall the Python "
    "package imageio-ffmpeg, which brings one along."
)


@lru_cache(maxsize=1)
def find_ffmpeg() -> Path:
    """The ffmpeg program that clips are cut with.

    The one on ``PATH`` comes first; it is passed over when it does not run or cannot encode H.264 (some systems
    build theirs without it). Then comes the one inside the package imageio-ffmpeg. The answer is remembered.

    Returns: Absolute path of a program that runs and has the encoder libx264.

    Raises: OutputError: There is none.
    """
    found = _candidates()
    for program in found:
        if _can_encode(program):
            return program
    if found:
        names = ", ".join(str(program) for program in found)
        raise OutputError(
            f"No ffmpeg here can encode H.264 with {H264_ENCODER} (tried {names}).", hint=_INSTALL, stage="write"
        )
    raise OutputError("No ffmpeg program was found, so no clip can be cut.", hint=_INSTALL, stage="write")


def ffmpeg_version() -> str:
    """What the chosen ffmpeg calls its version, such as ``6.1.1``; ``unknown`` when it does not say.

    Raises: OutputError: There is no usable ffmpeg.
    """
    answer = _ask(find_ffmpeg(), "-version")
    match = re.search(r"ffmpeg version (\S+)", answer or "")
    return match.group(1) if match else "unknown"


def _candidates() -> list[Path]:
    found = []
    if on_path := shutil.which("ffmpeg"):
        found.append(Path(on_path).absolute())
    try:
        import imageio_ffmpeg

        found.append(Path(imageio_ffmpeg.get_ffmpeg_exe()).absolute())
    except (ImportError, RuntimeError):  # RuntimeError: the wheel for this platform carries no program
        pass
    return found


def _can_encode(program: Path) -> bool:
    answer = _ask(program, "-h", f"encoder={H264_ENCODER}")
    return answer is not None and f"Encoder {H264_ENCODER}" in answer


def _ask(program: Path, *arguments: str) -> str | None:
    """Standard output of one quick question, or None when the program fails to answer."""
    try:
        done = subprocess.run(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
