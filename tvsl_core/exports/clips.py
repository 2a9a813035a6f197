"""Every event as a clip of its own, with an index: video, sound, or a picture of the object."""

from __future__ import annotations

import csv
import hashlib
import heapq
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from tvsl_core.annotate.results.names import safe_name
from tvsl_core.errors import InputError, MediaError
from tvsl_core.exports.cut import Span, cut_picture, cut_sound, cut_video
from tvsl_core.exports.results import Selection, VideoResults, read_results
from tvsl_core.system.files import make_folder, write_bytes
from tvsl_core.types import AnyPath, SourceEvent

ClipKind = Literal["video", "sound", "picture"]
ENDINGS: dict[ClipKind, str] = {"video": ".mp4", "sound": ".wav", "picture": ".jpg"}
INDEX = "clips.csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipOptions:
    """What is cut, and how."""

    kinds: tuple[ClipKind, ...] = ("video",)
    pad_s: float = 0.5
    """Seconds before the onset and after the offset that belong to the clip as well."""
    crop: bool = False
    """Show only the object: the smallest rectangle that holds all its boxes during the event."""
    exact: bool = False
    """Encode anew even where copying would start at most ``cut.COPY_EARLY_S`` too early."""
    per_class: int | None = None
    """At most so many events of each class, the surest first; None is all."""

    def __post_init__(self) -> None:
        if not self.kinds or any(kind not in ENDINGS for kind in self.kinds):
            raise ValueError(f"kinds are {', '.join(ENDINGS)}, got {', '.join(self.kinds) or 'none'}")
        if self.pad_s < 0:
            raise ValueError(f"pad must not be negative, got {self.pad_s}")
        if self.per_class is not None and self.per_class < 1:
            raise ValueError(f"per-class must be at least 1, got {self.per_class}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipRow:
    """One row of the index."""

    file: str
    """Relative to the folder of the clips."""
    kind: str
    name: str
    """The class."""
    video: str
    event_id: int
    start_s: float
    end_s: float
    """Of the clip, on the timeline of the video."""
    score: float
    verdict: str
    method: str
    """``copied`` (the coded pictures as they were) or ``encoded``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipProblem:
    """An event that gave no clip."""

    video: str
    event_id: int
    message: str
    hint: str


def cut_clips(
    folder: AnyPath, out: AnyPath, *, options: ClipOptions | None = None, selection: Selection | None = None
) -> Iterator[ClipRow | ClipProblem]:
    """Cut the events of a results folder, one by one as the answer is gone through.

    A clip that an earlier run finished alike is left as it is.
    ``clips.csv`` lists every clip; it is written anew at the end, and a run that was interrupted goes on where it was.

    Args:
        folder: That ``tvsl annotate`` wrote; the videos must still be where they were.
        out: Folder of the clips: ``<class>/<video>-<mark of its name>-<event>.<ending>``.
        options: What is cut; None is ``ClipOptions()``.
        selection: Which events; None is all.

    Yields: Each clip when it is complete, and each event that cannot be cut.

    Raises:
        InputError: There are no results.
        OutputError: The folder cannot be written to.
    """
    folder, out, options = Path(folder), Path(out), options or ClipOptions()
    make_folder(out)
    known = _read_index(out)
    wanted = None if options.per_class is None else _surest(folder, selection, options.per_class)
    rows: list[ClipRow] = []
    try:
        for video in read_results(folder, selection):
            for event in video.events:
                if wanted is None or (video.name, event.event_id) in wanted:
                    for found in _clips_of(video, event, out, options, known):
                        if isinstance(found, ClipRow):
                            rows.append(found)
                        yield found
    finally:
        finished = {row.file for row in rows}
        kept = [row for row in known.values() if row.file not in finished and (out / row.file).is_file()]
        _write_index(out, [*rows, *kept])


def _surest(folder: Path, selection: Selection | None, count: int) -> set[tuple[str, int]]:
    best: dict[str, list[tuple[float, str, int]]] = {}
    for video in read_results(folder, selection):
        for event in video.events:
            row = best.setdefault(event.name, [])
            heapq.heappush(row, (event.score, video.name, event.event_id))
            if len(row) > count:
                heapq.heappop(row)
    return {(name, number) for row in best.values() for _, name, number in row}


def _clips_of(
    video: VideoResults, event: SourceEvent, out: Path, options: ClipOptions, known: dict[str, ClipRow]
) -> Iterator[ClipRow | ClipProblem]:
    start_s = max(0.0, event.start_s - options.pad_s)
    end_s = min(video.duration_s or event.end_s, event.end_s + options.pad_s)
    span = Span(start_s=start_s, end_s=end_s, region=_region(video, event) if options.crop else None)
    for kind in options.kinds:
        if kind == "picture" and event.box is None:
            continue  # what is off screen has no picture
        file = clip_name(video.name, event, kind)
        before = known.get(file)
        if before is not None and (out / file).is_file() and _is_alike(before, event, span):
            yield before
            continue
        try:
            make_folder((out / file).parent)
            method, begun_s = _cut(video, event, out / file, kind, span, exact=options.exact)
        except (MediaError, InputError) as error:
            yield ClipProblem(video=video.name, event_id=event.event_id, message=error.message, hint=error.hint)
            return
        yield ClipRow(
            file=file,
            kind=kind,
            name=event.name,
            video=video.name,
            event_id=event.event_id,
            start_s=round(begun_s, 3),
            end_s=round(end_s, 3),
            score=round(event.score, 4),
            verdict=event.verdict,
            method=method,
        )


def clip_name(video: str, event: SourceEvent, kind: ClipKind) -> str:
    """Where a clip goes: never where another one goes, whatever the videos are called."""
    mark = hashlib.sha256(video.encode()).hexdigest()[:8]
    stem = "_".join(safe_name(Path(video).stem).split())[:80]
    folder = "_".join(safe_name(event.name.replace("/", " ")).split())
    return f"{folder}/{stem}-{mark}-{event.event_id:04d}{ENDINGS[kind]}"


def _cut(
    video: VideoResults, event: SourceEvent, path: Path, kind: ClipKind, span: Span, *, exact: bool
) -> tuple[str, float]:
    if kind == "video":
        return cut_video(video.path, path, span, exact=exact)
    if kind == "sound":
        cut_sound(video.path, path, span)
    else:
        assert event.box is not None
        cut_picture(video.path, path, event.peak_s, event.box)
    return "encoded", span.start_s if kind == "sound" else event.peak_s


def _region(video: VideoResults, event: SourceEvent) -> tuple[int, int, int, int] | None:
    boxes = [one.box for one in video.instants_of(event) if one.box is not None] or ([event.box] if event.box else [])
    if not boxes:
        return None
    return (
        min(box.x_min for box in boxes),
        min(box.y_min for box in boxes),
        max(box.x_max for box in boxes),
        max(box.y_max for box in boxes),
    )


def _is_alike(before: ClipRow, event: SourceEvent, span: Span) -> bool:
    same_span = before.kind == "picture" or (before.end_s == round(span.end_s, 3) and before.start_s <= span.start_s)
    return same_span and before.score == round(event.score, 4) and before.name == event.name


def _read_index(out: Path) -> dict[str, ClipRow]:
    kinds = {field.name: {"int": int, "float": float}.get(str(field.type), str) for field in fields(ClipRow)}
    try:
        with (out / INDEX).open(encoding="utf-8", newline="") as file:
            rows = [
                ClipRow(**{name: kinds[name](value) for name, value in row.items()}) for row in csv.DictReader(file)
            ]
    except (OSError, KeyError, TypeError, ValueError):
        return {}
    return {row.file: row for row in rows}


def _write_index(out: Path, rows: Sequence[ClipRow]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, [field.name for field in fields(ClipRow)], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in sorted(rows, key=lambda row: row.file))
    write_bytes(out / INDEX, text.getvalue().encode())
