"""The options of an annotation as keywords of ``annotate_video`` and ``annotate_videos``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from tvsl_core.annotate.options import AnnotateOptions, Overlay
from tvsl_core.option import traits_of
from tvsl_core.system.suggest import did_you_mean


class AnnotateKeywords(TypedDict, total=False):
    """The fields of ``AnnotateOptions``, and those inside its groups that stand alone on the command line too.

    A type checker cannot derive it from the dataclasses; a test makes sure that it says what they say.
    """

    overlay: Overlay
    save_maps: bool
    strips: bool
    classes: tuple[str, ...]
    vocabulary: Path | None
    min_score: float
    max_sources: int
    people: bool
    thresholds: tuple[tuple[str, float], ...]
    fps: float
    video_rate: bool
    window_s: float
    start_s: float
    end_s: float | None
    audio_track: int | None
    batch: int


def with_keywords(options: AnnotateOptions | None, keywords: Mapping[str, Any]) -> AnnotateOptions:
    """The options with what the keywords say in the place of theirs; None is ``AnnotateOptions()``.

    Raises:
        TypeError: A keyword is no option; the nearest one is named.
        ValueError: A value is out of range.
    """
    options = options or AnnotateOptions()
    known = AnnotateKeywords.__annotations__
    for name in keywords:
        if name not in known:
            raise TypeError(f"There is no option {name!r}. {did_you_mean(name, list(known))}")
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(options):
        inside = getattr(options, field.name)
        if dataclasses.is_dataclass(inside) and not isinstance(inside, type):
            own = {
                one.name: keywords[keyword_of(one)]
                for one in dataclasses.fields(inside)
                if traits_of(one).top and keyword_of(one) in keywords
            }
            changed |= {field.name: dataclasses.replace(inside, **own)} if own else {}
        elif field.name in keywords:
            changed[field.name] = keywords[field.name]
    return dataclasses.replace(options, **changed)


def keyword_of(field: dataclasses.Field[Any]) -> str:
    """What an option that stands alone is called as a keyword: as on the command line."""
    return traits_of(field).name or field.name
