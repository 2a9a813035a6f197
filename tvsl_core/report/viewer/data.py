"""What the pages of a results folder show, as plain values: one row a video, and all of one video."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np

from tvsl_core.annotate.results.table import read_table
from tvsl_core.errors import TvslError
from tvsl_core.exports.results import VideoResults
from tvsl_core.exports.speakers import speaker_numbers
from tvsl_core.imports.compare import Corrections, compare
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.types import Box, SourceEvent

WAVE_RATE = 8000
"""Samples a second from which the waveform is drawn."""
MOST_PEAKS = 2000
"""Columns of the waveform; more are not seen on any screen."""
PEAKS_A_SECOND = 20
THUMBNAIL = (208, 120)
"""Width and height that a thumbnail fits into, twice its size on the page."""
THUMBNAIL_QUALITY = 75


def video_id(name: str) -> str:
    """What a video is called in addresses of the report: the same for the same name, and safe in a file name."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def overview_row(row: Mapping[str, Any], video: VideoResults | None, thumbnail: str) -> dict[str, Any]:
    """One line of the overview.

    Args:
        row: Of ``videos.parquet``.
        video: Its results; None when it has none.
        thumbnail: Address of its picture; empty when there is none.
    """
    found: dict[tuple[str, str], float] = {}
    for event in video.events if video else ():
        key = (event.name, event.verdict)
        found[key] = max(found.get(key, 0.0), event.score)
    return {
        "id": video_id(row["video"]),
        "name": row["video"],
        "status": row["status"],
        "duration": row["duration_s"] or 0.0,
        "events": len(video.events) if video else 0,
        "found": [
            {"class": name, "verdict": verdict, "score": round(score, 3)} for (name, verdict), score in found.items()
        ],
        "thumb": thumbnail,
        "error": row["error"] or "",
        "hint": row["hint"] or "",
    }


def video_page(video: VideoResults, place: Path, labels: VideoResults | None = None) -> dict[str, Any]:
    """Everything about one video: events, boxes and maps at each instant, and the outline of its sound.

    Args:
        video: Its results.
        place: Folder of the report, from which the video's address is given.
        labels: What people said of it; None when nobody did.
    """
    said, speakers = compare(video, labels) if labels is not None else None, speaker_numbers(video.events)
    return {
        "id": video_id(video.name),
        "name": video.name,
        "src": address(video.path, place),
        "duration": max([video.duration_s, 1e-3, *(event.end_s for event in video.events)]),
        "width": video.width,
        "height": video.height,
        "rate": float(video.frame_rate),
        # A browser counts from the first picture or sound as we do; containers whose times begin elsewhere start at 0.
        "offset": 0,
        "events": [
            _event(event, speakers) | ({"opinion": _opinion(said, event)} if said is not None else {})
            for event in video.events
        ],
        "people": None
        if labels is None
        else {"events": [_event(event, {}) for event in labels.events], "instants": list(_instants(labels))},
        "added": [event.event_id for event in said.added] if said is not None else [],
        "instants": (instants := list(_instants(video))),
        # What is off screen has no map: its absence says nothing of whether maps were kept.
        "has_maps": any("map" in one for one in instants) or all(one.box is None for one in video.events),
        "wave": waveform(video.path, video.duration_s),
    }


def _event(event: SourceEvent, speakers: Mapping[int, int]) -> dict[str, Any]:
    speaker = speakers.get(event.source_id)
    return {
        "id": event.event_id,
        "source": event.source_id,
        "class": event.name,
        "label": event.name if speaker is None else f"{event.name}, speaker {speaker}",
        "start": round(event.start_s, 3),
        "end": round(event.end_s, 3),
        "score": round(event.score, 3),
        "verdict": event.verdict,
        "others": [[other.name, round(other.score, 3)] for other in event.alternatives],
    }


