"""``tvsl search``: the moments of annotated videos that some words mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from tvsl_core.search.find import FoundMoment, MomentsFound
    from tvsl_core.types import Verdict

_WHERE: dict[Verdict | None, str] = {
    "sounding": "in view",
    "uncertain": "in view, uncertain",
    "offscreen": "off screen",
    None: "",
}


def search(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Output folder of tvsl annotate or tvsl embed.")],
    query: Annotated[str, typer.Argument(metavar="WORDS", help='What is looked for, such as "dog barking outside".')],
    *,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, help="At most so many events, and as many windows.")
    ] = 50,
    min_score: Annotated[
        float, typer.Option(metavar="SCORE", min=0.0, max=1.0, help="Only moments of at least this score.")
    ] = 0.0,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON object a moment instead of a line.")] = False,
    page: Annotated[
        Path | None, typer.Option("--page", metavar="FILE", help="Also write the moments as a page of thumbnails.")
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option("--vocabulary", metavar="FILE", help="Of the classes, if it is your own.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:N.")] = "auto",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")] = False,
) -> None:
    """Find the moments that some words mean, by the events of tvsl annotate and the windows of tvsl embed.

    Names, aliases and generic names of classes are known ("puppy", "bird"); other words are understood by their
    meaning. "Outside", "off screen" and "in view" say where. Windows are searched where `tvsl embed --out RESULTS` was
    given. Standard output gets video, start, end, class and score of each moment, separated by tabs; a terminal gets a
    table instead.

    Example: tvsl search results "dog barking outside"
    """
    import sys

    from tvsl_cli.shared.terminal import console, say, write_line
    from tvsl_core.search.find import FindRequest, find_moments
    from tvsl_core.search.page import write_page

    request = FindRequest(
        results=results, query=query, limit=limit, min_score=min_score, vocabulary=vocabulary, device=device
    )
    found = find_moments(request)
    if page is not None:
        write_page(found, page, results=results)
    if jsonl:
        for one in found.moments:
            write_line(_json(one))
    elif not sys.stdout.isatty():
        _write_rows(found)
    elif found.moments:
        console().print(_table(found))
    for note in found.notes:
        say(note)
    if not quiet:
        say(_summary(found))


def _write_rows(found: MomentsFound) -> None:
    from tvsl_cli.shared.terminal import write_fields

    for one in found.moments:
        write_fields(one.video, f"{one.start_s:.3f}", f"{one.end_s:.3f}", one.klass or one.found, f"{one.score:.4f}")


def _json(one: FoundMoment) -> str:
    import json

    box = one.box
    return json.dumps(
        {
            "video": one.video,
            "start_s": one.start_s,
            "end_s": one.end_s,
            "class": one.klass or None,
            "score": round(one.score, 4),
            "found": one.found,
            "verdict": one.verdict,
            "peak_s": one.peak_s,
            "box": None if box is None else [box.x_min, box.y_min, box.x_max, box.y_max],
        }
    )


def _table(found: MomentsFound) -> Table:
    from rich.table import Table
    from rich.text import Text

    from tvsl_cli.shared.terminal import visible

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("video", overflow="fold", ratio=2)
    for title in ("start", "end"):
        table.add_column(title, justify="right")
    table.add_column("class", overflow="fold")
    table.add_column("score", justify="right")
    table.add_column("where")
    for one in found.moments:
        where = _WHERE[one.verdict]
        cells = (f"{one.start_s:.2f}", f"{one.end_s:.2f}", Text(visible(one.klass or one.found)), f"{one.score:.2f}")
        table.add_row(Text(visible(one.video)), *cells, where)
    return table


def _summary(found: MomentsFound) -> str:
    """How the words were understood, and what to do where they found nothing."""
    where = f", {words}" if (words := _WHERE[found.query.verdict]) else ""
    understood = ", ".join(found.classes) or repr(found.query.text)
    count = len(found.moments)
    line = f"{count:,} {'moment' if count == 1 else 'moments'} of {understood}{where}."
    if count:
        return line
    known = ", ".join(found.known[:20]) + (" ..." if len(found.known) > 20 else "")
    more = (
        "" if found.has_embeddings else " After `tvsl embed VIDEOS --out RESULTS` pictures and sounds are searched too."
    )
    return f"{line} Classes found in these videos: {known or 'none'}.{more}"
