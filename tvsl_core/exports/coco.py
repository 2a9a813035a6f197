"""``coco``: every annotated instant as an image, with boxes, scores and tracks (COCO object detection, with videos)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tvsl_core.exports.results import SourceInstant, VideoResults


def coco_parts(videos: Callable[[], Iterable[VideoResults]]) -> Iterator[str]:
    """The document in pieces, so that no more than one video is held; the videos are read once for each list.

    ``file_name`` is ``<video>/<frame, six digits>.jpg``. Pixels are those of the frame as shown.
    """
    names = sorted({event.name for video in videos() for event in video.events})
    category = {name: number for number, name in enumerate(names, start=1)}
    yield '{"info": {"description": "Sounding sources found by tvsl"}, "licenses": [],\n"categories": '
    yield json.dumps([{"id": number, "name": name, "supercategory": "sound"} for name, number in category.items()])
    yield ',\n"videos": [\n'
    yield from _joined(
        {"id": number, "name": video.name, "width": video.width, "height": video.height, "length": video.frames}
        for number, video in enumerate(videos(), start=1)
    )
    yield '],\n"images": [\n'
    yield from _joined(image for image, _ in _images(videos()))
    yield '],\n"annotations": [\n'
    yield from _joined(_annotations(videos(), category))
    yield "]}\n"


def _images(videos: Iterable[VideoResults]) -> Iterator[tuple[dict[str, Any], list[SourceInstant]]]:
    number = 0
    for video_id, video in enumerate(videos, start=1):
        frames: dict[int, list[SourceInstant]] = {}
        for one in video.instants:
            frames.setdefault(one.frame, []).append(one)
        for frame, instants in sorted(frames.items()):
            number += 1
            image = {
                "id": number,
                "video_id": video_id,
                "file_name": f"{video.name}/{frame:06d}.jpg",
                "width": video.width,
                "height": video.height,
                "frame_id": frame,
                "time_s": instants[0].time_s,
            }
            yield image, instants


def _annotations(videos: Iterable[VideoResults], category: dict[str, int]) -> Iterator[dict[str, Any]]:
    number = 0
    for image, instants in _images(videos):
        for one in instants:
            if one.box is not None:
                number += 1
                width, height = one.box.x_max - one.box.x_min, one.box.y_max - one.box.y_min
                yield {
                    "id": number,
                    "image_id": image["id"],
                    "video_id": image["video_id"],
                    "category_id": category[one.name],
                    "bbox": [one.box.x_min, one.box.y_min, width, height],
                    "area": width * height,
                    "iscrowd": 0,
                    "score": round(one.score, 4),
                    "track_id": one.source_id,
                }


def _joined(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    before = ""
    for record in records:
        yield before + json.dumps(record, ensure_ascii=False)
        before = ",\n"
