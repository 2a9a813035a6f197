"""Label Studio's JSON export: tasks whose annotations hold video rectangles.

Places are percent of the frame and frames count from 1. A point that is not ``enabled`` is the last frame on which its
rectangle is shown; Label Studio interpolates between enabled ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from tvsl_core.errors import ManifestError
from tvsl_core.imports.labels import KeyFrame, Track, VideoFinder, VideoLabels, class_name, labels_of_tracks

TOOL = "Label Studio"
_UPLOAD = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio writes before the name of an uploaded file."""


def read_label_studio(tasks: Any, finder: VideoFinder, *, where: str) -> Iterator[VideoLabels]:
    """What each task that a person finished says of its video.

    Args:
        tasks: The parsed file.
        finder: Of the videos.
        where: What errors call the file.

    Raises: ManifestError: It is of another form, nobody corrected anything, or a task is of another video.
    """
    if not isinstance(tasks, list) or not all(isinstance(task, dict) and "data" in task for task in tasks):
        raise ManifestError(
            f"{where} is JSON, but not of Label Studio.", hint="Export the project as JSON (not JSON-MIN)."
        )
    finished = [(task, chosen) for task in tasks if (chosen := _annotation(task)) is not None]
    if not finished:
        raise ManifestError(
            f"nobody has submitted an annotation in {where}.", hint="Correct and submit the tasks, then export them."
        )
    for task, annotation in finished:
        video = finder.find(_names(task["data"]), where=where)
        try:
            tracks = list(_tracks(annotation["result"], where))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ManifestError(
                f"{where} holds a damaged task of '{video.name}': {error!r} is missing or wrong.",
                hint="Export it again.",
            ) from None
        yield labels_of_tracks(video, tracks, where=where)


def _annotation(task: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The newest annotation that was not skipped."""
    given = task.get("annotations")
    done = [one for one in given if isinstance(one, dict) and not one.get("was_cancelled")] if given else []
    return max(done, key=lambda one: str(one.get("updated_at", "")), default=None)


def _names(data: Any) -> Iterator[str]:
    if not isinstance(data, dict):
        return
    for value in (data.get("name"), data.get("video"), *data.values()):
        if isinstance(value, str):
            yield value
            base = PurePosixPath(unquote(urlsplit(value.replace("\\", "/")).query.rpartition("d=")[2] or value)).name
            yield base
            yield _UPLOAD.sub("", base)


def _tracks(result: Sequence[Mapping[str, Any]], where: str) -> Iterator[Track]:
    labels = {one["id"]: one["value"]["labels"] for one in result if one.get("type") == "labels"}
    for one in result:
        if one.get("type") != "videorectangle":
            continue
        value = one["value"]
        named = value.get("labels") or labels.get(one.get("id"))
        if not named:
            raise ValueError("the label of a rectangle")
        keys = tuple(key for point in value["sequence"] for key in _keys(point))
        yield Track(name=class_name(str(named[0]), where), keys=keys)


def _keys(point: Mapping[str, Any]) -> Iterator[KeyFrame]:
    frame = int(point["frame"]) - 1
    left, top = float(point["x"]) / 100, float(point["y"]) / 100
    corners = (left, top, left + float(point["width"]) / 100, top + float(point["height"]) / 100)
    yield KeyFrame(frame=frame, corners=corners)
    if not point.get("enabled", True):
        yield KeyFrame(frame=frame + 1, corners=None)
