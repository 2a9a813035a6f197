"""How large a file may claim to be. Imports nothing, since the command line shows these numbers as defaults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaLimits:
    """What a file may ask of us before it is refused: a small file can claim to be enormous."""

    max_pixels: int = 8192 * 8192
    """Of one picture: width times height."""
    max_duration_s: float = 24 * 3600.0
    """Length of the timeline."""
    max_frames: int = 10_000_000
    """Pictures of one video."""
    max_sample_rate: int = 768_000
    """Of the sound track that is listened to, in Hz."""
    max_channels: int = 64
    """Of the sound track that is listened to."""

    def __post_init__(self) -> None:
        for name in ("max_pixels", "max_duration_s", "max_frames", "max_sample_rate", "max_channels"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                shown = name.removesuffix("_s").replace("_", "-")
                raise ValueError(f"{shown} must be positive and finite, got {value}")


DEFAULT_LIMITS = MediaLimits()
"""An 8K picture of any shape, a day, and more pictures, samples and channels than devices record."""
