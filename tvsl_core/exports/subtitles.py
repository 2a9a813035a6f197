"""``webvtt`` and ``srt``: a caption for each event, for players. Written with pysubs2."""

from __future__ import annotations

from typing import Literal

import pysubs2

from tvsl_core.exports.results import VideoResults
from tvsl_core.types import Verdict

_WHERE: dict[Verdict, str] = {"sounding": "", "uncertain": " (uncertain)", "offscreen": " (off screen)"}


def subtitles(video: VideoResults, form: Literal["vtt", "srt"]) -> str:
    """The captions of one video, in order of onset."""
    captions = pysubs2.SSAFile()
    for event in video.events:
        words = event.name + _WHERE[event.verdict]
        start, end = (pysubs2.make_time(s=time) for time in (event.start_s, event.end_s))
        captions.append(pysubs2.SSAEvent(start=start, end=max(end, start + 1), text=_plain(words)))
    return captions.to_string(form)


def _plain(words: str) -> str:
    """Names come from anybody's vocabulary: no markup may hide in them, and no line break may end a caption."""
    flat = " ".join(words.split())
    return flat.translate({ord("<"): "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
                           ord(">"): "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
                           ord("{"): "(", ord("}"): ")", ord("\\"): "/"})  # fmt: skip
