"""``tvsl annotate``: videos in; heatmap videos, tables and thumbnails out."""

from __future__ import annotations

from typing import Annotated

import typer

from tvsl_cli.annotate.request import AnnotateRequest
from tvsl_cli.shared.options import takes


@takes(AnnotateRequest, section="annotate")
def annotate(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Videos or sound files, folders (searched recursively), quoted globs, @list.txt, or - for paths on "
            "standard input.",
        ),
    ],
    request: AnnotateRequest,
) -> None:
    """Mark every sound source in each video: which class sounds, when, and where in the picture.

    A video that fails, crashes its decoder or hangs does not stop the others; the exit code is then 1. What is already
    done with the same settings is skipped, so an interrupted run continues when the command is given again, and several
    runs may share one output folder. `tvsl status` shows how far they are. Standard output gets one line per table;
    everything for people goes to standard error.

    Example: tvsl annotate sample_videos --out results
    """
    from tvsl_cli.annotate.run import run

    raise typer.Exit(run(inputs, request))
