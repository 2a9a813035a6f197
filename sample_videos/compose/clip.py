"""What a sample video is before it is drawn: a scene, and what sounds when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .scene import Scene


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Clip:
    """One sample video, before it is drawn."""

    name: str
    """Of its file."""
    about: str
    """One sentence for people."""
    licence: str
    """SPDX expression of the whole."""
    scene: Scene
    tracks: Mapping[str, NDArray[np.float32]]
    """By name: what it sounds like, mono ``[sample]`` at 44.1 kHz, as long as the clip. What the scene shows without
    a track is silent; tracks of names that the scene lacks come from outside of the picture."""
    classes: Mapping[str, str] = field(default_factory=dict)
    """Of things that are not named by their class: those of which a clip has several."""
    duration: float
    width: int
    """Of the frame as shown."""
    height: int
    frame_rate: Fraction
    rotation: int = 0
    credits: Sequence[str] = field(default=())
    """Keys of the credits in README.md."""
