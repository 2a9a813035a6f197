"""Small charts as SVG text: no script, no external file, readable in print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#c14c8a", "#9f6b53", "#787774")
"""Distinct on white and in most kinds of colour blindness."""

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
    width, height, left, top, right, bottom = 640, 360, 56, 16, 190, 48
    inner_width, inner_height = width - left - right, height - top - bottom

    def place(x: float, y: float) -> str:
        return f"{left + x * inner_width:.1f},{top + (1 - y) * inner_height:.1f}"

    parts = [_open(width, height, title)]
    for tick in range(6):
        share = tick / 5
        x, y = left + share * inner_width, top + (1 - share) * inner_height
        parts.append(f'<line x1="{left}" x2="{left + inner_width}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{share:.0%}</text>')
        parts.append(f'<text x="{x:.1f}" y="{top + inner_height + 18}" text-anchor="middle">{share:.1f}</text>')
    parts.append(f'<text x="{left + inner_width / 2}" y="{height - 8}" text-anchor="middle">{escape(x_label)}</text>')
    middle = top + inner_height / 2
    parts.append(
        f'<text x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(y_label)}</text>'
    )
    for index, (name, points) in enumerate(series.items()):
        colour = "#9b9a97" if name in dashed else COLOURS[index % len(COLOURS)]
        dash = f' stroke-dasharray="{4 + 3 * (index % 3)} 4"' if name in dashed else ""
        path = " ".join(place(x, y) for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>')
        y = top + 12 + index * 20
        x = left + inner_width + 14
        parts.append(f'<line x1="{x}" x2="{x + 22}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2.5"{dash}/>')
        parts.append(f'<text x="{x + 28}" y="{y + 4}">{escape(name)}</text>')
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


def _open(width: int, height: int, title: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title, quote=True)}"><title>{escape(title)}</title>'
    )
