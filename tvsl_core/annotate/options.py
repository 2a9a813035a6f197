"""What a user may ask of an annotation, checked once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tvsl_core.annotate.rules import (
    AnalysisOptions,
    BoxOptions,
    DetectOptions,
    DrawOptions,
    EventOptions,
    MapOptions,
    MouthOptions,
    ObjectOptions,
    PeopleOptions,
    SynchronyOptions,
    TrackOptions,
)
from tvsl_core.limits import DEFAULT_LIMITS, MediaLimits
from tvsl_core.media.write.options import EncodeOptions
from tvsl_core.option import as_plain, check_range, option

Overlay = Literal["sources", "combined", "none"]
"""``sources``: one heatmap video per source. ``combined``: one video, a colour per source. ``none``: tables only."""

TRAINED = "trained"
"""In the place of a vocabulary file: only the classes that the model was trained on."""
_WHAT, _WHEN, _HOW, _OUT, _MANY = "What to look for", "Which part", "Model and speed", "Results", "Many videos"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotateOptions:
    """How to annotate one video."""

    overlay: Overlay = option("sources", topic=_OUT)
    """sources: one heatmap video per source; combined: one video, a colour per source; none: tables only."""
    save_maps: bool = option(False, topic=_OUT)
    """Store every localization map in the table."""
    strips: bool = option(True, topic=_OUT)
    """Write a strip of thumbnails per video: the strongest moment of each source."""
    classes: tuple[str, ...] = option((), metavar="A,B", topic=_WHAT)
    """Look only for these classes; `tvsl vocabulary` lists them."""
    vocabulary: Path | None = option(None, metavar="FILE", topic=_WHAT, changes_results=False)
    """Class names to use instead of the default ones; 'trained' is what the model was trained on."""
    detect: DetectOptions = DetectOptions()
    """What is worth reporting."""
    thresholds: tuple[tuple[str, float], ...] = option((), metavar="A=P,B=Q", topic=_WHAT)
    """Least probabilities of single classes, in the place of --min-score; in a file [annotate.thresholds] dog = 0.3."""
    events: EventOptions = EventOptions()
    """When an event begins and ends."""
    fps: float = option(2.0, metavar="RATE", topic=_WHEN)
    """Instants annotated per second of video."""
    video_rate: bool = option(False, topic=_WHEN)
    """Follow sources from frame to frame: rows for every frame, boxes and heat that move with what they show."""
    window_s: float = option(5.0, metavar="SECONDS", topic=_WHEN)
    """Sound around each instant that the table names; maps listen to it where their correspondence is not 0."""
    start_s: float = option(0.0, clock=True, topic=_WHEN)
    """Begin here: seconds or [hh:]mm:ss[.f]."""
    end_s: float | None = option(None, clock=True, topic=_WHEN)
    """Stop here: seconds or [hh:]mm:ss[.f]."""
    audio_track: int | None = option(None, topic=_WHEN)
    """Audio stream to listen to, from 0; by default the default-flagged one, else the first."""
    batch: int = option(8, topic=_HOW, changes_results=False)
    """Frames that go through the model together."""
    analysis: AnalysisOptions = AnalysisOptions()
    """What of a video reaches the model."""
    maps: MapOptions = MapOptions()
    """How evidence becomes a localization map."""
    boxes: BoxOptions = BoxOptions()
    """How bold a region must be to become a box."""
    people: PeopleOptions = PeopleOptions()
    """How people are looked for, where somebody speaks, sings, laughs or claps."""
    objects: ObjectOptions = ObjectOptions()
    """When the region of a class is several objects."""
    synchrony: SynchronyOptions = SynchronyOptions()
    """How it is told which of several equals sounds."""
    mouths: MouthOptions = MouthOptions()
    """How it is told which of several people speaks."""
    track: TrackOptions = TrackOptions()
    """How sources are followed."""
    draw: DrawOptions = DrawOptions()
    """How heatmap videos and thumbnails show what was found."""
    encode: EncodeOptions = option(EncodeOptions(), flat=True)
    """How heatmap videos are compressed."""
    limits: MediaLimits = option(DEFAULT_LIMITS, flat=True, changes_results=False)
    """What a file may claim to be before it is refused."""

    def __post_init__(self) -> None:
        check_range(self, "(0, 240]", "fps")
        if not 0.5 <= self.window_s <= 60:
            raise ValueError(f"window must lie in [0.5, 60] seconds, got {self.window_s}")
        if self.start_s < 0:
            raise ValueError(f"start must not be negative, got {self.start_s}")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"end ({self.end_s}) must lie after start ({self.start_s})")
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {self.batch}")
        for name, value in self.thresholds:
            if not 0 <= value <= 1:
                raise ValueError(f"thresholds must lie in [0, 1], got {value} for {name}")
        if self.audio_track is not None and self.audio_track < 0:
            raise ValueError(f"audio-track counts from 0, got {self.audio_track}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for run.json and table metadata."""
        return as_plain(self)

    def fingerprint(self, **facts: str) -> str:
        """Short hash of everything that can change a result.

        Args:
            facts: What else there is to know by name: weights, version, code, class names (which stand for the
                vocabulary's path).
        """
        values = as_plain(self, results_only=True) | facts
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueOptions:
    """Which units are worked on, and when to give up."""

    overwrite: bool = option(False, topic=_OUT)
    """Annotate again what is already done with the same settings."""
    retry_failed: bool = option(False, topic=_MANY)
    """Try again also videos that failed before with the same settings and have not changed. Without it they
    stay failed, unless the trouble lay outside of them, such as a full disk."""
    max_failures: int | None = option(None, topic=_MANY)
    """Stop when so many videos have failed."""

    def __post_init__(self) -> None:
        if self.max_failures is not None and self.max_failures < 1:
            raise ValueError(f"max-failures must be at least 1, got {self.max_failures}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimits:
    """When a video is given up. Its stages are: opening it, annotating it, writing its heatmap videos."""

    stall_s: float = option(300.0, name="timeout", metavar="SECONDS", topic=_MANY)
    """Give up a video that makes no progress for so long, or takes longer than that plus 100 times its own length to be
    annotated or drawn; 0 never does."""
    factor: float = option(100.0, name="timeout-factor")
    """Longest time for one stage of a video, in lengths of the video, on top of --timeout; 0 does not bound it."""

    def __post_init__(self) -> None:
        for name in ("stall_s", "factor"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
