"""CVAT for video 1.1, as CVAT's menu "Export annotations" writes it: the XML file, or the ZIP archive around it.

Source: the format's description in CVAT's manual ("CVAT for video 1.1"). Frames count from 0; ``outside`` is the first
frame on which a source is gone; boxes with ``keyframe="0"`` were interpolated by CVAT and say nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from tvsl_core.errors import ManifestError
from tvsl_core.exports.results import VideoResults
from tvsl_core.imports.labels import Corners, KeyFrame, Track, VideoFinder, VideoLabels, class_name, labels_of_tracks

TOOL = "CVAT"


def read_cvat(text: str, finder: VideoFinder, *, where: str, file: str) -> Iterator[VideoLabels]:
    """What an XML file says of its video.

    Args:
        text: Of the file.
        finder: Of the video.
        where: What errors call the file.
        file: Its name without the ending, by which the video may be called.

    Raises: ManifestError: It is damaged, of another form, or of another video.
    """
    root = _parse(text, where)
    tags = ("task/name", "job/name", "task/source", "job/source", "source")
    told = [element.text or "" for tag in tags for element in root.findall(f"meta/{tag}")]
    video = finder.find((*told, file), where=where)
    size = _size(root, video, where)
    tracks = []
    for track in root.findall("track"):
        boxes = track.findall("box")
        if not boxes and len(track):
            raise ManifestError(
                f"{where} holds a track of {track[0].tag}, and only boxes can be read.", hint="Draw rectangles in CVAT."
            )
        keys = tuple(_key(box, size, where) for box in boxes if box.get("keyframe", "1") != "0" or _outside(box))
        tracks.append(Track(name=class_name(track.get("label", ""), where), keys=keys))
    yield labels_of_tracks(video, tracks, where=where)


def _parse(text: str, where: str) -> ElementTree.Element:
    # CVAT writes no document type; one could make a short file expand to gigabytes.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ManifestError(f"{where} has a document type, which CVAT does not write.", hint="Export it again.")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ManifestError(f"{where} is damaged XML: {error}.", hint="Export it again.") from None
    if root.tag != "annotations":
        raise ManifestError(
            f"{where} is XML, but not of CVAT: it begins with <{root.tag}>.", hint="Export it as CVAT for video 1.1."
        )
    if root.find("image") is not None:
        raise ManifestError(f"{where} is of single images.", hint="Export it as CVAT for video 1.1.")
    return root


def _size(root: ElementTree.Element, video: VideoResults, where: str) -> tuple[float, float]:
    """Width and height of the pixels that the file counts in."""
    told = root.find(".//original_size")
    if told is None:
        return video.stored_size
    try:
        size = int(told.findtext("width", "")), int(told.findtext("height", ""))
    except ValueError:
        raise ManifestError(f"{where} gives no size of the picture.", hint="Export it again.") from None
    if size not in (video.stored_size, (video.width, video.height)):
        own = " x ".join(map(str, video.stored_size))
        raise ManifestError(
            f"{where} is of a picture of {size[0]} x {size[1]} pixels, but '{video.name}' has {own}.",
            hint="It seems to be of another video; name the right one with --video.",
        )
    return size


def _key(box: ElementTree.Element, size: tuple[float, float], where: str) -> KeyFrame:
    try:
        left, top, right, bottom = (float(box.get(name, "")) for name in ("xtl", "ytl", "xbr", "ybr"))
        frame = int(box.get("frame", ""))
    except ValueError:
        raise ManifestError(f"{where} holds a box without its frame or a corner.", hint="Export it again.") from None
    corners: Corners = (left / size[0], top / size[1], right / size[0], bottom / size[1])
    return KeyFrame(frame=frame, corners=None if _outside(box) else corners)


def _outside(box: ElementTree.Element) -> bool:
    return box.get("outside") == "1"
