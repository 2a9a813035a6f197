"""The numbers of every stage's rule, a dataclass a stage.

They stand here and not in the files of the stages since the command line shows them and must not load torch for that.
"""

from __future__ import annotations

from dataclasses import dataclass

from tvsl_core.media.draw.style import HeatStyle
from tvsl_core.option import check_range, option

_WHAT = "What to look for"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalysisOptions:
    """What of a video reaches the model."""

    longest_side: int = 1280
    """Longest side, in pixels, of the pictures that the model sees; larger frames are reduced as they are decoded."""
    hold_s: float = 0.1
    """Least seconds between two instants that show one picture: sound goes on while a picture stands still."""
    silence_dbfs: float = -65.0
    """Sound whose loudness stays below this, in dB of full scale, is silence, whatever a network says."""

    def __post_init__(self) -> None:
        check_range(self, "[32, inf)", "longest_side")
        check_range(self, "(0, inf)", "hold_s")
        check_range(self, "(-inf, 0]", "silence_dbfs")


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectOptions:
    """What is worth reporting."""

    min_score: float | None = option(None, metavar="SCORE", topic=_WHAT, top=True)
    """Least score that is reported, 0 to 1; by default the threshold that the model was calibrated with."""
    max_sources: int = option(4, topic=_WHAT, top=True)
    """At most so many sources at one instant."""
    near_s: float = 0.75
    """Sound within so many seconds of an instant counts as sounding at it; the rest of the window only names it."""
    strongest_part: int = 3
    """One in so many positions of a window, the strongest ones, say which class sounds."""
    sound_weight: float = 2.0
    """How much the sound counts in choosing among names, against the image weight of the calibration."""
    unseen: float = 0.02
    """Image evidence below this is as good as none; how far below says nothing."""
    familiar_s: float = 1.25
    """What was reported no longer ago than so many seconds is familiar."""
    familiar_times: int = 2
    """What was reported fewer times in a row may still be a mistake, and is not familiar yet."""

    def __post_init__(self) -> None:
        check_range(self, "[0, 1]", "min_score", "unseen")
        if self.max_sources < 1:
            raise ValueError(f"max-sources must be at least 1, got {self.max_sources}")
        check_range(self, "[1, inf)", "strongest_part", "familiar_times")
        check_range(self, "(0, inf)", "near_s", "sound_weight")
        check_range(self, "[0, inf)", "familiar_s")


@dataclass(frozen=True, kw_only=True, slots=True)
class MapOptions:
    """How evidence becomes a localization map. Chosen by measurement: docs/experiments.md."""

    correspondence: float = 0.0
    """How much the agreement of patch and sound counts beside the name, 0 to 1; 0 listens to the name alone."""
    sharpness: float = 0.7
    """Exponent of the class map; below 1 its weaker parts count for more, since an activation peaks on a part."""
    likeness_floor: float = 0.3
    """Patches less alike than this do not belong together."""
    foreground_floor: float = 0.2
    """Foreground below this is background."""
    foreground_weight: float = 0.65
    """Weight of the foreground against the class in a map's extent, 0 to 1."""
    flatness: float = 0.65
    """Exponent of the finished map; below 1 it is wider at half its height. Order, and so the peak, stays."""
    rival_share: float = 1.0
    """How much of the strongest rival's map is taken off a class; 1 gives each patch to one class."""
    same_object: float = 0.5
    """Two names whose regions share this much of their union are names for one object."""
    region: float = 0.6
    """Share of a map's maximum from which a patch belongs to its region."""
    part: float = 0.4
    """Share of an extent's maximum from which patches hang together."""
    seed: float = 0.5
    """Share of the evidence in a source's best part from which another part shows the class as well."""

    def __post_init__(self) -> None:
        check_range(self, "[0, 1]", "correspondence", "foreground_weight", "rival_share", "seed")
        check_range(self, "[0, 1)", "likeness_floor", "foreground_floor")
        check_range(self, "(0, 1]", "same_object", "region", "part")
        check_range(self, "(0, inf)", "sharpness", "flatness")


@dataclass(frozen=True, kw_only=True, slots=True)
class BoxOptions:
    """How bold a region must be to become a box."""

    threshold: float = 0.5
    """Least share of the map's maximum that counts as the source."""
    min_area: float = 0.004
    """Least share of the frame that a region covers; smaller ones are dropped."""
    second_region: float = 0.75
    """Least peak of a further region, as a share of the map's maximum."""
    max_regions: int = 1
    """Most boxes of one source at one instant."""
    fine: int = 8
    """Sub-patches along each side of a patch; boxes end between patches, not only on their edges."""

    def __post_init__(self) -> None:
        check_range(self, "(0, 1]", "threshold")
        check_range(self, "[0, 1)", "min_area")
        check_range(self, "[0, 1]", "second_region")
        check_range(self, "[1, inf)", "max_regions")
        check_range(self, "[1, 64]", "fine")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackOptions:
    """How sources are followed."""

    max_gap_s: float = 2.0
    """A source that is not found for longer starts anew, with a new number."""
    max_gap_instants: float = 2.5
    """The gap may always be so many instants long, however far apart they lie."""
    min_iou: float = 0.1
    """Least overlap with its last box for a region to be the same source; none is needed if it is the only one."""
    smoothing: float = 0.6
    """Weight of the new box against the last one; 1 does not smooth."""
    min_instants: int = 2
    """A source that is found fewer times is dropped, unless the video is shorter than that."""
    lookahead: int = 4
    """Instants after which a source that is still unconfirmed is dropped."""

    def __post_init__(self) -> None:
        check_range(self, "(0, 1]", "smoothing")
        check_range(self, "[0, 1]", "min_iou")
        check_range(self, "[0, inf)", "max_gap_s", "max_gap_instants")
        if self.min_instants < 1 or self.lookahead < self.min_instants:
            raise ValueError(f"lookahead ({self.lookahead}) must be at least min_instants ({self.min_instants}) >= 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawOptions:
    """How heatmap videos and thumbnails show what was found."""

    join_steps: float = 1.75
    """Moments of a source are joined over a gap of so many steps between instants; a longer one fades out and in."""
    fade_steps: float = 0.5
    """How long a source fades in and out, in steps between instants."""
    faintest: float = 0.45
    """How much is seen of a source that is barely sure; one that is sure is seen whole."""
    strip_cells: int = 12
    """Most sources on the strip of thumbnails, the strongest ones."""
    style: HeatStyle = option(HeatStyle(), flat=True)
    """How the drawing looks."""

    def __post_init__(self) -> None:
        check_range(self, "(0, inf)", "join_steps", "fade_steps")
        check_range(self, "[0, 1]", "faintest")
        check_range(self, "[1, inf)", "strip_cells")
