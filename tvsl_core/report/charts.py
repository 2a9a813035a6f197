"""Small charts as SVG text: no script, no external file, readable in print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from tvsl_core.evaluation.metrics.certainty import ReliabilityBin
from tvsl_core.evaluation.metrics.scenes import wilson

COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#c14c8a", "#9f6b53", "#787774")
"""Distinct on white and in most kinds of colour blindness."""

WIDTH, HEIGHT = 640, 360
LEFT, TOP, RIGHT, BOTTOM = 56, 16, 190, 48
INNER_WIDTH, INNER_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
"""Of charts over [0, 1] x [0, 1]; names of lines stand to the right."""

Points = Sequence[tuple[float, float]]


def line_chart(
    series: Mapping[str, Points], *, title: str, x_label: str, y_label: str, dashed: Sequence[str] = ()
) -> str:
    """Lines over [0, 1] x [0, 1].

    Args:
        series: Points of each line, by name.
        title: Read out by screen readers.
        x_label: Under the axis.
        y_label: Beside the axis.
        dashed: Names of the lines that are drawn dashed and grey, such as floors.
    """
    parts = [_open(WIDTH, HEIGHT, title), *_axes(x_label, y_label)]
    for index, (name, points) in enumerate(series.items()):
        colour = "#9b9a97" if name in dashed else COLOURS[index % len(COLOURS)]
        dash = f' stroke-dasharray="{4 + 3 * (index % 3)} 4"' if name in dashed else ""
        path = " ".join("{:.1f},{:.1f}".format(*_place(x, y)) for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>')
        y = TOP + 12 + index * 20
        x = LEFT + INNER_WIDTH + 14
        parts.append(f'<line x1="{x}" x2="{x + 22}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2.5"{dash}/>')
        parts.append(f'<text x="{x + 28}" y="{y + 4}">{escape(name)}</text>')
    return "".join([*parts, "</svg>"])


def reliability_diagram(bins: Sequence[ReliabilityBin], *, title: str) -> str:
    """How often reports of a score are right, against that score; what means what it says lies on the diagonal.

    Args:
        bins: From the least scores to the greatest; empty ones are not drawn.
        title: Read out by screen readers.
    """
    parts = [_open(WIDTH, HEIGHT, title), *_axes("mean score", "share that is right")]
    (x1, y1), (x2, y2) = _place(0, 0), _place(1, 1)
    parts.append(
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#9b9a97" stroke-dasharray="4 4"/>'
    )
    for one in bins:
        if one.count:
            low, high = wilson(one.share_right * one.count, one.count)
            x, y = _place(one.mean_score, one.share_right)
            (_, lower), (_, upper) = _place(0, low), _place(0, high)
            told = f"{one.count} reports of {one.low:.1f} to {one.high:.1f}: {one.share_right:.0%} right"
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{lower:.1f}" y2="{upper:.1f}" stroke="{COLOURS[0]}"/>')
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{COLOURS[0]}"><title>{escape(told)}</title></circle>'
            )
            parts.append(f'<text x="{x + 8:.1f}" y="{y - 8:.1f}" class="small">{one.count}</text>')
    return "".join([*parts, "</svg>"])


def bar_chart(rows: Sequence[tuple[str, float, float | None, str]], *, title: str, mark: str) -> str:
    """Horizontal bars in [0, 1], each with an optional tick.

    Args:
        rows: Label, value, where the tick stands (None for no tick), and a remark behind the bar.
        title: Read out by screen readers.
        mark: What the tick means.
    """
    step, left, inner_width = 22, 200, 340
    height = step * len(rows) + 30
    parts = [_open(700, height, title)]
    for index, (label, value, tick, remark) in enumerate(rows):
        y = 6 + index * step
        length = max(0.0, min(value, 1.0)) * inner_width
        shown = label if len(label) <= 30 else label[:29] + "…"
        parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{escape(shown)}</text>')
        parts.append(f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{step - 7}" fill="{COLOURS[0]}" rx="2"/>')
        if tick is not None:
            x = left + max(0.0, min(tick, 1.0)) * inner_width
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 2}" y2="{y + step - 5}" class="tick"/>')
        parts.append(f'<text x="{left + inner_width + 8}" y="{y + 12}">{value:.0%} {escape(remark)}</text>')
    if any(row[2] is not None for row in rows):
        parts.append(f'<text x="{left}" y="{height - 6}" class="small">| {escape(mark)}</text>')
    return "".join([*parts, "</svg>"])


def _place(x: float, y: float) -> tuple[float, float]:
    """A point of [0, 1] x [0, 1] in pixels of the chart."""
    return LEFT + x * INNER_WIDTH, TOP + (1 - y) * INNER_HEIGHT


def _axes(x_label: str, y_label: str) -> list[str]:
    """Grid, ticks and labels of a chart over [0, 1] x [0, 1]."""
    parts = []
    for tick in range(6):
        share = tick / 5
        x, y = _place(share, share)
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + INNER_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>')
        parts.append(f'<text x="{x:.1f}" y="{TOP + INNER_HEIGHT + 18}" text-anchor="middle">{share:.1f}</text>')
    parts.append(f'<text x="{LEFT + INNER_WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_label)}</text>')
    middle = TOP + INNER_HEIGHT / 2
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(y_label)}</text>'
    )
    return parts


def _open(width: int, height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title, quote=True)}"><title>{escape(title)}</title>'
    )
