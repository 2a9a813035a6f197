"""How large a file may claim to be. Imports nothing heavy, since the command line shows these numbers as defaults."""

from __future__ import annotations

from dataclasses import dataclass

from tvsl_core.option import option

_TOPIC = "Limits on files"


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaLimits:
    """What a file may ask of us before it is refused: a small file can claim to be enormous."""

    max_pixels: int = option(8192 * 8192, topic=_TOPIC)
    """Most pixels of one picture."""
    max_duration_s: float = option(24 * 3600.0, clock=True, topic=_TOPIC)
    """Longest video: seconds or [hh:]mm:ss[.f]; 24:00:00 by default."""
    max_frames: int = option(10_000_000, topic=_TOPIC)
    """Most pictures of one video."""
    max_sample_rate: int = option(768_000, metavar="HZ", topic=_TOPIC)
    """Highest sample rate of the sound."""
    max_channels: int = option(64, topic=_TOPIC)
    """Most channels of the sound."""

    def __post_init__(self) -> None:
        for name in ("max_pixels", "max_duration_s", "max_frames", "max_sample_rate", "max_channels"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                shown = name.removesuffix("_s").replace("_", "-")
                raise ValueError(f"{shown} must be positive and finite, got {value}")


DEFAULT_LIMITS = MediaLimits()
"""An 8K picture of any shape, a day, and more pictures, samples and channels than devices record."""
