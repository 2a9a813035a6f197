"""``tvsl merge``: the tables of a batch become one dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def merge(
    results: Annotated[list[Path], typer.Argument(metavar="RESULTS", help="Output folders of tvsl annotate.")],
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the dataset; an earlier merge is replaced.")
    ] = Path("merged"),
    force: Annotated[
        bool, typer.Option("--force", help="Merge what is there although something is missing, double or mixed.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")] = False,
) -> None:
    """Merge the tables of a batch, sources and events of each video, into one sorted dataset with a manifest.

    Videos without tables, videos that are there twice and mixed settings are reported; then nothing is written and
    the exit code is 1, unless --force is given. Standard output gets one line per file.

    Example: tvsl merge results --out merged
    """
    from tvsl_cli.annotate.summary import MOST_ROWS
    from tvsl_cli.shared.terminal import say, sentence, write_line
    from tvsl_core.batch.merge import MergeRequest
    from tvsl_core.batch.merge import merge as merge_results
    from tvsl_core.system.arrow import leave_pandas_out

    leave_pandas_out()
    report = merge_results(MergeRequest(folders=results, out=out, force=force))
    problems = report.survey.problems
    for problem in problems[:MOST_ROWS]:
        say(f"{problem.kind.capitalize()}: {sentence(problem.message, problem.hint)}", style="yellow")
    if len(problems) > MOST_ROWS:
        say(f"... and {len(problems) - MOST_ROWS:,} more.", style="yellow")
    if report.manifest is None:
        count = f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}"
        say(f"Nothing was merged: {count}. Repair them, or merge what is there with --force.", style="red")
        raise typer.Exit(1)
    for file in report.files:
        write_line(str(file))
    if not quiet:
        say(
            f"Merged {report.rows:,} rows and {report.events:,} events of {len(report.survey.tables):,} videos; "
            f"{report.manifest} vouches for them."
        )
