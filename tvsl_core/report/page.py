"""One self-contained HTML page of an evaluation: tables, curves, bars, contact sheets, and what was left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from tvsl_core.evaluation.classes import per_class_places
from tvsl_core.evaluation.metrics.detection import confusion
from tvsl_core.evaluation.metrics.success import LEVELS, success_curve
from tvsl_core.evaluation.published import NOTE
from tvsl_core.evaluation.run import Evaluation
from tvsl_core.evaluation.summary import METRICS, Score, same_class_rows
from tvsl_core.report.charts import bar_chart, line_chart, reliability_diagram
from tvsl_core.report.scores import counts
from tvsl_core.report.tables import Grid, class_grid, show, timing_grid
from tvsl_core.report.thumbnails import Thumbnail

BARS = 40
"""At most so many classes are drawn."""
PAIRS = 25
"""At most so many confusions are listed."""

_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;color:#222;background:#fff;max-width:1080px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem;margin:0}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}p.sub{color:#666;margin:.2rem 0 1rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.25rem .7rem;text-align:right}
th{font-weight:600;border-bottom:1px solid #bbb}td{white-space:nowrap}td:first-child,th:first-child{text-align:left}
tr:nth-child(even) td{background:#f6f6f4}.up{color:#256b3a}.down{color:#a3231f}
svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#e3e2e0}
.tick{stroke:#d9730d;stroke-width:2.5}.small{font-size:11px}
.sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:.8rem}
figure{margin:0}figure img{width:100%;border-radius:4px}figcaption{font-size:12px;color:#555;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
"""


def render_page(evaluation: Evaluation, sheets: Mapping[str, Sequence[Thumbnail]] | None = None) -> str:
    """The page as text; it needs no other file and no network.

    Args:
        evaluation: What was measured.
        sheets: Contact sheets by title (see ``tvsl_core.report.thumbnails``).
    """
    protocol = evaluation.protocol
    title = f"{evaluation.benchmark} · {protocol.name}"
    facts = counts(evaluation)
    subtitle = f"{facts['samples']:,} samples, {facts['sources']:,} sources, {facts['videos']:,} videos."
    if evaluation.timing:
        title, subtitle = evaluation.benchmark, f"{facts['samples']:,} long scenes."
    else:
        subtitle += (
            f" Threshold: {protocol.threshold.words}; scope: {protocol.scope}; matching: {protocol.matching}; "
            f"unit: {protocol.unit}."
        )
    sections = [
        _section("Scores and floors, in percent", _scores(evaluation) if evaluation.scores else ""),
        _section("Success rate over ciou", _curve(evaluation) if evaluation.floor_rows else ""),
        _section("Mean ciou by class", _bars(evaluation)),
        _section("Localization by class, in percent", _classes(evaluation)),
        _section("Detection: which classes sound", _detection(evaluation)),
        _section("Confusion of detected classes", _confusion(evaluation)),
        _section("When things sound", _timing(evaluation)),
        _section("What a score means", _certainty(evaluation)),
        *(_section(f"{name.capitalize()} samples", _sheet(thumbnails)) for name, thumbnails in (sheets or {}).items()),
        _section("Reported by papers, in percent", _reported(evaluation)),
        _section("What was left out", _left_out(evaluation)),
    ]
    return document(title, subtitle, "".join(sections))


