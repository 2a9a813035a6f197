"""What a batch came to: a table for people, and every failure with what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tvsl_cli.annotate.heard import heard
from tvsl_cli.annotate.tally import Tally, clock_text
from tvsl_cli.shared.terminal import console, say, sentence, visible

if TYPE_CHECKING:
    from rich.table import Table

    from tvsl_core.annotate.progress import VideoFinished
    from tvsl_core.batch.batch import BatchReport

MOST_ROWS = 40
"""More videos than that are in videos.parquet, not on the terminal."""
_STYLES = {"done": "green", "skipped": "dim", "failed": "red"}


def say_summary(report: BatchReport, tally: Tally) -> None:
    """The batch on standard error: a table on a terminal, and one line of totals everywhere."""
    if console().is_terminal and report.finished:
        console().print(summary_table(report.finished, tally))
        hidden = len(report.finished) - MOST_ROWS
        if hidden > 0:
            say(f"... and {hidden:,} more")
    say(totals(report.finished, tally))
    for line in notes(report):
        say(line)
    say(f"Tables: {report.videos_table} (one row per video), {report.run_file} (how it was made)", style="dim")


def say_plan(report: BatchReport) -> None:
    """What a dry run found: each video and what would become of it."""
    words = {"done": "Would annotate", "skipped": "Already done", "failed": "Cannot use"}
    for row in report.finished:
        say(f"{words[row.status]}: {row.video}")
    count = {status: sum(row.status == status for row in report.finished) for status in words}
    say(f"Dry run: {count['done']} to annotate, {count['skipped']} already done; nothing was written.")


def summary_table(finished: Sequence[VideoFinished], tally: Tally) -> Table:
    """One row per video; failures first, so that a long batch cannot hide them."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("video", overflow="fold", ratio=2)
    for title in ("length", "sources"):
        table.add_column(title, justify="right")
    table.add_column("sounding", overflow="fold", ratio=2)
    for title in ("time", "speed"):
        table.add_column(title, justify="right")
    table.add_column("status")
    ordered = sorted(finished, key=lambda row: row.status != "failed")
    for row in ordered[:MOST_ROWS]:
        done = row.status == "done"
        table.add_row(
            Text(visible(row.video)),
            clock_text(row.duration_s) if row.duration_s else "",
            "" if row.status == "failed" else str(row.sources),
            Text("\n".join(map(visible, heard(row)))),
            clock_text(row.elapsed_s) if done else "",
            speed_text(tally.annotated_s.get(row.video, 0.0), row.elapsed_s) if done else "",
            Text(row.status, style=_STYLES[row.status]),
        )
    return table


def speed_text(video_s: float, elapsed_s: float) -> str:
    """Seconds of video per second of work, such as ``4.1x``; empty when nothing was annotated."""
    return f"{video_s / elapsed_s:.1f}x" if video_s > 0 and elapsed_s > 0 else ""


def totals(finished: Sequence[VideoFinished], tally: Tally) -> str:
    """The batch in one sentence."""
    count = {status: sum(row.status == status for row in finished) for status in ("done", "skipped", "failed")}
    parts = [
        f"{count['done']} done",
        *(f"{count[status]} {status}" for status in ("skipped", "failed") if count[status]),
    ]
    text = f"{len(finished)} {'video' if len(finished) == 1 else 'videos'}: {', '.join(parts)}"
    video_s, elapsed_s = sum(tally.annotated_s.values()), tally.clock() - tally.began_s
    if speed := speed_text(video_s, elapsed_s):
        text += f"; {clock_text(video_s)} of video in {clock_text(elapsed_s)} ({speed} real time)"
    return f"{text}."


def notes(report: BatchReport) -> list[str]:
    """What else is to be known: results that were out of date, old failures, and an early end."""
    lines = []
    if report.stale:
        reasons = ", ".join(f"{reason} ({count:,})" for reason, count in sorted(report.stale.items()))
        lines.append(f"Out of date, so annotated again: {reasons}.")
    if earlier := sum(row.earlier for row in report.finished):
        lines.append(f"{earlier:,} of the failed ones failed before and were not tried again; --retry-failed does.")
    if report.stopped:
        lines.append("Stopped, since too many videos failed; the same command continues.")
    return lines


def say_failures(report: BatchReport) -> None:
    """Every failed video: what is wrong with it, and what to do; at most ``MOST_ROWS`` of them."""
    failed = [row for row in report.finished if row.status == "failed"]
    for row in failed[:MOST_ROWS]:
        say(f"Failed: {row.video}: {sentence(row.error, row.hint)}", style="red")
    if len(failed) > MOST_ROWS:
        say(f"... and {len(failed) - MOST_ROWS:,} more failures, listed in {report.videos_table}", style="red")
