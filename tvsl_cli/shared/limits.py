"""Options that raise or lower what a file may claim to be; every command that reads videos has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tvsl_cli.shared import config_file as kinds
from tvsl_core.limits import DEFAULT_LIMITS, MediaLimits

_PANEL = "Limits on files"


def _length(value: str) -> float:
    try:
        return kinds.seconds(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


MaxPixels = Annotated[int, typer.Option(metavar="N", help="Most pixels of one picture.", rich_help_panel=_PANEL)]
MaxDuration = Annotated[
    Any,
    typer.Option(
        parser=_length,
        metavar="TIME",
        help="Longest video: seconds or [hh:]mm:ss[.f]; 24:00:00 by default.",
        rich_help_panel=_PANEL,
    ),
]
MaxFrames = Annotated[int, typer.Option(metavar="N", help="Most pictures of one video.", rich_help_panel=_PANEL)]
MaxSampleRate = Annotated[
    int, typer.Option(metavar="HZ", help="Highest sample rate of the sound.", rich_help_panel=_PANEL)
]
MaxChannels = Annotated[int, typer.Option(metavar="N", help="Most channels of the sound.", rich_help_panel=_PANEL)]

MAX_PIXELS = DEFAULT_LIMITS.max_pixels
MAX_DURATION = None
"""The default of an option with a parser must be None; ``limits_from`` puts the real one in its place."""
MAX_FRAMES = DEFAULT_LIMITS.max_frames
MAX_SAMPLE_RATE = DEFAULT_LIMITS.max_sample_rate
MAX_CHANNELS = DEFAULT_LIMITS.max_channels

LIMIT_KEYS: dict[str, kinds.Converter] = {
    "max-pixels": kinds.whole,
    "max-duration": kinds.seconds,
    "max-frames": kinds.whole,
    "max-sample-rate": kinds.whole,
    "max-channels": kinds.whole,
}
"""What a configuration file may set of them."""


def limits_from(settings: Mapping[str, Any]) -> MediaLimits:
    """The limits among the settings of a command. Raises: ValueError: One of them is not positive."""
    return limits_of(*(settings[name] for name in LIMIT_KEYS))


def limits_of(
    max_pixels: int, max_duration_s: float | None, max_frames: int, max_sample_rate: int, max_channels: int
) -> MediaLimits:
    """The limits from the options above. Raises: ValueError: One of them is not positive."""
    return MediaLimits(
        max_pixels=max_pixels,
        max_duration_s=DEFAULT_LIMITS.max_duration_s if max_duration_s is None else max_duration_s,
        max_frames=max_frames,
        max_sample_rate=max_sample_rate,
        max_channels=max_channels,
    )
