"""``webvtt`` and ``srt``: a caption for each event, for players. Written with pysubs2.

Where several people speak in a video, captions number them by who spoke first, and say on which side each is.
"""

from __future__ import annotations

from typing import Literal

import pysubs2

from tvsl_core.exports.results import VideoResults
from tvsl_core.exports.speakers import speaker_numbers
from tvsl_core.types import SourceEvent, Verdict

_WHERE: dict[Verdict, str] = {"sounding": "", "uncertain": " (uncertain)", "offscreen": " (off screen)"}


def subtitles(video: VideoResults, form: Literal["vtt", "srt"]) -> str:
    """The captions of one video, in order of onset."""
    captions = pysubs2.SSAFile()
    speakers = speaker_numbers(video.events)
    for event in video.events:
        words = event.name + _WHERE[event.verdict]
        if event.source_id in speakers:
            words += f", speaker {speakers[event.source_id]}{_side(event, video.width)}"
        start, end = (pysubs2.make_time(s=time) for time in (event.start_s, event.end_s))
        captions.append(pysubs2.SSAEvent(start=start, end=max(end, start + 1), text=_plain(words)))
    return captions.to_string(form)


def _side(event: SourceEvent, width: int) -> str:
    """On which third of the frame somebody is; nothing where nobody is seen."""
    if event.box is None or not width:
        return ""
    third = (event.box.x_min + event.box.x_max) * 3 // (2 * width)
    return (", left", ", middle", ", right")[min(third, 2)]


def _plain(words: str) -> str:
    """Names come from anybody's vocabulary: no markup may hide in them, and no line break may end a caption."""
    flat = " ".join(words.split())
    return flat.translate({ord("<"): "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
                           ord(">"): "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
                           ord("{"): "(", ord("}"): ")", ord("\\"): "/"})  # fmt: skip
