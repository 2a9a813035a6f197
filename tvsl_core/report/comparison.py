"""Several systems on one page: their scores side by side, and each against the first."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tvsl_core.evaluation.compare import Comparison, ScoredSystem
from tvsl_core.evaluation.metrics.success import LEVELS, success_curve
from tvsl_core.evaluation.summary import same_class_rows
from tvsl_core.report.charts import line_chart
from tvsl_core.report.page import document, html_table
from tvsl_core.report.tables import comparison_grid


def render_comparison(systems: Sequence[ScoredSystem], pairs: Sequence[Sequence[Comparison]]) -> str:
    """The page as text; it needs no other file and no network.

    Args:
        systems: At least two; all others are set against the first.
        pairs: For each of the others, the first against it.
    """
    first = systems[0]
    tables = "".join(
        f"<h2>{escape(other.name)}</h2>{html_table(comparison_grid((first.name, other.name), pair))}"
        for other, pair in zip(systems[1:], pairs, strict=True)
    )
    note = (
        '<p class="sub">On the samples that both answered, whole videos drawn with replacement; low and high bound '
        "95 % of the drawn differences, p is two-sided and not corrected for the number of rows.</p>"
    )
    title = f"{first.benchmark} · {first.protocol.name}: {', '.join(system.name for system in systems)}"
    return document(title, f"{len(systems)} systems; percent.", _curves(systems) + tables + note)


def _curves(systems: Sequence[ScoredSystem]) -> str:
    lines = {}
    for system in systems:
        for mode in dict.fromkeys(row.classes for row in system.rows):
            plain, _ = same_class_rows([row for row in system.rows if row.classes == mode])
            if plain:
                shares = success_curve([min(max(row.ciou, 0.0), 1.0) for row in plain])
                lines[f"{system.name}, {mode}"] = list(zip(LEVELS.tolist(), shares.tolist(), strict=True))
    return line_chart(lines, title="Success rate over ciou", x_label="ciou at least", y_label="share of sources")
