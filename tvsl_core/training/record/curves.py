"""Loss and scores along a run, as a picture and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.system.files import write_bytes
from tvsl_core.training.record.log import read_metrics

COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#c14c8a", "#9f6b53", "#787774", "#b8860b", "#2e8b8b")
WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 34, 40
"""Margins of a chart in pixels."""
MOST_POINTS = 2000
"""Of a line; a long run takes more steps than a picture has columns."""
PNG, HTML = "curves.png", "curves.html"

Line = Sequence[tuple[float, float]]
"""(step, value), in order."""


class Chart(NamedTuple):
    """Some lines that share their axes."""

    title: str
    lines: Mapping[str, Line]

    def bounds(self) -> tuple[float, float, float, float]:
        """Least and greatest step, least and greatest value; never the same."""
        points = np.array([point for line in self.lines.values() for point in line])
        (first, low), (last, high) = points.min(axis=0), points.max(axis=0)
        return first, max(last, first + 1), low, high if high > low else low + 1e-6

    def place(self, line: Line) -> NDArray[np.float64]:
        """Points in pixels ``[point 2]``."""
        first, last, low, high = self.bounds()
        points = np.array(line, float)
        x = LEFT + (points[:, 0] - first) / (last - first) * (WIDTH - LEFT - RIGHT)
        y = TOP + (1 - (points[:, 1] - low) / (high - low)) * (HEIGHT - TOP - BOTTOM)
        return np.stack((x, y), axis=1)


def read_charts(run: Path) -> list[Chart]:
    """The charts of a run: all losses in sum, each loss of the validation (or training), scores, learning rate."""
    found = read_metrics(run)
    train, look = ([line for line in found if line.get("kind") == kind] for kind in ("train", "validation"))
    scores = ("heard", "exact", "placed")
    apart = look or train
    names = [name for name in (apart[0] if apart else {}) if name not in (*_OTHERS, *scores)]
    charts = [
        Chart("loss", _lines({"training": (train, "loss"), "validation": (look, "loss")})),
        Chart("each loss" + (" (validation)" if look else ""), _lines({name: (apart, name) for name in names})),
        Chart("scores (validation)", _lines({name: (look, name) for name in scores})),
        Chart("learning rate", _lines({"learning rate": (train, "learning_rate")})),
    ]
    return [chart for chart in charts if chart.lines]


def draw_curves(run: Path) -> None:
    """Write ``curves.png`` and ``curves.html`` of a run; nothing while there is nothing to draw.

    Raises: OutputError: They cannot be written.
    """
    charts = read_charts(run)
    if not charts:
        return
    picture = np.concatenate([_picture(chart) for chart in charts])
    write_bytes(run / PNG, bytes(cv2.imencode(".png", picture)[1]))
    write_bytes(run / HTML, _page(run.name, charts).encode())


def _lines(wanted: Mapping[str, tuple[list[dict[str, float]], str]]) -> dict[str, Line]:
    lines = {
        name: [(line["step"], line[key]) for line in found if np.isfinite(line.get(key, np.nan))]
        for name, (found, key) in wanted.items()
    }
    return {name: line[:: len(line) // MOST_POINTS + 1] for name, line in lines.items() if line}


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    return [(share, f"{low + share * (high - low):.4g}") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]


def _picture(chart: Chart) -> NDArray[np.uint8]:
    canvas = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    first, last, low, high = chart.bounds()
    inner_height, inner_width = HEIGHT - TOP - BOTTOM, WIDTH - LEFT - RIGHT

    def write(text: str, x: float, y: float) -> None:
        font = cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(canvas, text, (int(x), int(y)), font, 0.4, (70, 70, 70), 1, cv2.LINE_AA)

    write(chart.title, LEFT, 20)
    for share, text in _ticks(low, high):
        y = round(TOP + (1 - share) * inner_height)
        cv2.line(canvas, (LEFT, y), (LEFT + inner_width, y), (225, 225, 225), 1)
        write(text, 6, y + 4)
    for share, text in _ticks(first, last):
        write(text, LEFT + share * inner_width - 12, HEIGHT - 18)
    for number, (name, line) in enumerate(chart.lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        blue_green_red = tuple(int(colour[i : i + 2], 16) for i in (5, 3, 1))
        points = np.rint(chart.place(line)).astype(np.int32)
        cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, blue_green_red, 2, cv2.LINE_AA)
        y = TOP + 10 + 18 * number
        cv2.line(canvas, (WIDTH - RIGHT + 12, y), (WIDTH - RIGHT + 34, y), blue_green_red, 2)
        write(f"{name} {line[-1][1]:.4g}", WIDTH - RIGHT + 40, y + 4)
    return canvas


def _page(name: str, charts: Sequence[Chart]) -> str:
    style = "body{font:14px system-ui,sans-serif;margin:2em;max-width:800px}svg text{font-size:12px;fill:#555}"
    body = "".join(f"<h2>{escape(chart.title)}</h2>{_svg(chart)}" for chart in charts)
    head = f'<meta charset="utf-8"><title>{escape(name)}: training</title><style>{style}</style>'
    return f"<!doctype html><html lang=en><head>{head}</head><body><h1>{escape(name)}</h1>{body}</body></html>"


def _svg(chart: Chart) -> str:
    first, last, low, high = chart.bounds()
    inner_height, inner_width = HEIGHT - TOP - BOTTOM, WIDTH - LEFT - RIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(chart.title)}"><title>{escape(chart.title)}</title>'
    ]
    for share, text in _ticks(low, high):
        y = TOP + (1 - share) * inner_height
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + inner_width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e1e1e1"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    for share, text in _ticks(first, last):
        x = LEFT + share * inner_width
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 16}" text-anchor="middle">{text}</text>')
    for number, (name, line) in enumerate(chart.lines.items()):
        colour, y = COLOURS[number % len(COLOURS)], TOP + 10 + 18 * number
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in chart.place(line))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x = WIDTH - RIGHT + 12
        parts.append(f'<line x1="{x}" x2="{x + 22}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{x + 28}" y="{y + 4}">{escape(name)} {line[-1][1]:.4g}</text>')
    return "".join([*parts, "</svg>"])


_OTHERS = ("kind", "step", "loss", "gradient", "epoch", "learning_rate")
"""Keys of a line that are no single loss."""
