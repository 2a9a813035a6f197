"""Tables of ``tvsl evaluate`` on standard output, and its progress on standard error."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tvsl_cli.shared.terminal import console, visible

if TYPE_CHECKING:
    from rich.table import Table

    from tvsl_core.evaluation.run import Evaluation
    from tvsl_core.evaluation.summary import Score
    from tvsl_core.report.tables import Grid, TableFormat
    from tvsl_core.system.progress import OnProgress

PIPE_WIDTH = 200
"""Columns of a table when no terminal says how wide it is."""
COLUMNS = ("cIoU@0.3", "cIoU@0.5", "AUC", "mean cIoU", "CAP", "PIAP", "peak")


@contextmanager
def progress() -> Iterator[OnProgress]:
    """A bar on standard error while samples are scored; nothing when it is no terminal."""
    from rich.progress import Progress

    with Progress(console=console(), transient=True, disable=not console().is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=visible(what), completed=done, total=total)


def print_grid(grid: Grid, form: TableFormat | None) -> None:
    """A grid as a table of the terminal, or in the format that was asked for."""
    from tvsl_core.report.tables import render_table, show

    if form is not None:
        print_text(render_table(grid, form))
        return
    _print_title(grid.caption)
    shown = _table(*grid.header)
    for row in grid.rows:
        shown.add_row(
            *(visible(show(cell, share=name not in grid.plain)) for name, cell in zip(grid.header, row, strict=True))
        )
    _print(shown)


def print_text(text: str) -> None:
    """Text for programs, on standard output as it is."""
    sys.stdout.write(text)


def print_evaluation(evaluation: Evaluation) -> None:
    """Scores beside the floors, with intervals and margins; detection; what papers report."""
    protocol = evaluation.protocol
    _print_title(
        f"{evaluation.benchmark}, protocol {protocol.name}: {protocol.threshold.words}, scope {protocol.scope}, "
        f"matching {protocol.matching}; {evaluation.samples} samples, {evaluation.videos} videos; percent"
    )
    unit = f"{protocol.unit}s"
    for mode in (label for label in _labels(evaluation) if label not in evaluation.floor_rows):
        _print_mode(evaluation, mode, unit)
    if evaluation.floor_rows:
        floors = _table(f"floors, over {unit}", *COLUMNS)
        for floor in evaluation.floor_rows:
            floors.add_row(floor, *(_cell(evaluation.find(metric, floor)) for metric in COLUMNS))
        _print(floors)
    if evaluation.apart:
        _print_apart(evaluation)
    if evaluation.detection:
        detection = _table("detection", *evaluation.detection)
        detection.add_row("which classes sound", *(f"{100 * value:.1f}" for value in evaluation.detection.values()))
        _print(detection)
    if evaluation.certainty is not None:
        found = evaluation.certainty
        certainty = _table("scores", "reports", "mean score", "right", "calibration error", "Brier", "AUROC")
        values = (found.mean_score, found.share_right, found.calibration_error, found.brier, found.auroc)
        certainty.add_row("what they mean", str(found.count), *(f"{value:.3f}" for value in values))
        _print(certainty)
    print_measures([evaluation])
    _print_reported(evaluation)


def print_measures(evaluations: Sequence[Evaluation]) -> None:
    """What a benchmark measures besides: negatives, masks, pairs; floors among the answers."""
    for evaluation in evaluations:
        if evaluation.measures:
            names = list(dict.fromkeys(name for scores in evaluation.measures.values() for name in scores))
            table = _table(f"{evaluation.benchmark}, {evaluation.protocol.name}", *names)
            for label, scores in evaluation.measures.items():
                table.add_row(label, *(f"{100 * scores[name]:.1f}" if name in scores else "" for name in names))
            _print(table)


def _print_mode(evaluation: Evaluation, mode: str, unit: str) -> None:
    """One line a metric: three averages, the interval, the best floor and the margin over it."""
    title = f"{mode} classes"
    table = _table(title, f"over {unit}", "95 % interval", "over videos", "over classes", "best floor", "margin", "n")
    for metric in COLUMNS:
        score = evaluation.find(metric, mode)
        if score is None:
            continue
        floor = "" if score.floor is None else f"{100 * score.floor:.1f} {score.floor_name}"
        margin = "" if score.margin is None else f"{100 * score.margin:+.1f}"
        others = (_cell(evaluation.find(metric, mode, average)) for average in ("videos", "classes"))
        table.add_row(metric, _cell(score), _interval(score), *others, floor, margin, str(score.n))
    _print(table)


def _labels(evaluation: Evaluation) -> list[str]:
    return list(dict.fromkeys(score.classes for score in evaluation.scores))


def print_floors(evaluations: Sequence[Evaluation]) -> None:
    """What doing nothing scores, one line for each list, protocol and floor."""
    table = _table("benchmark", "protocol", "floor", *COLUMNS, "n")
    for evaluation in evaluations:
        for floor in evaluation.floor_rows:
            scores = [evaluation.find(metric, floor) for metric in COLUMNS]
            n = f"{scores[0].n}" if scores[0] is not None else ""
            cells = (_cell(score) for score in scores)
            table.add_row(evaluation.benchmark, evaluation.protocol.name, floor, *cells, n)
        table.add_section()
    _print_title("What doing nothing scores (classes given), in percent")
    _print(table)
    print_measures(evaluations)


def _print_apart(evaluation: Evaluation) -> None:
    unit = f"{evaluation.protocol.unit}s"
    table = _table("samples of one class on both sides", *COLUMNS, "n")
    for label in dict.fromkeys(score.classes for score in evaluation.apart):
        found = {score.metric: score for score in evaluation.apart if (score.classes, score.average) == (label, unit)}
        n = str(next(iter(found.values())).n)
        table.add_row(label, *(_cell(found.get(metric)) for metric in COLUMNS), n)
    _print(table)


def _print_reported(evaluation: Evaluation) -> None:
    if not evaluation.reported:
        return
    from tvsl_core.evaluation.published import NOTE

    names = list(dict.fromkeys(name for entry in evaluation.reported for name in entry.values))
    table = _table("reported by papers", *names, "protocol")
    for entry in evaluation.reported:
        table.add_row(
            entry.system,
            *(f"{entry.values[name]:.1f}" if name in entry.values else "" for name in names),
            entry.protocol,
        )
    _print(table)
    _print_title(f"These are {NOTE}.")


def _cell(score: Score | None) -> str:
    return "" if score is None else f"{100 * score.value:.1f}"


def _interval(score: Score) -> str:
    """Both ends; a dash where one video gives none."""
    return "-" if math.isnan(score.low) else f"{100 * score.low:.1f} to {100 * score.high:.1f}"


def _table(first: str, *others: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="left" if name in ("protocol", "floor") else "right", no_wrap=True)
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(width=width, highlight=False, emoji=False, markup=False).print(table)


def _print_title(text: str) -> None:
    from rich.console import Console

    Console(highlight=False, emoji=False, markup=False, soft_wrap=True).print(visible(text))
