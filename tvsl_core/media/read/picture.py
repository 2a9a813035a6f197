"""One decoded picture as a viewer sees it: turned, with square pixels, in RGB.

Coded pictures differ from shown ones: phones store a sideways picture and a display matrix, DVDs store pixels that
are not square, cameras store luma and chroma by several matrices and ranges.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from tvsl_core.errors import MediaError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.reformatter import VideoReformatter

PixelOrder = Literal["rgb", "bgr"]

HD_HEIGHT = 720
"""Untagged pictures of at least so many rows are taken as BT.709, smaller ones as BT.601, as players do."""
MAX_SAMPLE_ASPECT = 16
"""Sample aspect ratios beyond this (or its inverse) are taken as damage."""

KNOWN_MATRICES = frozenset({0, 1, 4, 5, 6, 7, 9})
"""Colour matrices that the scaler converts from, by number (ITU-T H.273, table 4); others are guessed by size."""
KNOWN_RANGES = frozenset({0, 1, 2})
"""Colour ranges by FFmpeg's numbers: untold, 16 to 235, 0 to 255."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Orientation:
    """What a player does with the coded picture: mirror it left to right if asked, then turn it clockwise."""

    turns: int = 0
    """Quarter turns clockwise, 0 to 3."""
    mirrored: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.turns <= 3:
            raise ValueError(f"turns must lie in 0..3, got {self.turns}")

    @property
    def degrees(self) -> int:
        """Turn clockwise in degrees: 0, 90, 180 or 270."""
        return self.turns * 90

    @property
    def is_sideways(self) -> bool:
        """Whether width and height change places."""
        return self.turns % 2 == 1


def orientation(frame: VideoFrame) -> Orientation:
    """How a decoded frame is to be turned, from its display matrix; upright when it has none.

    The matrix maps a coded point (x, y) to the shown (a x + c y, b x + d y) (ISO/IEC 14496-12, section 8.3.2).
    Angles other than quarter turns go to the nearest one.
    """
    matrix = _display_matrix(frame)
    if len(matrix) < 36:
        return Orientation()
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])
    if a * d - b * c == 0:
        return Orientation()
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    angle = float(np.degrees(np.arctan2(b, a)))
    return Orientation(turns=round(angle / 90) % 4, mirrored=mirrored)


def _display_matrix(frame: VideoFrame) -> bytes:
    """The nine 32-bit numbers of the display matrix, or nothing."""
    from av.sidedata.sidedata import SideDataContainer, Type

    try:
        # What the frame itself makes of them it keeps, and that keeps the frame: its memory would wait for a search for
        # circles, and heaps grow meanwhile.
        items: Iterable[Any] = cast(Any, SideDataContainer)(frame)  # its stub knows no argument
        return next((bytes(item) for item in items if item.type == Type.DISPLAYMATRIX), b"")
    except ValueError:  # other side data of a kind that this PyAV cannot name
        return b""


def shown_size(width: int, height: int, sample_aspect: Fraction | None, turned: Orientation) -> tuple[int, int]:
    """Size in square pixels after turning, as (width, height).

    Args:
        width: Of the coded picture.
        height: Of the coded picture.
        sample_aspect: Width of a coded pixel over its height; None or implausible values count as 1.
        turned: How the picture is turned afterwards.
    """
    if sample_aspect and Fraction(1, MAX_SAMPLE_ASPECT) <= sample_aspect <= MAX_SAMPLE_ASPECT:
        width = max(1, round(width * sample_aspect))
    return (height, width) if turned.is_sideways else (width, height)


class PictureConverter:
    """Turns decoded frames into arrays of one size; keeps the scaler between frames.

    Args:
        width: Of the arrays.
        height: Of the arrays.
        order: Order of the three colours in the last axis.
    """

    def __init__(self, width: int, height: int, *, order: PixelOrder = "rgb") -> None:
        from av.video.reformatter import VideoReformatter

        if width < 1 or height < 1:
            raise ValueError(f"picture size must be positive, got {width} x {height}")
        self.width = width
        self.height = height
        self.order = order
        self._scaler = VideoReformatter()

    def convert(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """A frame as uint8 ``[height width 3]``, contiguous, turned and scaled to this converter's size."""
        turned = orientation(frame)
        width, height = (self.height, self.width) if turned.is_sideways else (self.width, self.height)
        layout = "rgb24" if self.order == "rgb" else "bgr24"
        converted = reformat(self._scaler, frame, width=width, height=height, layout=layout)
        return turn(np.asarray(converted.to_ndarray(), dtype=np.uint8), turned)


def reformat(
    scaler: VideoReformatter, frame: VideoFrame, *, width: int, height: int, layout: str, matrix: int | None = None
) -> VideoFrame:
    """A frame in another size and pixel format.

    Args:
        scaler: Keeps its tables from frame to frame.
        frame: As decoded.
        width: Of the new one.
        height: Of the new one.
        layout: FFmpeg's name of the new pixel format.
        matrix: Colour matrix of the new one where it has planes of luma and chroma, which then span 16 to 235.

    Raises: MediaError: Nothing converts from this frame's pixel format.
    """
    import av.error
    from av.video.reformatter import ColorRange, Interpolation

    shrinks = width < frame.width or height < frame.height
    try:
        return scaler.reformat(
            frame,
            width=width,
            height=height,
            format=layout,
            src_colorspace=None if frame.colorspace in KNOWN_MATRICES else guessed_matrix(frame.width, frame.height),
            src_color_range=None if frame.color_range in KNOWN_RANGES else int(ColorRange.MPEG),
            dst_colorspace=matrix,
            dst_color_range=None if matrix is None else int(ColorRange.MPEG),
            interpolation=Interpolation.AREA if shrinks else Interpolation.BILINEAR,
            threads=1,
        )
    except (av.error.FFmpegError, ValueError) as error:
        message = f"Pictures in the pixel format {frame.format.name} could not be converted ({error})."
        raise MediaError(message, hint="Convert the video to H.264 (yuv420p) first.", stage="decode") from error


def guessed_matrix(width: int, height: int) -> int:
    """The colour matrix that players assume when a file does not say: BT.709 or BT.601, by FFmpeg's numbers."""
    from av.video.reformatter import Colorspace

    return int(Colorspace.ITU709 if min(width, height) >= HD_HEIGHT else Colorspace.ITU601)


def turn(pixels: NDArray[np.uint8], turned: Orientation) -> NDArray[np.uint8]:
    """An array ``[row column ...]`` as a player turns it, contiguous."""
    if turned.mirrored:
        pixels = pixels[:, ::-1]
    if turned.turns:
        pixels = np.rot90(pixels, k=-turned.turns)
    return np.ascontiguousarray(pixels)
