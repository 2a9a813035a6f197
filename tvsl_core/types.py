"""The values that flow between the stages.

Conventions that hold everywhere:

- Times are seconds on the *video's own timeline*: 0 is the first presentation instant of the file, the earliest of
  its picture and its sound. Exact times are ``Fraction``; float seconds only in names that end in ``_s``.
  Intervals are half open.
- Pixels count from the top left of the frame *as shown* (after rotation and sample aspect ratio).
  Boxes exclude their right and bottom edge.
- Arrays are RGB uint8 ``[height width 3]``; sound is mono float32 in [-1, 1], ``[sample]``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from tvsl_core.limits import DEFAULT_LIMITS, MediaLimits

AnyPath = str | Path
"""What callers may give where a path is wanted."""


@overload
def as_path(path: AnyPath) -> Path: ...


@overload
def as_path(path: None) -> None: ...


def as_path(path: AnyPath | None) -> Path | None:
    """A path as our own code wants it; None stays None."""
    return None if path is None else Path(path)


Verdict = Literal["sounding", "uncertain", "offscreen"]
"""``sounding``: audible and visible, has a box. ``uncertain``: has a box, and the sound may as well come from another
object of its class, which is told beside it. ``offscreen``: audible, nothing in the picture shows it, no box."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundTrack:
    """One audio stream of a file."""

    index: int
    """Position among the file's audio streams, from 0; what ``--audio-track`` names."""
    codec: str
    sample_rate: int
    channels: int
    start: Fraction
    """When its first sample sounds, on the video's timeline."""
    is_default: bool
    language: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoInfo:
    """What a probe says about a video, before anything is decoded at length."""

    path: Path
    container: str
    duration: Fraction
    """Length of the timeline in seconds; 0 when the container does not say."""
    origin: Fraction
    """Container time (seconds) that is 0 on the video's own timeline."""
    width: int
    """Of the frame as shown: after rotation and sample aspect ratio."""
    height: int
    frame_rate: Fraction
    """Average frames per second, exact: 30000/1001, not 29.97."""
    is_variable_rate: bool
    video_codec: str
    rotation: int
    """Degrees that a player turns the coded picture by; 0, 90, 180 or 270."""
    sound_tracks: tuple[SoundTrack, ...] = ()
    sound_track: SoundTrack | None = None
    """The track that is listened to: the one asked for, else the default-flagged one, else the first one."""
    limits: MediaLimits = DEFAULT_LIMITS
    """Whoever reads the file later stays within them too: a header may say less than follows."""

    @property
    def has_picture(self) -> bool:
        """False for a sound file: its width, height and frame rate are 0."""
        return self.width > 0

    @property
    def duration_s(self) -> float:
        """Length in float seconds."""
        return float(self.duration)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Frame:
    """One decoded picture, as a viewer sees it."""

    time: Fraction
    """When it is shown, on the video's timeline."""
    pts: int
    """Presentation time stamp in the stream's own units."""
    index: int
    """Position among all decoded frames of the file, from 0 (at a seek: estimated from the time)."""
    pixels: NDArray[np.uint8]
    """RGB ``[height width 3]``."""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"a frame is uint8 [height width 3], got {self.pixels.dtype} {self.pixels.shape}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Detection:
    """One class that sounds at one moment."""

    klass: int
    """Index into the vocabulary in use."""
    name: str
    score: float
    """Calibrated, in [0, 1]: how sure we are that it sounds."""
    audio_score: float
    image_score: float
    verdict: Verdict

    def __post_init__(self) -> None:
        for name in ("score", "audio_score", "image_score"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], got {value}")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LocalizationMap:
    """How likely each patch of a frame is where a class sounds from; higher is likelier.

    The grid covers the whole frame: patch ``[row, column]`` is the rectangle of ``height / rows`` by
    ``width / columns`` pixels.
    """

    values: NDArray[np.float32]
    """``[row column]``, finite, in [0, 1]."""
    frame_width: int
    frame_height: int

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or 0 in self.values.shape:
            raise ValueError(f"a map is [row column] with at least one patch, got shape {self.values.shape}")
        if self.frame_width < 1 or self.frame_height < 1:
            raise ValueError(f"frame size must be positive, got {self.frame_width} x {self.frame_height}")


Corners = tuple[int, int, int, int]
"""``x_min, y_min, x_max, y_max`` of a box in pixels, right and bottom excluded."""


def box_iou(one: Corners, two: Corners) -> float:
    """Intersection over union of two boxes of the same frame, in [0, 1]."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, two)]
    shared = width * height
    return shared / (sum(areas) - shared)


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """A rectangle in pixels of the frame as shown; right and bottom excluded."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int
    score: float = 1.0
    """Mean strength of the map inside, in [0, 1]."""

    def __post_init__(self) -> None:
        if self.x_max <= self.x_min or self.y_max <= self.y_min:
            raise ValueError(f"box is empty or inside out: {self}")

    @property
    def area(self) -> int:
        """In pixels."""
        return (self.x_max - self.x_min) * (self.y_max - self.y_min)

    @property
    def corners(self) -> Corners:
        """Left, top, right and bottom."""
        return self.x_min, self.y_min, self.x_max, self.y_max

    def towards(self, other: Box, weight: float) -> Box:
        """The box that lies ``weight`` of the way to another, with that one's score; 0 is here, 1 is there."""

        def mix(mine: int, its: int) -> int:
            return round((1 - weight) * mine + weight * its)

        return Box(
            x_min=mix(self.x_min, other.x_min),
            y_min=mix(self.y_min, other.y_min),
            x_max=mix(self.x_max, other.x_max),
            y_max=mix(self.y_max, other.y_max),
            score=other.score,
        )

    def iou(self, other: Box) -> float:
        """Intersection over union with another box of the same frame, in [0, 1]."""
        return box_iou(self.corners, other.corners)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LocalizedSource:
    """One source at one instant: which class, where, how sure, and which thread through time it belongs to."""

    time: Fraction
    frame_index: int
    pts: int
    window_start_s: float
    window_end_s: float
    detection: Detection
    source_id: int
    """Stable through one video, from 0."""
    region: int
    """0 is the strongest region of this source at this instant."""
    box: Box | None
    """None when offscreen."""
    map: LocalizationMap | None = field(default=None, repr=False)
    """None when offscreen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alternative:
    """Another name that the same object may have."""

    name: str
    score: float
    """How likely this name is the right one, in [0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceEvent:
    """One source from its onset to its offset."""

    event_id: int
    """From 0 through one video, in order of onset."""
    source_id: int
    """The same as in ``LocalizedSource``: a source may sound several times."""
    name: str
    start_s: float
    end_s: float
    """On the timeline of the file; the start belongs to the event, the end does not."""
    score: float
    """Calibrated, in [0, 1]: how likely the event is right."""
    verdict: Verdict
    peak_s: float
    """The instant of the strongest evidence."""
    box: Box | None
    """At ``peak_s``; None when offscreen."""
    alternatives: tuple[Alternative, ...] = ()
    """Other names of the same object, the likeliest first."""

    def __post_init__(self) -> None:
        if not self.start_s < self.end_s:
            raise ValueError(f"an event ends after it starts, got {self.start_s} to {self.end_s}")
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score must lie in [0, 1], got {self.score}")

    @property
    def in_view(self) -> bool:
        """Whether its source is in the picture."""
        return self.verdict != "offscreen"
