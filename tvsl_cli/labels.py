"""``tvsl import-labels``: what people corrected comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_labels(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="From CVAT (XML or ZIP), Label Studio (JSON) or a spreadsheet (CSV)."),
    ],
    *,
    results: Annotated[
        Path, typer.Option("--results", "-r", metavar="DIR", help="Output folder of tvsl annotate.")
    ] = Path("results"),
    video: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which video it is of, if the file does not say.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")] = False,
) -> None:
    """Keep what people corrected in another program, beside what the model said.

    Labels go to RESULTS/labels and never change the tables of tvsl annotate. The report then shows the difference,
    `tvsl evaluate --benchmark custom --annotations RESULTS` scores against them, and `tvsl train --dataset RESULTS`
    learns from them. Standard output gets the path of each video's labels.

    Example: tvsl import-labels annotations.xml --results results
    """
    from tvsl_cli.shared.terminal import say, write_line
    from tvsl_core.imports.run import import_labels as keep

    written = keep(file, results, video=video)
    for one in written:
        write_line(str(one.table))
    if not quiet:
        events = sum(one.events for one in written)
        replaced = sum(one.replaced for one in written)
        say(
            f"{events:,} {'event' if events == 1 else 'events'} of {len(written):,} "
            f"{'video' if len(written) == 1 else 'videos'}."
            + (f" {replaced:,} had labels before, which gave way." if replaced else "")
        )
