"""CSV with the columns of ``tvsl export --format csv``, as a person left it in an editor or a spreadsheet.

Needed are ``video, class, start_s, end_s``. Corners are pixels of the frame as shown, all four or none; ``verdict`` is
``sounding``, ``uncertain`` or ``offscreen``, by default what the corners say. A spreadsheet may have put semicolons or
tabs between the cells, and decimal commas into them.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from typing import cast, get_args

from tvsl_core.errors import ManifestError
from tvsl_core.exports.results import SourceInstant, VideoResults
from tvsl_core.imports.labels import SURE, VideoFinder, VideoLabels, assemble, box_of_shares, class_name
from tvsl_core.types import SourceEvent, Verdict

TOOL = "CSV"
NEEDED = ("video", "class", "start_s", "end_s")
CORNERS = ("x_min", "y_min", "x_max", "y_max")
_Labelled = tuple[SourceEvent, list[SourceInstant]]


def read_table(text: str, finder: VideoFinder, *, where: str) -> Iterator[VideoLabels]:
    """What a table says of each video that it names.

    Args:
        text: Of the file.
        finder: Of the videos.
        where: What errors call the file.

    Raises: ManifestError: A column is missing, or a line is wrong; the message names it.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    lacking = [name for name in NEEDED if name not in (reader.fieldnames or ())]
    if lacking:
        header = ", ".join(reader.fieldnames or ())[:200] or "none"
        raise ManifestError(
            f"{where} must have a header with {', '.join(NEEDED)}; it has {header}.",
            hint="Start from what tvsl export --format csv writes, or from the exports of CVAT or Label Studio.",
        )
    videos: dict[str, VideoResults] = {}
    found: dict[str, list[_Labelled]] = {}
    try:
        for row in reader:
            line = f"{where}, line {reader.line_num}"
            video = finder.find((row["video"] or "",), where=line)
            videos[video.name] = video
            found.setdefault(video.name, []).append(_event(row, video, len(found.get(video.name, ())), line))
    except csv.Error as error:
        raise ManifestError(f"{where}, line {reader.line_num}: {error}.", hint="Save it as CSV again.") from None
    if not found:
        raise ManifestError(f"{where} lists no event.", hint="Write one line an event.")
    for name, events in found.items():
        yield assemble(videos[name], events)


def _delimiter(text: str) -> str:
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _event(row: Mapping[str, str | None], video: VideoResults, number: int, line: str) -> _Labelled:
    name = class_name(row["class"] or "", line)
    start, end = _number(row, "start_s", line), _number(row, "end_s", line)
    if start is None or end is None or not 0 <= start < end:
        raise ManifestError(f"{line}: an event ends after it starts, got {row['start_s']} to {row['end_s']}.")
    if start >= video.duration_s:
        raise ManifestError(
            f"{line}: the event begins at {start:g} s, but '{video.name}' ends at {video.duration_s:g} s."
        )
    corners = [_number(row, corner, line) for corner in CORNERS]
    verdict = (row.get("verdict") or ("sounding" if None not in corners else "offscreen")).strip()
    if verdict not in get_args(Verdict):
        raise ManifestError(f"{line}: the verdict is sounding, uncertain or offscreen, got {verdict!r}.")
    box = None
    if verdict != "offscreen" and None not in corners:
        left, top, right, bottom = (value for value in corners if value is not None)
        if not video.width:
            raise ManifestError(f"{line}: '{video.name}' has no picture, so nothing has a place in it.")
        if not (right > left and bottom > top):
            raise ManifestError(f"{line}: the box is empty or inside out.")
        box = box_of_shares(video, (left / video.width, top / video.height, right / video.width, bottom / video.height))
    source = _number(row, "source_id", line)
    peak = _number(row, "peak_s", line)
    event = SourceEvent(
        event_id=0,
        source_id=number if source is None else int(source),
        name=name,
        start_s=start,
        end_s=end,
        score=SURE,
        verdict=cast(Verdict, verdict),
        # A person who shortens an event seldom thinks of where its peak was.
        peak_s=peak if peak is not None and start <= peak < end else (start + end) / 2,
        box=box,
    )
    return event, [_instant(event, video)]


def _instant(event: SourceEvent, video: VideoResults) -> SourceInstant:
    return SourceInstant(
        source_id=event.source_id,
        name=event.name,
        time_s=event.peak_s,
        frame=video.frame_at(event.peak_s),
        score=SURE,
        verdict=event.verdict,
        box=event.box,
    )


def _number(row: Mapping[str, str | None], name: str, line: str) -> float | None:
    cell = (row.get(name) or "").strip().replace(",", ".")
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ManifestError(f"{line}: {name} is no number, got {cell[:40]!r}.")
    return value
