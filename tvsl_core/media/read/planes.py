"""One decoded picture as a viewer sees it, in the planes that videos are coded in; nearly all are that already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.read.picture import KNOWN_MATRICES, Orientation, guessed_matrix, orientation, reformat, turn

if TYPE_CHECKING:
    from av import VideoFrame

ColourStandard = Literal["bt709", "smpte170m"]
"""Which luma and chroma stand for a colour: those of high definition, or those of television before it."""

PLANAR = "yuv420p"
"""Luma of every pixel, then two planes of chroma with one value for every two by two; what every browser plays."""
_BT709, _BT601 = 1, 5
"""Colour matrices by FFmpeg's numbers."""
_STANDARDS: Mapping[int, ColourStandard] = {1: "bt709", 5: "smpte170m", 6: "smpte170m"}  # ITU-T H.273, table 4
_VIDEO_RANGES = (0, 1)  # untold, 16 to 235


def standard_of_size(width: int, height: int) -> ColourStandard:
    """What players assume when a file does not say."""
    return _STANDARDS[guessed_matrix(width, height)]


def colour_standard(frame: VideoFrame) -> ColourStandard:
    """The standard of a frame, from its tag, else from its size; the nearest one where it keeps to neither."""
    return _STANDARDS.get(frame.colorspace) or standard_of_size(frame.width, frame.height)


def planes_of(frame: VideoFrame) -> tuple[NDArray[np.uint8], ...]:
    """Views of a frame's luma and two planes of chroma, ``[row column]``; writing to them changes the frame."""
    views = []
    for plane in frame.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8)[: plane.line_size * plane.height]
        views.append(rows.reshape(plane.height, plane.line_size)[:, : plane.width])
    return tuple(views)


def from_planes(planes: tuple[NDArray[np.uint8], ...], standard: ColourStandard) -> VideoFrame:
    """A new frame with copies of these planes; its size is that of the first one, the luma."""
    from av import VideoFrame

    height, width = planes[0].shape
    frame = VideoFrame(width, height, PLANAR)
    for place, plane in zip(planes_of(frame), planes, strict=True):
        np.copyto(place, plane)
    frame.colorspace = _matrix(standard)
    return frame


def copied(frame: VideoFrame) -> VideoFrame:
    """A frame that may be drawn on: a decoder still looks at the one that it gave."""
    return from_planes(planes_of(frame), colour_standard(frame))


def from_rgb(pixels: NDArray[np.uint8], standard: ColourStandard) -> VideoFrame:
    """A picture in colours as a frame to be coded.

    Args:
        pixels: RGB uint8 ``[height width 3]``; an odd last row or column is doubled.
        standard: Of the planes.
    """
    from av import VideoFrame

    height, width = pixels.shape[:2]
    even = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    colours = VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
    return PlanesConverter(width + width % 2, height + height % 2, standard=standard).convert(colours)


class PlanesConverter:
    """Turns decoded frames into upright ``yuv420p`` of one even size and one standard; what is that already is kept.

    Args:
        width: Of the pictures as shown; an odd last column is doubled.
        height: Of the pictures as shown; an odd last row is doubled.
        standard: Of all frames that are given; None is that of the first one.
    """

    def __init__(self, width: int, height: int, *, standard: ColourStandard | None = None) -> None:
        from av.video.reformatter import VideoReformatter

        self.width = width
        self.height = height
        self.standard = standard
        self._scaler = VideoReformatter()

    def convert(self, frame: VideoFrame) -> VideoFrame:
        """A frame to be coded; the very same one when nothing is to be changed.

        Raises: MediaError: Its pixels are in a format that cannot be converted.
        """
        turned = orientation(frame)
        if self.standard is None:
            self.standard = colour_standard(frame)
        width, height = (self.height, self.width) if turned.is_sideways else (self.width, self.height)
        fits = (frame.format.name, frame.width, frame.height) == (PLANAR, width, height)
        in_range = frame.color_range in _VIDEO_RANGES and all(plane.line_size > 0 for plane in frame.planes)
        has_standard = frame.colorspace in _STANDARDS or frame.colorspace not in KNOWN_MATRICES
        if not (fits and in_range and has_standard and colour_standard(frame) == self.standard):
            matrix = _matrix(self.standard)
            frame = reformat(self._scaler, frame, width=width, height=height, layout=PLANAR, matrix=matrix)
        if turned == Orientation() and not width % 2 and not height % 2:
            return frame
        luma, *chroma = (turn(plane, turned) for plane in planes_of(frame))
        luma = np.pad(luma, ((0, self.height % 2), (0, self.width % 2)), mode="edge")
        return from_planes((luma, *chroma), self.standard)


def _matrix(standard: ColourStandard) -> int:
    return _BT709 if standard == "bt709" else _BT601