def _opinion(said: Corrections, event: SourceEvent) -> str:
    """What people say of an event, in words."""
    opinion, answer = said.opinions[event.event_id], said.answers.get(event.event_id)
    if opinion == "renamed" and answer is not None:
        return f"is {answer.name}"
    if opinion == "changed" and answer is not None:
        moved = (answer.start_s, answer.end_s) != (event.start_s, event.end_s)
        return f"changed to {answer.start_s:.2f} - {answer.end_s:.2f} s" if moved else "moved in the picture"
    return opinion


def _instants(video: VideoResults) -> Iterator[dict[str, Any]]:
    columns = ["source_id", "time_s", "x_min", "y_min", "x_max", "y_max", "map", "map_rows", "map_cols"]
    for row in read_table(video.sources, columns).sort_by([("time_s", "ascending")]).to_pylist():
        one: dict[str, Any] = {"source": row["source_id"], "time": round(row["time_s"], 3)}
        if row["x_min"] is not None:
            one["box"] = [row[name] for name in ("x_min", "y_min", "x_max", "y_max")]
        if row["map"]:
            values = np.asarray(row["map"], np.float32)
            cells = np.round(255 * values / max(float(values.max()), 1e-6)).astype(np.uint8)
            one |= {"map": base64.b64encode(cells.tobytes()).decode("ascii")}
            one |= {"rows": row["map_rows"], "cols": row["map_cols"]}
        yield one


def address(path: Path, place: Path) -> str:
    """A video's address seen from a folder: relative where both are on one disk, so that they can move together."""
    try:
        relative = os.path.relpath(path.absolute(), place.absolute())
    except ValueError:  # another drive of Windows
        return path.absolute().as_uri()
    return "/".join(quote(part) for part in Path(relative).parts)


def waveform(path: Path, duration_s: float) -> list[int]:
    """The largest absolute sample of each column, 0 to 255; empty where the file has gone or has no sound."""
    try:
        info = probe(path)
        count = int(np.clip(duration_s * PEAKS_A_SECOND, 1, MOST_PEAKS))
        if info.sound_track is None:
            return []
        stream = SoundStream(info, sample_rate=WAVE_RATE)
        try:
            edges = np.linspace(0, duration_s, count + 1)
            peaks = [
                float(np.abs(stream.window(Fraction(start), Fraction(end))).max(initial=0.0))
                for start, end in pairwise(edges)
                if round((end - start) * WAVE_RATE)
            ]
        finally:
            stream.close()
    except (TvslError, OSError):
        return []
    loudest = max(peaks, default=0.0) or 1.0
    return [round(255 * peak / loudest) for peak in peaks]


def thumbnail(video: VideoResults) -> bytes:
    """A small JPEG of the surest moment, its box drawn; empty where the file has gone or has no picture."""
    best = max(video.events, key=lambda event: (event.box is not None, event.score), default=None)
    at = best.peak_s if best else video.duration_s / 2
    return thumbnail_at(video.path, at, box=best.box if best else None, width=video.width)


def thumbnail_at(path: Path, time_s: float, *, box: Box | None = None, width: int = 0) -> bytes:
    """A small JPEG of one moment; empty where the file has gone or has no picture.

    Args:
        path: The video.
        time_s: The moment; the last one where the video ends before it.
        box: That is drawn, in pixels of a frame of ``width``.
        width: Of the frame as shown; 0 when there is no box.
    """
    try:
        info = probe(path)
        frames = read_frames(info, fps=1.0, start_s=min(time_s, max(0.0, info.duration_s - 0.1)), max_side=640)
        try:
            frame = next(frames, None)
        finally:
            frames.close()
    except (TvslError, OSError):
        return b""
    if frame is None:
        return b""
    picture = cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR)
    tall, wide = picture.shape[:2]
    if box is not None and width:
        left, top, right, bottom = (
            round(value * wide / width) for value in (box.x_min, box.y_min, box.x_max, box.y_max)
        )
        cv2.rectangle(picture, (left, top), (right, bottom), (61, 163, 232), 3, cv2.LINE_AA)
    shrink = min(1.0, max(THUMBNAIL[0] / wide, THUMBNAIL[1] / tall))
    small = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    _, coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY])
    return coded.tobytes()
