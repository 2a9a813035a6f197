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
class EventOptions:
    """When an event begins and ends."""

    onset: float = 0.35
    """An event begins where the probability reaches this, in (0, 1]."""
    offset: float = 0.2
    """It ends where the probability falls under this, in (0, ``onset``]."""
    gap_s: float = 0.35
    """A pause that is not longer lies inside an event."""
    shortest_s: float = 0.2
    """What is shorter is dropped."""
    candidates: int = 24
    """So many classes, those that the sound speaks for most, are considered in each stretch of twenty seconds."""

    def __post_init__(self) -> None:
        if not 0 < self.offset <= self.onset <= 1:
            raise ValueError(f"0 < offset <= onset <= 1 must hold, got {self.offset} and {self.onset}")
        if self.gap_s < 0 or self.shortest_s < 0:
            raise ValueError(f"gap_s and shortest_s must not be negative, got {self.gap_s} and {self.shortest_s}")
        check_range(self, "[1, inf)", "candidates")


@dataclass(frozen=True, kw_only=True, slots=True)
class DetectOptions:
    """Which events are told."""

    min_score: float = option(0.5, metavar="SCORE", topic=_WHAT, top=True)
    """Least probability of being right that is reported, 0 to 1."""
    max_sources: int = option(4, topic=_WHAT, top=True)
    """At most so many sources at a time."""
    max_alternatives: int = 3
    """Most other names of one event."""
    least_alternative: float = 0.05
    """Least probability of another name that is told."""
    together: float = 0.5
    """Two events may be one object's when they share this much of the shorter one's time, in (0, 1]."""
    in_view: float = 0.5
    """Least probability that the source of an event is in the picture at which it is looked for there."""

    def __post_init__(self) -> None:
        check_range(self, "[0, 1]", "min_score", "least_alternative", "in_view")
        check_range(self, "(0, 1]", "together")
        if self.max_sources < 1:
            raise ValueError(f"max-sources must be at least 1, got {self.max_sources}")
        check_range(self, "[0, inf)", "max_alternatives")


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
class PeopleOptions:
    """How people are looked for, where somebody speaks, sings, laughs or claps."""

    enabled: bool = option(True, name="people", topic=_WHAT, top=True)
    """Look for faces and bodies where a voice or applause is heard; nobody is identified."""
    min_score: float = 0.5
    """Least score of a face that a closer look confirms."""
    unconfirmed_score: float = 0.75
    """Least score of a face that a closer look does not confirm: one from the side, or half covered."""
    smallest_px: int = 18
    """Least side of a face, in pixels of the picture that the model sees."""
    tile: int = 480
    """Where the picture as a whole shows no face, it is looked at again in squares of so many pixels."""
    every_s: float = 1.0
    """Faces are looked for so often; where they stay between two looks, they are where they were or on their way."""
    bodies_every_s: float = 2.0
    """Bodies are looked for so often; between two looks they move with the faces."""
    least_share: float = 0.25
    """An event is in view when at least this share of its instants show somebody."""
    aside: float = 0.45
    """How strongly a map shows people beside the likeliest one; under the box's threshold they are outside its box."""

    def __post_init__(self) -> None:
        check_range(self, "(0, 1]", "min_score", "unconfirmed_score", "least_share")
        check_range(self, "[0, 1]", "aside")
        check_range(self, "[0, inf)", "every_s", "bodies_every_s")
        check_range(self, "[1, inf)", "smallest_px")
        check_range(self, "[64, inf)", "tile")


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectOptions:
    """When the region of a class is several objects."""

    most: int = 4
    """Most objects of one class at a time; 1 never tells them apart."""
    part: float = 0.6
    """Share of an extent's maximum from which patches hang together as one object."""
    evidence: float = 0.4
    """Least evidence for its class at the best patch of an object, as a share of the most in the picture."""
    rival: float = 0.5
    """Least share of its class in the most evidence for any class there, as a share of that of the best object."""
    size: float = 0.25
    """Least size of an object, as a share of the largest one."""
    seen: float = 0.5
    """Share of an event's instants at which an object must be seen to be one that may sound."""

    def __post_init__(self) -> None:
        check_range(self, "[1, 16]", "most")
        check_range(self, "(0, 1]", "part", "seen")
        check_range(self, "[0, 1]", "evidence", "rival", "size")


