"""Files that claim to be enormous are refused before their claims are believed.

A kilobyte can announce pictures of a gigabyte, a sound of 2 GHz, or a picture that stands for a century. Each check
here ends in one sentence with the value, the limit and the option that raises it.
"""

from __future__ import annotations

import ctypes
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Literal

from tvsl_core.errors import MediaError
from tvsl_core.limits import MediaLimits

Stage = Literal["probe", "decode"]

MAX_SIDE = 16384
"""Longest side of a picture, in pixels; H.264, which the results are written in, knows no longer one."""
LEAST_ALLOCATION = 512 << 20
"""Bytes that FFmpeg may always ask for at once."""
BYTES_A_PIXEL = 8
"""Of the thickest pixel format, 16 bits in four channels."""

_allocation_lock = Lock()
_largest_allocation = 0


def largest_allocation(limits: MediaLimits) -> int:
    """Most bytes that FFmpeg may ask for at once: one picture of the largest size fits."""
    return max(LEAST_ALLOCATION, BYTES_A_PIXEL * limits.max_pixels)


def limit_allocations(limits: MediaLimits) -> None:
    """Let no single request of FFmpeg for memory exceed :func:`largest_allocation`, in this process.

    An index of 1.6 kB may name 85 million samples, and a packed one of 2 MB unpack to 2 GB; FFmpeg would take that
    much. The limit holds for the whole process and only grows.
    """
    global _largest_allocation  # noqa: PLW0603 FFmpeg keeps it per process too
    wanted = largest_allocation(limits)
    with _allocation_lock:
        if wanted <= _largest_allocation:
            return
        import av._core

        try:  # the symbol is found through the libraries that PyAV's own module is linked with
            set_limit = ctypes.CDLL(av._core.__file__).av_max_alloc
        except (AttributeError, OSError):  # a platform whose loader does not look there: the other limits still hold
            return
        set_limit.argtypes, set_limit.restype = [ctypes.c_size_t], None
        set_limit(wanted)
        _largest_allocation = wanted


def check_size(path: Path, width: int, height: int, limits: MediaLimits, *, stage: Stage = "probe") -> None:
    """Refuse pictures that would fill the memory.

    Raises:
        MediaError: The file gives no size, a side is longer than ``MAX_SIDE``, or there are too many pixels.
    """
    if width < 1 or height < 1:
        message = f"{path} gives no picture size, or one of more than {limits.max_pixels:,} pixels."
        raise MediaError(message, hint="Convert it first, or raise --max-pixels if you trust it.", stage=stage)
    if max(width, height) > MAX_SIDE:
        hint = f"The limit is {MAX_SIDE} pixels a side; scale it down first."
        raise MediaError(f"{path} claims pictures of {width} x {height} pixels.", hint=hint, stage=stage)
    if width * height > limits.max_pixels:
        message = f"{path} claims pictures of {width} x {height} = {width * height:,} pixels."
        raise _over(message, f"{limits.max_pixels:,}", "--max-pixels", stage)


def check_duration(path: Path, seconds: Fraction, limits: MediaLimits, *, stage: Stage = "probe") -> None:
    """Refuse a timeline that would never end.

    Raises:
        MediaError: It is longer than the limit.
    """
    if seconds > limits.max_duration_s:
        message = f"{path} claims to last {float(seconds):,.0f} seconds."
        raise _over(message, f"{limits.max_duration_s:,.0f} seconds", "--max-duration", stage)


def check_frames(path: Path, frames: int, limits: MediaLimits, *, stage: Stage = "probe") -> None:
    """Refuse more pictures than anybody films.

    Raises:
        MediaError: There are more than the limit.
    """
    if frames > limits.max_frames:
        message = f"{path} {'claims' if stage == 'probe' else 'goes on beyond'} {frames:,} pictures."
        raise _over(message, f"{limits.max_frames:,}", "--max-frames", stage)


def check_sound(path: Path, sample_rate: int, channels: int, limits: MediaLimits, *, stage: Stage = "probe") -> None:
    """Refuse sound that no device records.

    Raises:
        MediaError: The sample rate or the number of channels is over its limit.
    """
    if sample_rate > limits.max_sample_rate:
        message = f"The sound of {path} claims {sample_rate:,} samples a second."
        raise _over(message, f"{limits.max_sample_rate:,}", "--max-sample-rate", stage)
    if channels > limits.max_channels:
        message = f"The sound of {path} claims {channels:,} channels."
        raise _over(message, f"{limits.max_channels:,}", "--max-channels", stage)


def _over(message: str, limit: str, option: str, stage: Stage) -> MediaError:
    return MediaError(message, hint=f"The limit is {limit}; raise it with {option} if you trust the file.", stage=stage)
