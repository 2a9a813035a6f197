"""The compressor that was asked for, with its own words for preset and quality; those of graphics processors too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, get_args

from tvsl_core.errors import OutputError
from tvsl_core.media.read.planes import PLANAR
from tvsl_core.media.write.options import EncodeOptions, EncoderName, Preset

if TYPE_CHECKING:
    from av.codec.hwaccel import HWAccel

_HARDWARE: Mapping[EncoderName, str] = {
    "nvenc": "an NVIDIA graphics processor and its driver",
    "vaapi": "an Intel or AMD graphics processor and its VA-API driver",
    "videotoolbox": "a Mac",
}
"""What each needs."""
_ADDED: Mapping[Preset, Mapping[str, str]] = {
    "ultrafast": {"8x8dct": "1"},  # without it, it would not even be of the profile that is promised
    # Looking ahead saves more than it costs. Motion in whole pixels, and every other frame between its neighbours
    # without trying how many fit there, save a fifth of the time for some more bytes: docs/experiments.md.
    "superfast": {"mbtree": "1", "rc-lookahead": "10", "subq": "0", "bf": "1", "b_strategy": "0"},
}
_LARGE_PIXELS = 2560 * 1600
_THRIFT = {"rc-lookahead": "1", "bf": "0", "refs": "1"}
"""Looking ahead and back makes files smaller and costs x264 four copies of each frame: 3 GB at 8K."""
_TRIAL_SIDE = 256
_LAMBDA = 118
"""FFmpeg counts a constant quality in this unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compressor:
    """An encoder of FFmpeg and its options."""

    name: str
    """Among FFmpeg's encoders."""
    options: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None
    """Kind of device that frames are brought to first; None where the encoder takes them as they are."""

    def accelerator(self) -> HWAccel | None:
        """What brings frames to the device."""
        from av.codec.hwaccel import HWAccel

        return None if self.device is None else HWAccel(device_type=self.device)


def compressor(options: EncodeOptions, *, pixels: int) -> Compressor:
    """The compressor for videos of a size.

    Args:
        options: What is asked for.
        pixels: Of a frame.

    Raises: OutputError: It is one of a graphics processor, and does not work here.
    """
    wanted = options.encoder
    if wanted == "auto":
        wanted = next((name for name in _HARDWARE if _trouble(name) is None), "x264")
    elif wanted in _HARDWARE and (trouble := _trouble(wanted)) is not None:
        message = f"The encoder {wanted} does not work on this machine ({trouble}): it needs {_HARDWARE[wanted]}."
        raise OutputError(message, hint="Use --encoder x264, or auto for whatever is there.", stage="write")
    return _compressor(wanted, options, pixels)


def _compressor(name: EncoderName, options: EncodeOptions, pixels: int) -> Compressor:
    quality = str(options.quality)
    if name == "nvenc":
        speed = f"p{1 + get_args(Preset).index(options.preset)}"
        return Compressor(name="h264_nvenc", options={"preset": speed, "rc": "vbr", "cq": quality, "profile": "high"})
    if name == "vaapi":
        chosen = {"rc_mode": "CQP", "qp": quality, "profile": "high"}
        return Compressor(name="h264_vaapi", options=chosen, device="vaapi")
    if name == "videotoolbox":  # counts from 1, the poorest, to 100
        share = str(max(1, 100 - 2 * options.quality) * _LAMBDA)
        chosen = {"flags": "+qscale", "global_quality": share, "profile": "high"}
        return Compressor(name="h264_videotoolbox", options=chosen)
    ahead = _THRIFT if pixels > _LARGE_PIXELS else _ADDED.get(options.preset, {})
    return Compressor(
        name="libx264", options={"preset": options.preset, "crf": quality, "profile": "high", "a53cc": "0", **ahead}
    )


@cache
def _trouble(name: EncoderName) -> str | None:
    """Why an encoder does not work on this machine, found by trying; None when it does."""
    import av
    import av.error

    tried = _compressor(name, EncodeOptions(), _TRIAL_SIDE**2)
    try:
        context = av.VideoCodecContext.create(tried.name, "w", hwaccel=tried.accelerator())
        assert isinstance(context, av.VideoCodecContext)
        context.width = context.height = _TRIAL_SIDE
        context.pix_fmt, context.framerate, context.time_base = PLANAR, Fraction(25), Fraction(1, 25)
        context.options = dict(tried.options)
        context.encode(av.VideoFrame(_TRIAL_SIDE, _TRIAL_SIDE, PLANAR))
        context.encode(None)
    except av.codec.codec.UnknownCodecError:
        return f"FFmpeg was built without {tried.name}"
    except (av.error.FFmpegError, RuntimeError, ValueError, NotImplementedError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None
