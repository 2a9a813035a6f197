"""What a user may ask of an annotation, checked once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tvsl_core.limits import DEFAULT_LIMITS, MediaLimits

Overlay = Literal["sources", "combined", "none"]
"""``sources``: one heatmap video per source. ``combined``: one video, a colour per source. ``none``: tables only."""

MAX_FPS = 240.0
MAX_WINDOW_S = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotateOptions:
    """How to annotate one video."""

    fps: float = 2.0
    """Instants per second that are annotated; more than the video's own rate gives every frame once."""
    window_s: float = 5.0
    """Seconds of sound around each instant that are listened to."""
    start_s: float = 0.0
    """Where to begin, in seconds of the video's own timeline."""
    end_s: float | None = None
    """Where to stop; None is the end of the video."""
    classes: tuple[str, ...] = ()
    """Only these classes of the vocabulary are looked for; empty means all."""
    vocabulary: str | Path | None = None
    """A file of class names that replaces the default vocabulary."""
    min_score: float | None = None
    """Least score that is reported, in [0, 1]; None is the threshold stored with the model."""
    max_sources: int = 4
    """At most so many sources at one instant."""
    batch: int = 8
    """Frames that go through the model together."""
    overlay: Overlay = "sources"
    save_maps: bool = False
    """Also store each map in the table."""
    audio_track: int | None = None
    """Which audio stream to listen to, from 0; None is the default-flagged one, else the first."""
    limits: MediaLimits = DEFAULT_LIMITS
    """What a file may claim to be before it is refused."""

    def __post_init__(self) -> None:
        if not 0 < self.fps <= MAX_FPS:
            raise ValueError(f"fps must lie in (0, {MAX_FPS:g}], got {self.fps}")
        if not 0.5 <= self.window_s <= MAX_WINDOW_S:
            raise ValueError(f"window must lie in [0.5, {MAX_WINDOW_S:g}] seconds, got {self.window_s}")
        if self.start_s < 0:
            raise ValueError(f"start must not be negative, got {self.start_s}")
        if self.end_s is not None and self.end_s <= self.start_s:
            raise ValueError(f"end ({self.end_s}) must lie after start ({self.start_s})")
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise ValueError(f"min-score must lie in [0, 1], got {self.min_score}")
        if self.max_sources < 1:
            raise ValueError(f"max-sources must be at least 1, got {self.max_sources}")
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {self.batch}")
        if self.audio_track is not None and self.audio_track < 0:
            raise ValueError(f"audio-track counts from 0, got {self.audio_track}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for run.json and table metadata."""
        values = dataclasses.asdict(self)
        values["vocabulary"] = str(self.vocabulary) if self.vocabulary else None
        values["classes"] = list(self.classes)
        return values

    def fingerprint(self, *, model_sha256: str, version: str, vocabulary_sha256: str) -> str:
        """Short hash of everything that can change a result; ``batch`` and ``limits`` may not."""
        values = self.as_dict()
        for name in ("batch", "vocabulary", "limits"):
            values.pop(name)
        values |= {"model": model_sha256, "version": version, "names": vocabulary_sha256}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueOptions:
    """Which units are worked on, and when to give up."""

    overwrite: bool = False
    """Also annotate what is done with the same settings."""
    retry_failed: bool = False
    """Also try again what failed through no fault of the machine."""
    max_failures: int | None = None
    """Stop when so many units have failed in this run; None never does."""

    def __post_init__(self) -> None:
        if self.max_failures is not None and self.max_failures < 1:
            raise ValueError(f"max-failures must be at least 1, got {self.max_failures}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeLimits:
    """When a video is given up. Its stages are: opening it, annotating it, writing its heatmap videos."""

    stall_s: float = 300.0
    """Longest time without any progress, in seconds; 0 does not bound it."""
    factor: float = 100.0
    """Longest time for one stage, in lengths of the video, on top of ``stall_s``; 0 does not bound it."""

    def __post_init__(self) -> None:
        for name in ("stall_s", "factor"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, got {getattr(self, name)}")
