"""Which speaker of a video somebody is, for people: they are numbered by who spoke first."""

from __future__ import annotations

from collections.abc import Sequence

from tvsl_core.types import SourceEvent
from tvsl_core.vocabulary.people import is_speech


def speaker_numbers(events: Sequence[SourceEvent]) -> dict[int, int]:
    """The number, from 1 on, of every source that speaks; none where one speaker is all there is.

    Args:
        events: Of one video, in order of onset.
    """
    voices = dict.fromkeys(event.source_id for event in events if is_speech(event.name))
    return {source: number for number, source in enumerate(voices, 1)} if len(voices) > 1 else {}
