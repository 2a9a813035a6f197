"""What training looks at and listens to: one picture with the sound around it, and everything that is known of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1
"""Value of a region map where nobody marked what is there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedObject:
    """One object of a picture: which file it came from and where it was put."""

    name: str
    """Its class."""
    file: str
    """Relative to the training set's folder."""
    group: str
    """The source that the file belongs to; what a validation split holds out as a whole."""
    box: tuple[int, int, int, int]
    """``x_min, y_min, x_max, y_max`` in pixels, right and bottom excluded. In the layout ``placed`` it is around the
    object and may reach over the frame's edge; else it is the tile in which the object is somewhere."""
    flipped: bool = False
    turn_degrees: float = 0.0
    """How far a placed object leans, clockwise."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedSound:
    """One sound of a mixture: which file it came from, how loud and when it begins."""

    name: str
    """Its class; empty for a sound of none of the classes."""
    file: str
    group: str
    level_db: float
    """Level of the loud parts under full scale, before the mixture is kept within [-1, 1]."""
    start_s: float
    """Where in the sound the window begins, in seconds of the file; negative: silence comes first."""
    speed: float = 1.0
    """How much faster, and so higher, it is played."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneRecipe:
    """What was drawn for one scene: plain values, the same for the same (seed, epoch, index)."""

    seed: int
    epoch: int
    index: int
    layout: str
    """``placed``, ``side-by-side``, ``collage``, ``inset``, ``whole`` or ``empty`` (only a background)."""
    size: tuple[int, int] = (0, 0)
    """Width and height of the frame in pixels."""
    background: str = ""
    """File behind the objects; empty for a plain colour or none."""
    objects: tuple[PlacedObject, ...] = ()
    """From the back to the front; in the order of ``Scene.visible``."""
    sounds: tuple[PlacedSound, ...] = ()
    noise_db: float | None = None
    """Level of the white noise under full scale; None when there is none."""


class Picture(NamedTuple):
    """The picture side of a scene."""

    frame: NDArray[np.uint8]
    """RGB ``[height width 3]``."""
    visible: tuple[str, ...]
    """One class per object."""
    regions: NDArray[np.int16]
    """``[height width]``: i + 1 is object i of ``visible``, 0 background, -1 unknown."""


class Sound(NamedTuple):
    """The sound side of a scene."""

    waveform: NDArray[np.float32]
    """Mono ``[sample]`` in [-1, 1]."""
    sounding: tuple[str, ...]
    """Each class that sounds, once."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Scene:
    """One picture with the sound around it, and what is known of both."""

    frame: NDArray[np.uint8]
    """RGB ``[height width 3]``."""
    waveform: NDArray[np.float32]
    """Mono ``[sample]`` in [-1, 1] at the rate asked for."""
    sounding: tuple[str, ...]
    """Classes that sound, each once, also those that are not in the picture."""
    visible: tuple[str, ...]
    """Classes to be seen; one entry per object."""
    regions: NDArray[np.int16]
    """``[height width]``: i + 1 is object i of ``visible``, 0 background, -1 unknown (weak labels)."""
    recipe: SceneRecipe

    def __post_init__(self) -> None:
        if self.frame.dtype != np.uint8 or self.frame.ndim != 3 or self.frame.shape[2] != 3:
            raise ValueError(f"a frame is uint8 [height width 3], got {self.frame.dtype} {self.frame.shape}")
        if self.regions.dtype != np.int16 or self.regions.shape != self.frame.shape[:2]:
            got = f"{self.regions.dtype} {self.regions.shape}"
            raise ValueError(f"regions are int16 {self.frame.shape[:2]} like the frame, got {got}")
        if self.waveform.dtype != np.float32 or self.waveform.ndim != 1:
            raise ValueError(f"a waveform is float32 [sample], got {self.waveform.dtype} {self.waveform.shape}")
        if len(set(self.sounding)) != len(self.sounding):
            raise ValueError(f"every sounding class stands once, got {', '.join(self.sounding)}")
        if int(self.regions.max(initial=0)) > len(self.visible):
            raise ValueError(f"regions name object {int(self.regions.max())} of {len(self.visible)}")

    @property
    def silent(self) -> tuple[str, ...]:
        """Visible classes that do not sound, each once."""
        return tuple(dict.fromkeys(name for name in self.visible if name not in self.sounding))

    @property
    def offscreen(self) -> tuple[str, ...]:
        """Sounding classes that are not in the picture."""
        return tuple(name for name in self.sounding if name not in self.visible)


class SceneSource(Protocol):
    """An indexable source of scenes: the same (index, epoch) gives the same scene in every process and order."""

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes that scenes can hold, sorted."""
        ...

    def __len__(self) -> int:
        """Scenes of one epoch."""
        ...

    def scene(self, index: int, epoch: int, *, sample_rate: int) -> Scene:
        """One scene.

        Args:
            index: In [0, ``len``).
            epoch: From 0.
            sample_rate: Of the waveform, in Hz.
        """
        ...

    def fingerprint(self) -> str:
        """Changes whenever a scene could: with the files, the options and the seed."""
        ...


class SplitSceneSource(SceneSource, Protocol):
    """A scene source whose two sides can be had one at a time, because neither needs the other to be rendered."""

    def picture(self, index: int, epoch: int) -> Picture:
        """The picture of ``scene(index, epoch)``, without its sound."""
        ...

    def sound(self, index: int, epoch: int, sample_rate: int) -> Sound:
        """The sound of ``scene(index, epoch)`` at a rate in Hz, without its picture."""
        ...

    def recipe(self, index: int, epoch: int) -> SceneRecipe:
        """What ``scene(index, epoch)`` is made of, without rendering any of it."""
        ...
