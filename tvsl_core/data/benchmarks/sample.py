"""What a benchmark says: samples, their sounding sources, and the media that they need.

A sample is one frame with the sound around it. Its frame is one clip's picture, or several set side by side with their
sounds added (*tiles*). Boxes are corners ``x_min, y_min, x_max, y_max`` in shares of the tile that they lie in, right
and bottom excluded; every annotation file is brought to this form by its loader.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tvsl_core.errors import ManifestError

CornerBox = tuple[float, float, float, float]
"""``x_min, y_min, x_max, y_max`` in [0, 1] of the tile."""

SAME_CLASS = "same-class"
"""Tag of a sample whose sources share one class, so that no system can tell them apart by name."""


def class_key(name: str) -> str:
    """A class name without case and punctuation: ``female_speech_woman_speaking`` is ``female speech, woman speaking``.

    Args:
        name: As an annotation file, a vocabulary or a prediction spells it.

    Returns: Lower-case words joined by one space; two spellings of one class have the same key.
    """
    return " ".join(re.findall(r"[^\W_]+", name.lower()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """One sounding thing that annotators marked."""

    name: str = ""
    """Its class, as a person would write it; empty where the list has no classes, and then any map may answer."""
    boxes: tuple[CornerBox, ...] = ()
    """Where it is: their union, not their sum."""
    mask: Path | None = None
    """A file with a finer region, which replaces the boxes."""
    votes: int = 1
    """How many annotators must have marked a pixel for full weight; each box is one vote."""
    tile: int = 0
    """Which of the sample's tiles it is in, from the left."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One frame with the sound around it, and what is known to sound there."""

    id: str
    """What a prediction for it is called."""
    video: str
    """Samples of one video are not independent: they are drawn together by the bootstrap."""
    sources: tuple[Source, ...]
    """The annotated ones; only these are scored for place."""
    clips: tuple[str, ...]
    """Media ids, one for each tile, from the left."""
    sounds: tuple[str, ...] = ()
    """Media ids of the sounds, one for each tile; empty means those of ``clips``."""
    sounding: tuple[str, ...] = ()
    """All classes known to sound, annotated or not; empty means those of ``sources``."""
    silent: tuple[str, ...] = ()
    """Classes known to be visible and silent."""
    offscreen: tuple[str, ...] = ()
    """Classes known to sound and not to be visible; they are among ``sounding``."""
    pair: str = ""
    """Samples with one such name show one picture with the sound of one object each; they count together too."""
    swap: str = ""
    """Samples with one such name show the same frame with the sound of one object, then of the other."""
    tags: frozenset[str] = frozenset()
    """Groups that are reported apart, such as ``same-class``."""

    @property
    def names(self) -> tuple[str, ...]:
        """All classes known to sound, each once, in order."""
        return tuple(dict.fromkeys(self.sounding or (source.name for source in self.sources if source.name)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """An annotation that cannot be scored, and why."""

    id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """A named list of samples, with everything that its files held and we did not use."""

    name: str
    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    """All classes that may be asked for, sorted."""
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reader of the scores must know about the list."""
    measures: tuple[str, ...] = ()
    """What is measured on this list besides: ``negatives``, ``segmentation`` or ``interaction``."""
    family: str = ""
    """Folder under the data root that holds its media."""
    dropped_boxes: int = 0
    """Boxes without area that were left out of a source that has others."""

    def __post_init__(self) -> None:
        repeated = [name for name, count in Counter(sample.id for sample in self.samples).items() if count > 1]
        if repeated:
            raise ManifestError(
                f"{self.name} lists {len(repeated)} ids more than once, the first is '{repeated[0]}'.",
                hint="Keep one row per sample; several boxes of one source belong into the same row.",
            )

    @property
    def videos(self) -> int:
        """How many different videos the samples come from."""
        return len({sample.video for sample in self.samples})

    @property
    def sources(self) -> int:
        """How many annotated sources there are."""
        return sum(len(sample.sources) for sample in self.samples)


def sorted_classes(samples: tuple[Sample, ...]) -> tuple[str, ...]:
    """Every class that sounds or is known to be silent in some sample, sorted."""
    return tuple(sorted({name for sample in samples for name in (*sample.names, *sample.silent)}))
