"""``tvsl export``: results in the formats of other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def export(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Output folder of tvsl annotate.")],
    *,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="NAMES",
            help="One or more, separated by commas: csv, webvtt, srt, elan, audacity, coco, cvat-video, label-studio, "
            "mot, otio, edl, rttm.",
        ),
    ] = "csv",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where to; by default RESULTS/exports.")
    ] = None,
    classes: Annotated[
        str, typer.Option("--classes", metavar="NAMES", help="Only these classes, separated by commas.")
    ] = "",
    min_score: Annotated[
        float, typer.Option(metavar="SCORE", min=0.0, max=1.0, help="Only events of at least this score.")
    ] = 0.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")] = False,
) -> None:
    """Write results as CSV, captions, or files of labelling and editing programs.

    Each format gets a folder of its name. Standard output gets the path of every file that is complete; with
    `--out -` and the format csv it gets the events themselves.

    Example: tvsl export results --format csv,webvtt
    """
    import sys

    from tvsl_cli.shared.terminal import say, write_line
    from tvsl_core.exports.export import export_results
    from tvsl_core.exports.results import Selection, read_results
    from tvsl_core.exports.tables import event_lines

    wanted = tuple(name.strip() for name in classes.split(",") if name.strip())
    selection = Selection(classes=wanted, min_score=min_score)
    names = [name for name in formats.split(",") if name.strip()]
    if out == Path("-"):
        if names != ["csv"]:
            raise typer.BadParameter("only csv can go to standard output.", param_hint="--out")
        sys.stdout.writelines(event_lines(read_results(results, selection)))
        return
    count = 0
    for path in export_results(results, formats=names, out=out, selection=selection):
        write_line(str(path))
        count += 1
    if not quiet:
        say(f"Wrote {count:,} {'file' if count == 1 else 'files'}.")
