"""``tvsl status``: how far a batch is, while it runs and afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tvsl_core.batch.status import BatchStatus, RunStatus


def status(
    out: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the results.")] = Path("results"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Show how far a batch is: done, failed, left, its speed, the time that is left, and the last errors.

    Works while `tvsl annotate` runs, also on several machines that share the folder, and after it has ended, whatever
    ended it. Changes nothing.

    Example: tvsl status results
    """
    import dataclasses
    import json

    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.batch.status import read_status

    found = read_status(out)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found)))
        return
    for line in _lines(found):
        write_line(line)


def _lines(found: BatchStatus) -> Iterator[str]:
    from tvsl_cli.annotate.tally import clock_text
    from tvsl_cli.shared.terminal import sentence

    for run in found.runs:
        yield _run_line(run)
    parts = [f"{found.done:,} done", f"{found.failed:,} failed", f"{found.at_work:,} at work", f"{found.left:,} left"]
    yield f"{found.videos:,} {'video' if found.videos == 1 else 'videos'}: {', '.join(parts)}"
    if found.videos_an_hour:
        left = f"; {clock_text(found.left_s)} left" if found.left_s is not None else ""
        yield f"Speed: {found.speed:.1f}x real time, {found.videos_an_hour:,.0f} videos an hour{left}"
    if found.outdated:
        yield "These results are of an earlier version, without events; the same command makes them anew."
    for error in found.errors:
        yield f"Failed: {error.video}: {sentence(error.error, error.hint)}"


def _run_line(run: RunStatus) -> str:
    part = "" if run.label == "all" else f" {run.label}"
    where = f"on {run.host} (process {run.pid})"
    since = run.started[:19].replace("T", " ")
    words = {
        "running": f"Running{part} {where}, {run.workers} at a time, since {since} UTC",
        "finished": f"Finished{part} at {run.finished[:19].replace('T', ' ')} UTC",
        "interrupted": f"Interrupted{part} at {run.finished[:19].replace('T', ' ')} UTC; the same command continues",
        "dead": f"Dead{part}: begun {where} at {since} UTC, and gone without a word; the same command continues",
    }
    return words[run.state]
