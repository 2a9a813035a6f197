"""How heatmap videos are compressed; imports nothing heavy, since the command line shows these as options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tvsl_core.option import option

EncoderName = Literal["x264", "auto", "nvenc", "vaapi", "videotoolbox"]
"""What compresses; all write H.264, because every browser plays it."""
Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"]
"""From the fastest to the one that makes the smallest files."""
_HOW = "Model and speed"


@dataclass(frozen=True, kw_only=True, slots=True)
class EncodeOptions:
    """How a video is compressed."""

    encoder: EncoderName = option("x264", topic=_HOW)
    """What compresses the heatmap videos: x264 runs everywhere; nvenc, vaapi and videotoolbox are those of graphics
    processors, and auto is the first of them that works here, else x264."""
    preset: Preset = option("superfast", topic=_HOW)
    """How long the compressor thinks: slower ones make smaller heatmap videos that look the same."""
    quality: int = 21
    """Of heatmap videos, on x264's scale: 1 is the most faithful, 18 looks like the original, 28 is visibly poorer."""

    def __post_init__(self) -> None:
        if not 1 <= self.quality <= 51:  # 0 is lossless, which browsers do not play
            raise ValueError(f"quality must lie in [1, 51], got {self.quality}")
