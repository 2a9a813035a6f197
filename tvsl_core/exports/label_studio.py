"""``label-studio``: tasks with predictions as video rectangles and timeline labels (Label Studio's JSON import)."""

from __future__ import annotations

from typing import Any

from tvsl_core.exports.results import VideoResults
from tvsl_core.types import SourceEvent


def label_studio_task(video: VideoResults, *, model: str = "tvsl") -> dict[str, Any]:
    """One task. Places are percent of the frame, frames count from 1, and a source is switched off after each event.

    The labelling configuration must hold ``<Video name="video" value="$video"/>`` and
    ``<VideoRectangle name="box" toName="video"/>`` with ``<Labels name="label" toName="video">``.
    """
    result = []
    by_source: dict[int, list[SourceEvent]] = {}
    for event in video.events:
        by_source.setdefault(event.source_id, []).append(event)
    for source_id, events in sorted(by_source.items()):
        sequence = [point for event in events for point in _points(video, event)]
        if sequence:
            result.append(
                {
                    "id": f"source-{source_id}",
                    "type": "videorectangle",
                    "from_name": "box",
                    "to_name": "video",
                    "score": max(event.score for event in events),
                    "value": {
                        "framesCount": video.frames,
                        "duration": video.duration_s,
                        "sequence": sequence,
                        "labels": [events[0].name],
                    },
                    "meta": {"verdict": [event.verdict for event in events]},
                }
            )
    score = max((event.score for event in video.events), default=0.0)
    return {
        "data": {"video": str(video.path), "name": video.name},
        "predictions": [{"model_version": model, "score": score, "result": result}],
    }


def _points(video: VideoResults, event: SourceEvent) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = [
        {
            "frame": one.frame + 1,
            "enabled": True,
            "rotation": 0,
            "x": 100 * one.box.x_min / video.width,
            "y": 100 * one.box.y_min / video.height,
            "width": 100 * (one.box.x_max - one.box.x_min) / video.width,
            "height": 100 * (one.box.y_max - one.box.y_min) / video.height,
            "time": one.time_s,
        }
        for one in video.key_boxes(event)
        if one.box is not None
    ]
    if points:
        # A point that is not enabled is the last that is shown: frame_at gives the first frame after the event, from 0.
        last = video.frame_at(event.end_s)
        if last > points[-1]["frame"]:
            points.append(points[-1] | {"frame": last, "time": event.end_s})
        points[-1]["enabled"] = False
    return points