def document(title: str, subtitle: str, body: str) -> str:
    """A whole page around a body that is already HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{escape(title)}</h1><p class="sub">{escape(subtitle)}</p>{body}</body></html>\n'
    )


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}" if body else ""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table; cells are already HTML."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(score: Score | None, *, margin: bool) -> str:
    if score is None:
        return ""
    text = f"{100 * score.value:.1f}"
    if score.low == score.low:
        text += f' <span class="small">[{100 * score.low:.1f}, {100 * score.high:.1f}]</span>'
    if margin and score.margin is not None:
        way = "up" if score.margin > 0 else "down"
        text += f' <span class="{way}">{100 * score.margin:+.1f}</span>'
    return text


def _scores(evaluation: Evaluation) -> str:
    labels = list(dict.fromkeys(score.classes for score in evaluation.scores))
    averages = list(dict.fromkeys(score.average for score in evaluation.scores))
    rows = []
    for label in labels:
        is_floor = label in evaluation.floor_rows
        name = f"floor: {label}" if is_floor else f"{label} classes"
        for average in averages[:1] if is_floor else averages:
            cells = (_cell(evaluation.find(one, label, average), margin=True) for one in METRICS)
            rows.append([escape(f"{name}, over {average}"), *cells])
    note = (
        '<p class="sub">Brackets: 95 % interval, whole videos drawn with replacement. Coloured: margin over the best '
        "floor.</p>"
    )
    return table(["", *METRICS], rows) + note


def _curve(evaluation: Evaluation) -> str:
    series, dashed = {}, []
    for mode in dict.fromkeys(row.classes for row in evaluation.rows):
        plain, _ = same_class_rows([row for row in evaluation.rows if row.classes == mode])
        if plain:
            series[f"{mode} classes"] = [row.ciou for row in plain]
    for name, rows in evaluation.floor_rows.items():
        series[name] = [row.ciou for row in rows]
        dashed.append(name)
    lines = {
        name: list(zip(LEVELS.tolist(), success_curve([min(max(v, 0.0), 1.0) for v in values]).tolist(), strict=True))
        for name, values in series.items()
    }
    return line_chart(
        lines, title="Success rate over ciou", x_label="ciou at least", y_label="share of sources", dashed=dashed
    )


def _bars(evaluation: Evaluation) -> str:
    found: dict[str, list[float]] = defaultdict(list)
    floors: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    modes = list(dict.fromkeys(row.classes for row in evaluation.rows))
    if not modes:
        return ""
    mode = modes[-1]
    for row in evaluation.rows:
        if row.classes == mode:
            found[row.klass].append(row.ciou)
    for name, rows in evaluation.floor_rows.items():
        for row in rows:
            floors[row.klass][name].append(row.ciou)
    bars = []
    for klass, values in found.items():
        best = max((sum(one) / len(one) for one in floors[klass].values()), default=None)
        bars.append((klass, sum(values) / len(values), best, f"n={len(values)}"))
    bars.sort(key=lambda bar: -bar[1])
    cut = bars if len(bars) <= BARS else [*bars[: BARS // 2], *bars[-BARS // 2 :]]
    more = "" if cut is bars else f'<p class="sub">The best and worst {BARS // 2} of {len(bars)} classes.</p>'
    return more + bar_chart(cut, title=f"Mean ciou by class, {mode} classes", mark="best floor of the class")


def _classes(evaluation: Evaluation) -> str:
    places = per_class_places(evaluation.rows, evaluation.floor_rows, evaluation.protocol)
    return html_table(class_grid(evaluation, places)) if places else ""


def html_table(grid: Grid) -> str:
    """A grid as an HTML table, shares in percent."""
    rows = (
        [escape(show(cell, share=name not in grid.plain)) for name, cell in zip(grid.header, row, strict=True)]
        for row in grid.rows
    )
    return table(grid.header, rows)


def _detection(evaluation: Evaluation) -> str:
    if not evaluation.detection:
        return ""
    summary = table(
        ["", *evaluation.detection],
        [["all clips", *(f"{100 * value:.1f}" for value in evaluation.detection.values())]],
    )
    rows = [
        [escape(row.name), f"{100 * row.precision:.1f}", f"{100 * row.recall:.1f}",
         f"{100 * row.average_precision:.1f}", str(row.sounding), str(row.reported)]
        for row in evaluation.per_class[: 2 * BARS]
    ]  # fmt: skip
    return summary + table(["class", "precision", "recall", "AP", "sounds in", "reported in"], rows)


def _confusion(evaluation: Evaluation) -> str:
    wrong = [(pair, count) for pair, count in confusion(evaluation.heard).most_common() if pair[0] != pair[1]]
    if not wrong or not evaluation.detection:
        return ""
    rows = [
        [escape(pair[0] or "(nothing missed)"), escape(pair[1] or "(nothing)"), str(count)]
        for pair, count in wrong[:PAIRS]
    ]
    return table(["sounding", "reported instead", "clips"], rows)


def _timing(evaluation: Evaluation) -> str:
    """Event and segment based figures beside those of the floors, which are given the names."""
    grid = timing_grid(evaluation)
    return html_table(grid) if grid.rows else ""


def _certainty(evaluation: Evaluation) -> str:
    found = evaluation.certainty
    if found is None:
        return ""
    summary = table(
        ["reports", "mean score", "right", "calibration error", "Brier score", "AUROC"],
        [[f"{found.count:,}", *(f"{value:.3f}" for value in (found.mean_score, found.share_right,
                                                             found.calibration_error, found.brier, found.auroc))]],
    )  # fmt: skip
    note = (
        '<p class="sub">Points: reports of like scores, with their number and 95 % interval. On the dashed line a '
        "score is the share that is right.</p>"
    )
    return summary + reliability_diagram(found.reliability, title="Share of right reports by score") + note


def _sheet(thumbnails: Sequence[Thumbnail]) -> str:
    figures = "".join(
        f'<figure><img src="{escape(one.data_uri, quote=True)}" alt="{escape(one.caption, quote=True)}">'
        f"<figcaption>{escape(one.caption)}</figcaption></figure>"
        for one in thumbnails
    )
    return f'<div class="sheet">{figures}</div>' if figures else ""


def _reported(evaluation: Evaluation) -> str:
    if not evaluation.reported:
        return ""
    names = list(dict.fromkeys(name for entry in evaluation.reported for name in entry.values))
    rows = [
        [
            escape(entry.system),
            *(f"{entry.values[name]:.1f}" if name in entry.values else "" for name in names),
            escape(entry.protocol),
        ]
        for entry in evaluation.reported
    ]
    return table(["", *names, "protocol"], rows) + f'<p class="sub">{escape(NOTE)}.</p>'


def _left_out(evaluation: Evaluation) -> str:
    facts = counts(evaluation)
    names = ("missing", "unusable", "unknown", "refused", "dropped_boxes")
    summary = table(["", "count"], [[name.replace("_", " "), f"{facts[name]:,}"] for name in names])
    listed = [
        *(("missing", one.id, one.reason) for one in evaluation.missing[:20]),
        *(("unusable", one.id, one.reason) for one in evaluation.unusable[:20]),
        *(("unknown", one, "not in the benchmark") for one in evaluation.unknown[:20]),
        *(("refused", one.id, one.reason) for one in evaluation.refused[:20]),
    ]
    details = table(["", "id", "why"], [[escape(cell) for cell in row] for row in listed]) if listed else ""
    notes = "".join(f"<p>{escape(note)}</p>" for note in evaluation.notes)
    return summary + details + notes
