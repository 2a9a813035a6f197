"""What sounded when in a video, as people read it: ``dog 0:00.7-0:01.6, 0:02.1-0:04.0``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tvsl_core.annotate.progress import VideoFinished
    from tvsl_core.types import SourceEvent

MOST_SPANS = 3
"""More of a class than that are only counted."""


def heard(video: VideoFinished) -> tuple[str, ...]:
    """A text for each class of a finished video, by the first onset; only its classes where its events are missing."""
    from pyarrow import ArrowException

    from tvsl_core.annotate.results.event_table import read_events

    try:
        events = read_events(video.event_table) if video.event_table is not None else ()
    except (OSError, ArrowException):
        events = ()
    return heard_of(events) or tuple(filter(None, [", ".join(video.classes)]))


def heard_of(events: Iterable[SourceEvent]) -> tuple[str, ...]:
    """A text for each class, with at most ``MOST_SPANS`` of its events.

    Example:
        >>> heard_of(())
        ()
    """
    spans: dict[str, list[str]] = {}
    for event in sorted(events, key=lambda event: (event.start_s, event.event_id)):
        spans.setdefault(event.name, []).append(f"{moment_text(event.start_s)}-{moment_text(event.end_s)}")
    return tuple(f"{name} {_shortened(texts)}" for name, texts in spans.items())


def moment_text(seconds: float) -> str:
    """A moment with its tenth.

    Example:
        >>> moment_text(62.44), moment_text(3599.97)
        ('1:02.4', '1:00:00.0')
    """
    tenths = round(seconds * 10)
    whole, tenth = divmod(tenths, 10)
    hours, rest = divmod(whole, 3600)
    minutes = f"{hours}:{rest // 60:02}" if hours else f"{rest // 60}"
    return f"{minutes}:{rest % 60:02}.{tenth}"


def _shortened(texts: list[str]) -> str:
    hidden = len(texts) - MOST_SPANS
    return ", ".join(texts[:MOST_SPANS]) + (f" and {hidden:,} more" if hidden > 0 else "")
