"""What is still to be fetched of a list: addresses, starts and ends, for the user's own downloader.

Nothing is downloaded here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tvsl_core.data.benchmarks.clips import WINDOW_S
from tvsl_core.data.benchmarks.layout import find_all
from tvsl_core.data.training_sets.prepare import Wanted

FetchFormat = Literal["csv", "yt-dlp"]
FETCH_FORMATS: tuple[FetchFormat, ...] = ("csv", "yt-dlp")
PLACE = "https://www.youtube.com/watch?v="
SHORTEST_S = 1.0
"""No cut is shorter."""
_VIDEO = re.compile(r"[\w-]{11}")


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchItem:
    """One clip that is not there."""

    id: str
    url: str
    start_s: float
    """On the timeline of the whole video."""
    end_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchList:
    """What is missing of a list."""

    clips: int
    items: tuple[FetchItem, ...]
    unknown: tuple[str, ...]
    """Missing clips whose id names no video."""


def missing_clips(wanted: Sequence[Wanted], media: Path | None) -> FetchList:
    """The clips of a list that a media folder lacks.

    Args:
        wanted: The clips, with the video and instant of each where its id says so.
        media: Where media lie, in either layout; None or a folder that does not exist lacks all.
    """
    found = find_all(media, [one.id for one in wanted]) if media is not None and media.is_dir() else ()
    there = {one.clip for one in found if one.complete}
    items, unknown = [], []
    for one in wanted:
        if one.id in there:
            continue
        if one.time_s is None or not _VIDEO.fullmatch(one.video):
            unknown.append(one.id)
            continue
        # The instant stays in the middle, where 'prepare' looks for it; at a video's very beginning it nearly does.
        half = max(min(WINDOW_S / 2, one.time_s), SHORTEST_S / 2)
        start = max(0.0, one.time_s - half)
        items.append(FetchItem(id=one.id, url=PLACE + one.video, start_s=start, end_s=start + 2 * half))
    return FetchList(clips=len(wanted), items=tuple(items), unknown=tuple(unknown))


def render_fetch_list(items: Iterable[FetchItem], form: FetchFormat) -> str:
    """The list as text.

    ``csv``: id, url, start_s, end_s. ``yt-dlp``: one line of arguments a clip, for ``xargs -L1 yt-dlp``; its files are
    called by the clip's id, as ``tvsl datasets prepare`` looks for them.
    """
    if form == "csv":
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(("id", "url", "start_s", "end_s"))
        writer.writerows((one.id, one.url, f"{one.start_s:.3f}", f"{one.end_s:.3f}") for one in items)
        return buffer.getvalue()
    return "".join(
        f"--download-sections=*{one.start_s:.3f}-{one.end_s:.3f} --output={one.id}.%(ext)s {one.url}\n" for one in items
    )
