"""``elan``: an ELAN document (.eaf) with a tier a class, linked to the video. Written with pympi-ling."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from pympi.Elan import Eaf

from tvsl_core.exports.results import VideoResults
from tvsl_core.types import SourceEvent


def write_elan(video: VideoResults, path: Path) -> None:
    """Write one document. Events of one class that overlap go to tiers of their own, since a tier holds no two at once.

    Raises: OSError: It cannot be written.
    """
    document = Eaf(author="tvsl")
    document.remove_tier("default")
    kind = mimetypes.guess_type(video.path.name)[0] or "video/mp4"
    document.add_linked_file(video.path.absolute().as_uri(), relpath=f"./{video.path.name}", mimetype=kind)
    for tier, events in tiers(video.events).items():
        document.add_tier(tier)
        for event in events:
            start = round(event.start_s * 1000)
            words = f"{event.score:.2f}" + ("" if event.verdict == "sounding" else f" {event.verdict}")
            document.add_annotation(tier, start, max(round(event.end_s * 1000), start + 1), words)
    path.unlink(missing_ok=True)  # pympi keeps a copy of what it replaces
    document.to_file(str(path))


def tiers(events: tuple[SourceEvent, ...]) -> dict[str, list[SourceEvent]]:
    """Events by tier: the class, or ``class 2`` and so on where events of it overlap."""
    found: dict[str, list[SourceEvent]] = {}
    for event in sorted(events, key=lambda one: one.start_s):
        number = 1
        while True:
            tier = event.name if number == 1 else f"{event.name} {number}"
            row = found.setdefault(tier, [])
            if not row or row[-1].end_s <= event.start_s:
                row.append(event)
                break
            number += 1
    return found