@dataclass(frozen=True, kw_only=True, slots=True)
class SynchronyOptions:
    """How it is told which of several equals sounds: whoever moves with the sound."""

    rate: float = 25.0
    """Pictures a second that are looked at around an event."""
    longest_side: int = 320
    """Longest side of those pictures, in pixels."""
    longest_s: float = 8.0
    """So much of a long event is looked at, around its peak."""
    margin_s: float = 1.0
    """So much before and after an event is looked at as well: who sounds moves otherwise when it is silent."""
    lag_s: float = 0.2
    """A movement may come so much before its sound, or after it."""
    bias: float = 0.4
    """Log odds that an object sounds, before anything is seen of its movement."""
    agreement: float = 0.9
    """Log odds for an agreement of speed and loudness of 1, over two seconds."""
    lead: float = 3.0
    """Log odds for an agreement that is by 1 more than that of the best other object, over two seconds."""
    rise_lead: float = 1.7
    """The same for the agreement of their rises."""
    sure: float = 0.6
    """An object that sounds at least so likely is said to sound; one that is as likely silent is left out."""
    together: float = 0.9
    """Movements that agree so much with each other are those of one object."""

    def __post_init__(self) -> None:
        check_range(self, "[5, 60]", "rate")
        check_range(self, "[64, inf)", "longest_side")
        check_range(self, "[1, inf)", "longest_s")
        check_range(self, "[0, inf)", "margin_s", "agreement", "lead", "rise_lead")
        check_range(self, "[0, 1]", "lag_s")
        check_range(self, "[0.5, 1]", "sure")
        check_range(self, "(0, 1]", "together")


@dataclass(frozen=True, kw_only=True, slots=True)
class MouthOptions:
    """How it is told who of the people in view speaks, if anybody: whose mouth goes with the voice."""

    rate: float = 12.5
    """Pictures a second that are looked at while somebody speaks."""
    longest_side: int = 640
    """Longest side of those pictures, in pixels."""
    alone_s: float = 4.0
    """Of somebody who is alone in view at most so much of the beginning says whether the voice is theirs at all."""
    alone_sure: float = 0.95
    """Who is alone and speaks at least so likely, by what was seen so far, is looked at no longer."""
    smallest_px: int = 40
    """Least side of a face, in those pixels, whose mouth is seen well enough to say that it is silent."""
    margin_s: float = 1.0
    """So much before and after somebody speaks is looked at as well."""
    window_s: float = 0.7
    """Mouth and voice are compared around each picture, over about so long: deviation of the weights."""
    slow_s: float = 0.5
    """What changes more slowly than this is no syllable."""
    lag_s: float = 0.2
    """A mouth may move so much before its sound, or after it."""
    bias: float = -5.6
    """Log odds that a face speaks, before anything is seen of its mouth."""
    agreement: float = 22.5
    """Log odds for an agreement of mouth and voice of 1 that no other mouth explains."""
    lead: float = 2.2
    """Log odds for an agreement that is by 1 more than that of the best other mouth."""
    movement: float = 3.4
    """Log odds for a mouth that moves by a factor of e more than a hundredth of the face's height."""
    change: float = 4.8
    """Log odds against beginning, or ceasing, to speak at any one picture."""
    shortest_s: float = 0.6
    """What is shorter is no turn."""
    unseen_s: float = 2.5
    """Where nobody in view speaks for less than this, between turns of those who do, it is no voice out of view."""
    sure: float = 0.6
    """Who speaks at least so likely is said to speak; who is as likely silent is left out."""
    unheard: float = 0.38
    """Where everybody in view speaks at most so likely, the voice comes from out of view."""

    def __post_init__(self) -> None:
        check_range(self, "[5, 60]", "rate")
        check_range(self, "[64, inf)", "longest_side")
        check_range(self, "[1, inf)", "smallest_px")
        check_range(self, "(0, inf)", "window_s", "slow_s", "alone_s")
        check_range(self, "[0, inf)", "margin_s", "agreement", "lead", "movement", "change")
        check_range(self, "[0, inf)", "shortest_s", "unseen_s")
        check_range(self, "[0, 1]", "lag_s", "unheard")
        check_range(self, "[0.5, 1]", "sure", "alone_sure")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackOptions:
    """When two events have one source, and how its box moves."""

    max_gap_s: float = 2.0
    """Events of one class that are no further apart have one source, wherever it is."""
    min_iou: float = 0.1
    """Least overlap with its last box for a region to be the same source after a longer pause, or to be smoothed."""
    smoothing: float = 0.6
    """Weight of the new box against the last one; 1 does not smooth."""

    def __post_init__(self) -> None:
        check_range(self, "(0, 1]", "smoothing")
        check_range(self, "[0, 1]", "min_iou")
        check_range(self, "[0, inf)", "max_gap_s")


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawOptions:
    """How heatmap videos and thumbnails show what was found."""

    fade_s: float = 0.1
    """How long a source fades in from the start of an event, and out to its end."""
    faintest: float = 0.45
    """How much is seen of a source that is barely sure; one that is sure is seen whole."""
    strip_cells: int = 12
    """Most sources on the strip of thumbnails, the strongest ones."""
    style: HeatStyle = option(HeatStyle(), flat=True)
    """How the drawing looks."""

    def __post_init__(self) -> None:
        check_range(self, "[0, inf)", "fade_s")
        check_range(self, "[0, 1]", "faintest")
        check_range(self, "[1, inf)", "strip_cells")
