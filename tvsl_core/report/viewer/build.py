"""Results as pages, without server or network: an overview that draws only the rows in sight, and a page a video."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa

from tvsl_core.annotate.results.table import read_table
from tvsl_core.errors import InputError
from tvsl_core.exports.results import VideoResults, read_results
from tvsl_core.imports.run import read_labels
from tvsl_core.report.viewer.data import overview_row, thumbnail, video_id, video_page
from tvsl_core.system.files import make_folder, write_bytes

ROWS_A_CHUNK = 1000
"""Rows of the overview in one file: a browser reads five of them in well under a second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportOptions:
    """What the report holds."""

    title: str = "What sounds in these videos"
    single_file: bool = False
    """One HTML file that holds everything but the videos; for a few videos, to be sent to somebody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportBuilt:
    """What was written."""

    page: Path
    videos: int
    made: int
    """Pages of videos that were made anew; the others had not changed."""


def build_report(
    folder: Path,
    *,
    out: Path | None = None,
    options: ReportOptions | None = None,
    on_video: Callable[[str], None] | None = None,
) -> ReportBuilt:
    """Make the pages of a results folder. What has not changed since an earlier report is left as it is.

    Args:
        folder: That ``tvsl annotate`` wrote.
        out: Folder of the report; None is ``<folder>/report``.
        options: What it holds.
        on_video: Told the name of each video when its page is there.

    Raises:
        InputError: The folder holds no results.
        OutputError: The report cannot be written.
    """
    options = options or ReportOptions()
    place = out or folder / "report"
    make_folder(place / "data")
    rows: list[dict[str, Any]] = []
    inline: list[str] = []
    made = 0
    by_name = {video.name: video for video in read_results(folder)}
    labels = read_labels(folder)
    for row in _video_rows(folder):
        video = by_name.get(row["video"]) if row["status"] == "done" else None
        picture = ""
        if video is not None:
            anew, picture = _write_video(video, labels.get(video.name), place, inline if options.single_file else None)
            made += anew
        rows.append(overview_row(row, video, picture))
        if on_video is not None:
            on_video(row["video"])
    chunks = [f"tvsl.rows({_json(part)})" for part in _parts(rows)]
    names = [] if options.single_file else [f"data/videos-{number:03d}.js" for number in range(len(chunks))]
    for name, text in zip(names, chunks, strict=False):
        write_bytes(place / name, text.encode())
    page = _render(rows, options, chunks=names, inline=[*chunks, *inline] if options.single_file else [])
    write_bytes(place / "index.html", page.encode())
    return ReportBuilt(page=place / "index.html", videos=len(rows), made=made)


def _video_rows(folder: Path) -> list[dict[str, Any]]:
    path = folder / "videos.parquet"
    try:
        rows: list[dict[str, Any]] = read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"'{path}' cannot be read: {error}.", hint="Name a folder that tvsl annotate finished, such as results."
        ) from error
    return rows


def _write_video(
    video: VideoResults, labels: VideoResults | None, place: Path, inline: list[str] | None
) -> tuple[bool, str]:
    """The page's data and the picture of one video.

    Returns: Whether it was made anew, and the picture's address.
    """
    name = video_id(video.name)
    script, picture = place / f"data/video-{name}.js", place / f"data/{name}.jpg"
    if inline is not None:
        inline.append(f"tvsl.video({_json(video_page(video, place, labels))})")
        coded = base64.b64encode(thumbnail(video)).decode("ascii")
        return True, f"data:image/jpeg;base64,{coded}" if coded else ""
    tables = [video.sources, video.table, *((labels.table,) if labels is not None else ())]
    stamp = max(table.stat().st_mtime_ns for table in tables)
    anew = not script.is_file() or script.stat().st_mtime_ns < stamp
    if anew:
        shown = thumbnail(video)
        if shown:
            write_bytes(picture, shown)
        write_bytes(script, f"tvsl.video({_json(video_page(video, place, labels))})".encode())
    return anew, f"data/{name}.jpg" if picture.is_file() else ""


def _render(
    rows: Sequence[Mapping[str, Any]], options: ReportOptions, *, chunks: Sequence[str], inline: Sequence[str]
) -> str:
    import jinja2
    from markupsafe import Markup

    assets = resources.files("tvsl_core.report.viewer").joinpath("assets")

    def asset(name: str) -> str:
        return assets.joinpath(name).read_text(encoding="utf-8")

    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(asset("page.html.j2"))
    return template.render(
        title=options.title,
        facts=_facts(rows),
        # Ours, and data in which no "<" is left (see _json): they may stand in the page as they are.
        style=Markup(asset("viewer.css")),
        script=Markup(asset("viewer.js")),
        inline=[Markup(text) for text in inline],
        chunks=list(chunks),
        start=Markup(_json({"base": ""})),
    )


def _facts(rows: Sequence[Mapping[str, Any]]) -> str:
    states = {state: sum(row["status"] == state for row in rows) for state in ("done", "failed", "pending")}
    hours = sum(row["duration"] for row in rows) / 3600
    events = sum(row["events"] for row in rows)
    told = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{len(rows):,} videos ({told}), {hours:.1f} hours, {events:,} events. Made {made}."


def _parts(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    for start in range(0, len(rows), ROWS_A_CHUNK):
        yield rows[start : start + ROWS_A_CHUNK]


def _json(value: Any) -> str:
    """JSON that may stand inside a script of a page: no "<" is left, so that no name can end the script."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
