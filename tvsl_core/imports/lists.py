"""The labelled instants as a list to score on and a list to train on, with their frames and sounds beside them.

``benchmark.csv`` is a custom list of ``tvsl evaluate``, ``training.csv`` one of ``tvsl train``. An instant is the peak
of an event: each event that people left or added is asked for once, together with whatever else sounds then.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tvsl_core.annotate.results.names import safe_name
from tvsl_core.annotate.results.table import read_metadata
from tvsl_core.data.benchmarks.custom import BENCHMARK_LIST, CORNER_COLUMNS, TRAINING_LIST
from tvsl_core.data.training_sets.prepare import cut_clip, frame_path, sound_path
from tvsl_core.errors import MediaError
from tvsl_core.exports.results import VideoResults, read_results
from tvsl_core.imports.tables import TOOL as TABLE
from tvsl_core.system.files import write_bytes
from tvsl_core.types import Box, SourceEvent

BENCHMARK_COLUMNS = ("id", "video", "class", *CORNER_COLUMNS, "frame_width", "frame_height")
TRAINING_COLUMNS = ("path", "class", "group")


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledInstant:
    """What sounds at one instant, and where."""

    id: str
    time_s: float
    sources: tuple[tuple[SourceEvent, Box | None], ...]
    """The box is None off screen, and where nobody said how the source moves."""


def write_lists(labels: Path) -> None:
    """Write both lists for all labels of a folder, and cut the frames and sounds that are not there yet.

    Instants whose video has gone or cannot be decoded stand in no list.

    Raises: OutputError: Something cannot be written.
    """
    scored: list[tuple[object, ...]] = []
    trained: list[tuple[object, ...]] = []
    for video in read_results(labels):
        for instant in labelled_instants(video):
            if not _cut(labels, video, instant):
                continue
            for event, box in instant.sources:
                corners = ("", "", "", "") if box is None else (box.x_min, box.y_min, box.x_max, box.y_max)
                scored.append((instant.id, video.name, event.name, *corners, video.width, video.height))
            # A sound from elsewhere would teach that what is seen makes it.
            if all(event.verdict == "sounding" for event, _ in instant.sources):
                trained += [(instant.id, event.name, video.name) for event, _ in instant.sources]
    write_bytes(labels / BENCHMARK_LIST, _csv(BENCHMARK_COLUMNS, scored))
    write_bytes(labels / TRAINING_LIST, _csv(TRAINING_COLUMNS, trained))


def labelled_instants(video: VideoResults) -> Iterator[LabelledInstant]:
    """The peak of each labelled event, with everything that sounds then."""
    between = read_metadata(video.table).get("labelled_in") != TABLE
    times = sorted({event.peak_s for event in video.events})
    place = "/".join(safe_name(part) for part in video.name.split("/"))
    for time_s in times:
        active = [event for event in video.events if event.start_s <= time_s < event.end_s]
        sources = tuple((event, box_at(video, event, time_s, between=between)) for event in active)
        yield LabelledInstant(id=f"{place}@{round(1000 * time_s):09d}", time_s=time_s, sources=sources)


def box_at(video: VideoResults, event: SourceEvent, time_s: float, *, between: bool) -> Box | None:
    """Where a source is at a time of its event.

    Args:
        video: The labels.
        event: One of them.
        time_s: Inside it.
        between: Whether places between those that people set follow from these, as in a program of tracks; a table
            says one place an event and nothing of how it moves.
    """
    shown = [one for one in video.instants_of(event) if one.box is not None]
    exact = next((one.box for one in shown if abs(one.time_s - time_s) < 1e-6), None)
    if exact is not None or not between or not shown:
        return exact
    before = max((one for one in shown if one.time_s <= time_s), key=lambda one: one.time_s, default=shown[0])
    after = min((one for one in shown if one.time_s > time_s), key=lambda one: one.time_s, default=before)
    assert before.box is not None
    assert after.box is not None
    gap = after.time_s - before.time_s
    return before.box.towards(after.box, (time_s - before.time_s) / gap if gap > 0 else 0.0)


def _cut(labels: Path, video: VideoResults, instant: LabelledInstant) -> bool:
    """Whether the frame and the sound of an instant are there now."""
    if frame_path(labels, instant.id).is_file() and sound_path(labels, instant.id).is_file():
        return True
    try:
        cut_clip(instant.id, video.path, instant.time_s, labels)
    except (MediaError, FileNotFoundError):
        return False
    return True


def _csv(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()
