"""Packets of an open file until it ends or breaks off; the one loop that all readers share."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, Packet, VideoFrame, VideoStream
    from av.container import InputContainer

ORDER_ONLY = frozenset({"avi", "h264", "hevc", "m4v", "mpegvideo", "obu"})
"""Containers that say when a packet is decoded, not when its picture is shown; shown times follow from the order."""
TRUSTED_BEYOND_S = 60
"""Time stamps so far beyond the length that the file claims are damage."""


def packets(container: InputContainer, *streams: VideoStream | AudioStream) -> Generator[Packet[Any], None, str]:
    """Packets of some streams in the order of the file, then the empty ones that empty the decoders.

    Returns: Why reading broke off; empty when the file was read to its end.
    """
    import av.error

    try:
        yield from container.demux(*streams)
    except av.error.FFmpegError as error:
        return error.strerror or str(error)
    except IndexError:  # PyAV, after the last packet of a file in which a stream appeared midway
        return ""
    return ""


def stamp(item: Packet[Any] | VideoFrame | AudioFrame) -> int | None:
    """Presentation time stamp of a packet or frame, else its decoding time stamp, else None."""
    pts: int | None = getattr(item, "pts", None)
    dts: int | None = getattr(item, "dts", None)
    return pts if pts is not None else dts


def shows_by_order(container: InputContainer) -> bool:
    """Whether the n-th picture shown takes the n-th packet's time, since the file stores no presentation times.

    Presentation times that FFmpeg makes up for such files are out of order when pictures are coded out of order.
    """
    return container.format.name in ORDER_ONLY


def is_plausible(time: Fraction, duration: Fraction) -> bool:
    """Whether a time can be true in a file that claims this length (0: it claims none)."""
    return not duration or abs(time) <= duration + TRUSTED_BEYOND_S
