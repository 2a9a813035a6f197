"""Tables for papers and programs: CSV, LaTeX and Markdown of one grid of cells."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tvsl_core.evaluation.classes import ClassPlaces
from tvsl_core.evaluation.compare import Comparison
from tvsl_core.evaluation.metrics.recordings import figures
from tvsl_core.evaluation.run import Evaluation
from tvsl_core.evaluation.summary import METRICS

TableFormat = Literal["csv", "latex", "markdown"]
TABLE_FORMATS: tuple[TableFormat, ...] = ("csv", "latex", "markdown")
Cell = str | int | float | None
_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    sign: "\\" + sign for sign in "&%$#_{}"
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    """Cells under a header. Numbers are shares of 1 in CSV and percent elsewhere, except in the columns that count."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    plain: frozenset[str] = frozenset({"p"})
    """Columns whose numbers are no shares."""

    @property
    def caption(self) -> str:
        """Title and unit."""
        return self.title if self.plain.issuperset(self.header) else f"{self.title}; percent"


def score_grid(evaluations: Sequence[Evaluation]) -> Grid:
    """Every score and floor over the protocol's unit: value, interval, best floor and margin."""
    rows: list[tuple[Cell, ...]] = []
    for one in evaluations:
        for score in one.scores:
            if score.average != f"{one.protocol.unit}s":
                continue
            label = f"floor: {score.classes}" if score.classes in one.floor_rows else score.classes
            scored = (score.value, score.low, score.high, score.floor, score.floor_name, score.margin)
            rows.append((one.benchmark, one.protocol.name, label, score.metric, *scored, score.n, score.videos))
    header = ("benchmark", "protocol", "classes", "metric", "value", "low", "high")
    return Grid(
        title="Localization and floors",
        header=(*header, "floor", "floor name", "margin", "n", "videos"),
        rows=tuple(rows),
    )


def class_grid(evaluation: Evaluation, places: Sequence[ClassPlaces]) -> Grid:
    """One line for each class and mode."""
    rows: list[tuple[Cell, ...]] = [
        (one.name, one.classes, *(one.values[metric] for metric in METRICS), one.floor, one.floor_name, one.n)
        for one in places
    ]
    return Grid(
        title=f"Localization by class, {evaluation.benchmark}, protocol {evaluation.protocol.name}",
        header=("class", "classes", *METRICS, "floor of mean cIoU", "floor name", "n"),
        rows=tuple(rows),
    )


def timing_grid(evaluation: Evaluation) -> Grid:
    """When things are reported: one line for each figure, a column for the system and for each floor.

    Floors are given the names, so their scores say nothing about being right.
    """
    by_name = {name: {one.name: one for one in figures(found)} for name, found in evaluation.timing.items()}
    own = by_name.get("predicted", {})
    lines = [name for name in next(iter(by_name.values()), {}) if own or "F1" in name]
    rows: list[tuple[Cell, ...]] = []
    for line in lines:
        cells = [
            found[line].value if line in found and (name == "predicted" or "F1" in line) else None
            for name, found in by_name.items()
        ]
        one = own.get(line)
        rows.append((line, *cells, *((one.low, one.high, one.number) if one else (None, None, None))))
    header = ("figure", *(name if name == "predicted" else f"floor: {name}" for name in by_name), "low", "high", "n")
    title = f"When things sound, {evaluation.benchmark}"
    return Grid(title=title, header=header, rows=tuple(rows), plain=frozenset(header))


def comparison_grid(names: tuple[str, str], comparisons: Sequence[Comparison]) -> Grid:
    """One line for each metric and mode: both values, the difference, its interval and p."""
    rows = [
        (one.classes, one.metric, one.first, one.second, one.difference, one.low, one.high, one.p, one.n, one.videos)
        for one in comparisons
    ]
    header = ("classes", "metric", names[0], names[1], "difference", "low", "high", "p", "n", "videos")
    return Grid(title=f"{names[0]} against {names[1]}", header=header, rows=tuple(rows))


def render_table(grid: Grid, form: TableFormat) -> str:
    """The grid as text that ends in a line feed.

    CSV keeps every digit; LaTeX is a ``tabular`` for booktabs; Markdown is a pipe table.
    """
    if form == "csv":
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(grid.header)
        writer.writerows([["" if _absent(cell) else cell for cell in row] for row in grid.rows])
        return buffer.getvalue()
    cells = [
        [show(cell, share=name not in grid.plain) for name, cell in zip(grid.header, row, strict=True)]
        for row in grid.rows
    ]
    numeric = [any(isinstance(row[column], float) for row in grid.rows) for column in range(len(grid.header))]
    if form == "markdown":
        lines = [_piped(grid.header), _piped(["---:" if right else "---" for right in numeric]), *map(_piped, cells)]
        return f"**{grid.caption}**\n\n" + "\n".join(lines) + "\n"
    columns = "".join("r" if right else "l" for right in numeric)
    body = "\n".join(" & ".join(map(_escaped, row)) + r" \\" for row in cells)
    head = " & ".join(map(_escaped, grid.header))
    return (
        f"% {grid.caption}; needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n"
        f"{head} \\\\\n\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"
    )


def show(cell: Cell, *, share: bool = True) -> str:
    """A cell for people: shares as percent with one decimal, other numbers with three significant digits."""
    if _absent(cell):
        return ""
    if isinstance(cell, float):
        return f"{100 * cell:.1f}" if share else f"{cell:.3g}"
    return str(cell)


def _absent(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _piped(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"


def _escaped(text: str) -> str:
    return re.sub(r"[\\~^&%$#_{}]", lambda found: _LATEX[found[0]], " ".join(text.split()))
