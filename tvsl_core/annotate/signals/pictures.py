"""The evidence of every instant's picture: how each class looks stays at hand, what maps are made of waits on the disk.

Which sources sound is known only when the whole file was read, and maps are made for those alone. Half precision is
enough for maps, and everybody who makes one goes through it, so that evaluation and annotation see the same.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.annotate.embed import EmbeddedClip
from tvsl_core.annotate.evidence import NO_RIVAL
from tvsl_core.annotate.rules import PeopleOptions
from tvsl_core.annotate.signals.listen import EPSILON
from tvsl_core.annotate.signals.snapshots import Snapshots
from tvsl_core.model.evidence import Patches
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.system.files import write_error

Floats = NDArray[np.float32]
BROAD = 4
"""So many patches make a look that is not one lucky patch."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PictureEvidence:
    """What one picture says about every class, patch by patch; all numbers in [0, 1]."""

    image: Tensor
    """``[patch klass]``: how strongly each patch shows each class."""
    maps: Tensor
    """``[klass patch]``: the same with the agreement of patch and sound, where that counts."""
    affinity: Tensor
    """``[patch patch]``: how alike two patches look."""
    foreground: Tensor
    """``[patch]``: how likely a patch belongs to any object."""
    grid: tuple[int, int]
    """Rows and columns of the patches."""
    people: Mapping[int, Floats] = field(default_factory=dict)
    """Maps ``[row column]`` of the classes that the people in the picture make, on a grid of their own; the patches say
    nothing about these."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Instant:
    """When a picture was looked at, and how each class looks in it."""

    time: Fraction
    frame_index: int
    pts: int
    window: tuple[float, float]
    """Start and end of the sound around it, in seconds of the timeline."""
    look: NDArray[np.float16]
    """``[klass]``, logits: the strongest patch."""
    look_broad: NDArray[np.float16]
    """``[klass]``, logits: the mean of the strongest patches."""


class Pictures:
    """The pictures of one video, in order of time. What is large goes to a temporary file.

    Args:
        model: What embedded them.
        correspondence: How much the agreement of patch and sound counts in a map, in [0, 1].
        folder: Where the temporary files may lie; None is the system's own place.
        people: How people are looked for; None never does.

    Raises: OutputError: A temporary file cannot be written.
    """

    def __init__(
        self,
        model: TvslModel,
        *,
        correspondence: float,
        folder: Path | None = None,
        people: PeopleOptions | None = None,
    ) -> None:
        self._model, self._correspondence = model, correspondence
        classes = model.people
        self.snapshots: Snapshots | None = None
        """Where people are found; None where none are looked for."""
        if people is not None and people.enabled and classes.all:
            self.snapshots = Snapshots(classes, people, device=model.towers.device, folder=folder)
        self._folder = folder or Path(tempfile.gettempdir())
        try:
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".tvsl-pictures-")  # noqa: SIM115 closed in __exit__
        except OSError as error:
            raise write_error(self._folder, error) from error
        self._grid = (0, 0)
        self._size = 0
        self.instants: list[Instant] = []

    @torch.inference_mode()
    def add(self, clips: Sequence[EmbeddedClip]) -> None:
        """Remember some instants, at least one, that were embedded together; they come in order.

        All is computed for them together, on the model's device, and leaves it once.
        """
        looks = broads = np.full((len(clips), len(self._model.vocabulary.names)), NO_RIVAL, np.float16)
        if len(clips[0].patches):
            image = self._model.evidence.image(Patches.stack([clip.patches for clip in clips])).float()
            strongest = image.topk(min(BROAD, image.shape[1]), dim=1).values
            looks, broads = _logit(strongest[:, 0]), _logit(strongest.mean(dim=1))
            self._write(self._packed(clips, image), clips[0].grid)
            if self.snapshots is not None:
                for clip in clips:
                    self.snapshots.add(clip.pixels, float(clip.time))
        for clip, look, broad in zip(clips, looks, broads, strict=True):
            self.instants.append(
                Instant(
                    time=clip.time,
                    frame_index=clip.frame_index,
                    pts=clip.pts,
                    window=clip.window,
                    look=look,
                    look_broad=broad,
                )
            )

    def evidence(self, index: int, *, people: Collection[int] = ()) -> PictureEvidence:
        """Of one instant; there must be a picture.

        Args:
            index: Of the instant.
            people: Classes whose maps are to show people.

        Raises: OutputError: The temporary file cannot be read.
        """
        patches, names = self._grid[0] * self._grid[1], len(self._model.vocabulary.names)
        try:
            self._file.seek(index * self._size)
            values = torch.from_numpy(np.frombuffer(self._file.read(self._size), np.float16).astype(np.float32))
        except OSError as error:
            raise write_error(self._folder, error) from error
        above, beside = _half(patches)
        sizes = [patches * names, len(above), patches]
        image, affinity, foreground, *agreeing = torch.split(values, sizes + sizes[:1] * (self._correspondence > 0))
        image = image.reshape(patches, names)
        alike = torch.zeros((patches, patches))
        alike[above, beside] = alike[beside, above] = affinity
        return PictureEvidence(
            image=image,
            maps=agreeing[0].reshape(names, patches) if agreeing else image.T,
            affinity=alike,
            foreground=foreground,
            grid=self._grid,
            people=self.snapshots.maps(index, people) if self.snapshots is not None else {},
        )

    def picture(self, time_s: float) -> NDArray[np.uint8] | None:
        """What was seen at an instant, RGB ``[height width 3]``; None at other times, and where pictures are not kept.

        Raises: OutputError: The temporary file cannot be read.
        """
        (found,) = np.nonzero(self.times_s == time_s)
        return self.snapshots.picture(int(found[0])) if self.snapshots is not None and len(found) else None

    def faces(self, index: int, klass: int) -> float | None:
        """How surely an instant shows a face, of a class that people make; None where none was found or looked for."""
        if self.snapshots is None or klass not in self.snapshots.classes.all or not self.snapshots.looked_at(index):
            return None
        return max((face.box.score for face in self.snapshots.faces(index)), default=None)

    @property
    def seen(self) -> bool:
        """Whether there are pictures at all; a sound file has none."""
        return self._size > 0

    @property
    def times_s(self) -> NDArray[np.float64]:
        """``[instant]``."""
        return np.asarray([float(instant.time) for instant in self.instants])

    def nearest(self, time_s: float) -> int:
        """The instant that lies nearest to a time."""
        return int(np.abs(self.times_s - time_s).argmin())

    def _packed(self, clips: Sequence[EmbeddedClip], image: Tensor) -> NDArray[np.float16]:
        """Everything that maps are made of, ``[clip number]``."""
        above, beside = _half(len(clips[0].affinity))
        affinity = torch.stack([clip.affinity for clip in clips])[:, above, beside]
        parts = [image, affinity, torch.stack([clip.foreground for clip in clips])]
        if self._correspondence > 0:
            parts.append(torch.stack([self._maps(clip, image.shape[2]) for clip in clips]))
        packed = torch.cat([part.flatten(1).half() for part in parts], dim=1)
        return np.asarray(packed.cpu().numpy(), np.float16)

    def _maps(self, clip: EmbeddedClip, names: int) -> Tensor:
        return self._model.class_maps(
            patches=clip.patches,
            positions=clip.positions,
            klasses=list(range(names)),
            correspondence=self._correspondence if len(clip.positions) else 0.0,
        )

    def _write(self, packed: NDArray[np.float16], grid: tuple[int, int]) -> None:
        size = packed[0].nbytes
        if self._size and (self._size, self._grid) != (size, grid):
            raise ValueError(f"pictures of one video have one grid, got {grid} after {self._grid}")
        self._size, self._grid = size, grid
        try:
            self._file.write(packed.tobytes())
        except OSError as error:
            raise write_error(self._folder, error) from error

    def __enter__(self) -> Pictures:
        """Use as a context manager; the temporary file goes away at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the temporary file."""
        if self.snapshots is not None:
            self.snapshots.close()
        with contextlib.suppress(OSError):  # what it still holds back is of no use any more
            self._file.close()


@cache
def _half(patches: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of the pairs of patches that wait on the disk; two are as alike as the other way round.

    Half of the pairs is a fifth of all that waits. Who writes and who reads must agree on their order.
    """
    rows, columns = torch.triu_indices(patches, patches)
    return rows, columns


def _logit(values: Tensor) -> NDArray[np.float16]:
    return np.asarray(torch.logit(values, eps=EPSILON).half().cpu().numpy(), np.float16)
