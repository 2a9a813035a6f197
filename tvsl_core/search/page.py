"""Moments as a page of thumbnails, in one file that opens from the disk: each leads to its moment of its video."""

from __future__ import annotations

import base64
from importlib import resources
from pathlib import Path

from tvsl_core.report.viewer.data import address, thumbnail_at, video_id
from tvsl_core.search.find import FoundMoment, MomentsFound
from tvsl_core.system.files import make_folder, write_bytes

_WAYS = {"image": "seen", "audio": "heard"}


def write_page(found: MomentsFound, page: Path, *, results: Path) -> None:
    """Write the page.

    Args:
        found: The moments.
        page: The file. Its links are relative, so that page, results and videos can move together.
        results: Whose report the links lead to where there is one; else they lead to the videos.

    Raises: OutputError: It cannot be written.
    """
    import jinja2
    from markupsafe import Markup

    report = results / "report/index.html"
    shown = [
        {
            "link": _link(one, page.parent, report),
            "picture": base64.b64encode(thumbnail_at(one.path, one.peak_s, box=one.box, width=one.width)).decode(),
            "what": _what(one),
            "video": one.video,
            "when": f"{clock(one.start_s)} to {clock(one.end_s)}",
            "score": f"{one.score:.2f}",
        }
        for one in found.moments
    ]
    style = resources.files("tvsl_core.report.viewer").joinpath("assets/viewer.css").read_text(encoding="utf-8")
    template = resources.files("tvsl_core.search").joinpath("assets/moments.html.j2").read_text(encoding="utf-8")
    text = (
        jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        .from_string(template)
        .render(title=found.query.text, facts=_facts(found), style=Markup(style), moments=shown)
    )
    make_folder(page.parent)
    write_bytes(page, text.encode("utf-8", "replace"))


def clock(seconds: float) -> str:
    """Minutes, seconds and tenths."""
    tenths = int(10 * seconds + 1e-6)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def _link(one: FoundMoment, place: Path, report: Path) -> str:
    if report.is_file() and one.found == "event":
        return f"{address(report, place)}#/v/{video_id(one.video)}?t={one.start_s:.2f}"
    return f"{address(one.path, place)}#t={one.start_s:.2f}"  # W3C media fragments: browsers start there


def _what(one: FoundMoment) -> str:
    name = one.klass or _WAYS[one.found]
    return f"{name} (off screen)" if one.verdict == "offscreen" else name


def _facts(found: MomentsFound) -> str:
    where = {"offscreen": " off screen", None: ""}.get(found.query.verdict, " in view")
    count = len(found.moments)
    return f"{count:,} {'moment' if count == 1 else 'moments'}{where}, the best first."
