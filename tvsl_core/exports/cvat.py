"""``cvat-video``: CVAT for video 1.1, a track a source, with score and verdict as attributes of every box.

Source: the format's description in CVAT's manual ("CVAT for video 1.1"). Frames count from 0; pixels are those that the
file stores after rotation, since CVAT shows frames without their pixel aspect ratio.
"""

from __future__ import annotations

from xml.etree import ElementTree

from tvsl_core.exports.results import SourceInstant, VideoResults
from tvsl_core.types import SourceEvent

ATTRIBUTES = ("score", "verdict", "alternatives")


def cvat_video(video: VideoResults) -> str:
    """The XML of one video. A source is outside between its events, so that nothing is interpolated across a pause."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    _write_task(root, video)
    by_source: dict[int, list[SourceEvent]] = {}
    for event in video.events:
        by_source.setdefault(event.source_id, []).append(event)
    for source_id, events in sorted(by_source.items()):
        _write_track(root, video, source_id, events)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _write_task(root: ElementTree.Element, video: VideoResults) -> None:
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    facts = {
        "name": _text(video.name),
        "size": str(video.frames),
        "mode": "interpolation",
        "overlap": "0",
        "start_frame": "0",
        "stop_frame": str(video.frames - 1),
        "frame_filter": "",
        "source": _text(video.path.name),
    }
    for name, value in facts.items():
        ElementTree.SubElement(task, name).text = value
    labels = ElementTree.SubElement(task, "labels")
    for name in sorted({event.name for event in video.events}):
        label = ElementTree.SubElement(labels, "label")
        ElementTree.SubElement(label, "name").text = _text(name)
        attributes = ElementTree.SubElement(label, "attributes")
        for attribute in ATTRIBUTES:
            described = ElementTree.SubElement(attributes, "attribute")
            for key, value in (("name", attribute), ("mutable", "True"), ("input_type", "text")):
                ElementTree.SubElement(described, key).text = value
            ElementTree.SubElement(described, "default_value")
            ElementTree.SubElement(described, "values")
    size = ElementTree.SubElement(task, "original_size")
    for name, pixels in zip(("width", "height"), video.stored_size, strict=True):
        ElementTree.SubElement(size, name).text = str(pixels)


def _write_track(root: ElementTree.Element, video: VideoResults, source_id: int, events: list[SourceEvent]) -> None:
    facts = {"id": str(source_id), "label": _text(events[0].name), "source": "auto"}
    track = ElementTree.Element("track", facts)
    for event in events:
        shown = video.key_boxes(event)
        for one in shown:
            _write_box(track, video, event, one, frame=one.frame, outside=False)
        if shown:
            last = video.frame_at(event.end_s)
            if last < video.frames:
                _write_box(track, video, event, shown[-1], frame=max(last, shown[-1].frame + 1), outside=True)
    if len(track):
        root.append(track)


def _write_box(
    track: ElementTree.Element,
    video: VideoResults,
    event: SourceEvent,
    one: SourceInstant,
    *,
    frame: int,
    outside: bool,
) -> None:
    assert one.box is not None
    corners = zip(("xtl", "ytl", "xbr", "ybr"), video.to_stored(one.box), strict=True)
    facts = {"frame": str(frame), "outside": str(int(outside)), "occluded": "0", "keyframe": "1", "z_order": "0"}
    box = ElementTree.SubElement(track, "box", facts | {name: f"{value:.2f}" for name, value in corners})
    others = "; ".join(f"{other.name} {other.score:.2f}" for other in event.alternatives)
    for name, value in zip(ATTRIBUTES, (f"{one.score:.4f}", one.verdict, others), strict=True):
        ElementTree.SubElement(box, "attribute", {"name": name}).text = _text(value)


def _text(value: str) -> str:
    """Only what XML 1.0 can hold: control characters and halves of characters become U+FFFD."""
    return "".join(
        letter if letter in "\t\n\r" or (letter >= " " and not "\ud800" <= letter <= "\udfff" and letter < "\ufffe")
        or letter > "\uffff" else "\ufffd"
        for letter in value
    )  # fmt: skip
