"""Find out what a file of corrections is, read it, and keep what it says beside the results.

``RESULTS/labels`` is laid out like ``RESULTS`` itself, with the same schemas: ``events/<video>.parquet`` and
``sources/<video>.parquet``. What the model said stays as it is, and whatever reads results (exports, clips, search)
reads labels too.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from tvsl_core.annotate.results.event_table import write_events
from tvsl_core.annotate.results.table import SourceTable, read_metadata
from tvsl_core.data.benchmarks.custom import LABELS
from tvsl_core.errors import ManifestError
from tvsl_core.exports.results import SourceInstant, VideoResults, read_results
from tvsl_core.imports import cvat, label_studio, tables
from tvsl_core.imports.labels import VideoFinder, VideoLabels
from tvsl_core.imports.lists import write_lists
from tvsl_core.system.files import make_folder
from tvsl_core.types import AnyPath, Detection, LocalizedSource

MAX_BYTES = 256 * 1024 * 1024
"""A day of one video as CVAT writes it takes a tenth of that."""
KEPT = ("video", "path", "outcome")
"""Metadata of the model's table that describe the video, so that labels can be read without it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledVideo:
    """What was kept of one video."""

    video: str
    table: Path
    """Its events."""
    events: int
    replaced: bool
    """Whether earlier labels of it gave way."""


def import_labels(file: AnyPath, results: AnyPath, *, video: str | None = None) -> tuple[LabelledVideo, ...]:
    """Keep what people corrected, beside what the model said; all of a file, or nothing.

    Args:
        file: What CVAT (XML, or the ZIP archive around it), Label Studio (JSON) or a spreadsheet (CSV) wrote.
        results: Folder that ``tvsl annotate`` wrote.
        video: Which video the file is of, as the tables call it; None goes by what the file says.

    Returns: Each video that the file is of. Videos that it does not name keep the labels that they have.

    Raises:
        InputError: There are no results.
        ManifestError: The file is damaged, of another program, or of other videos.
        OutputError: The labels cannot be written.
    """
    file, results = Path(file), Path(results)
    videos = {one.name: one for one in read_results(results)}
    tool, labels = _read(file, VideoFinder(videos, video))
    found: dict[str, VideoLabels] = {}
    for one in labels:
        if one.video.name in found:
            raise ManifestError(f"'{file}' holds '{one.video.name}' more than once.", hint="Export only one of them.")
        found[one.video.name] = one
    facts = {
        "labelled_in": tool,
        "labelled_file": file.name,
        "labelled_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    written = tuple(_write(results, one, facts) for one in found.values())
    write_lists(results / LABELS)
    return written


def read_labels(results: Path) -> dict[str, VideoResults]:
    """What people said of the videos of a results folder, by the name of each; empty when nobody said anything."""
    folder = results / LABELS
    return {one.name: one for one in read_results(folder)} if any((folder / "events").rglob("*.parquet")) else {}


def _read(file: Path, finder: VideoFinder) -> tuple[str, Iterable[VideoLabels]]:
    """The program that wrote a file, and what the file says."""
    text, where = _text(file), f"'{file}'"
    begin = text.lstrip()[:1]
    if begin == "<":
        return cvat.TOOL, cvat.read_cvat(text, finder, where=where, file=file.stem)
    if begin in ("[", "{"):
        try:
            tasks = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ManifestError(f"{where} is damaged JSON: {error}.", hint="Export it again.") from None
        return label_studio.TOOL, label_studio.read_label_studio(tasks, finder, where=where)
    return tables.TOOL, tables.read_table(text, finder, where=where)


def _text(file: Path) -> str:
    try:
        raw = _unpacked(file) if zipfile.is_zipfile(file) else _plain(file)
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ManifestError(
            f"'{file}' is neither text nor an archive of CVAT.",
            hint="Name what CVAT, Label Studio or a spreadsheet wrote.",
        ) from None
    except (OSError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ManifestError(
            f"'{file}' cannot be read: {reason}.", hint="Check the path, or export it again."
        ) from error


def _plain(file: Path) -> bytes:
    _check_size(file, file.stat().st_size)
    return file.read_bytes()


def _unpacked(file: Path) -> bytes:
    with zipfile.ZipFile(file) as archive:
        inside = [one for one in archive.infolist() if one.filename.rpartition("/")[2] == "annotations.xml"]
        if len(inside) != 1:
            raise ManifestError(
                f"the archive '{file}' holds no annotations.xml of CVAT.", hint="Export it as CVAT for video 1.1."
            )
        _check_size(file, inside[0].file_size)
        return archive.read(inside[0])


def _check_size(file: Path, size: int) -> None:
    if size > MAX_BYTES:
        raise ManifestError(f"'{file}' is larger than {MAX_BYTES // 2**20} MiB.", hint="Export fewer videos at once.")


def _write(results: Path, labels: VideoLabels, facts: dict[str, str]) -> LabelledVideo:
    video = labels.video
    inside = video.table.relative_to(results / "events")
    known = read_metadata(video.table)
    metadata = facts | {name: known[name] for name in KEPT if name in known}
    events, sources = (results / LABELS / room / inside for room in ("events", "sources"))
    replaced = events.is_file()
    make_folder(sources.parent)
    table = SourceTable(
        sources, video=video.name, frame_size=(video.width, video.height), save_maps=False, metadata=metadata
    )
    for row in _rows(labels.instants):
        table.write(row)
    table.close()
    write_events(events, video.name, labels.events, metadata=metadata)  # last: with it the labels of a video are whole
    return LabelledVideo(video=video.name, table=events, events=len(labels.events), replaced=replaced)


def _rows(instants: Iterable[SourceInstant]) -> Iterator[LocalizedSource]:
    for one in instants:
        detection = Detection(klass=-1, name=one.name, score=1.0, audio_score=1.0, image_score=1.0, verdict=one.verdict)
        yield LocalizedSource(
            time=Fraction(one.time_s),
            frame_index=one.frame,
            pts=one.frame,
            window_start_s=one.time_s,
            window_end_s=one.time_s,
            detection=detection,
            source_id=one.source_id,
            region=0,
            box=one.box,
        )
