"""What pictures and sounds hold of the classes of one vocabulary: the interface, and the values that pass through it.

Towers give vectors of a joint space; a ``ClassEvidence`` says how strongly they speak for each class. It is built once
for a vocabulary and never changes, so that models of several vocabularies share their towers. What lies beside a
joint vector (what trained heads said of a patch, say) stands under a name of its own, never at an offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Protocol, Self, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.errors import InputError
from tvsl_core.model.threads import side_by_side

Index = int | slice | Tensor | None
"""Of the first axis; None puts an axis before it."""
Klasses = Sequence[int] | None
"""Some classes of the vocabulary, by number; None is all of them."""


class LabelEvidence(Protocol):
    """Which labels of known networks speak for a class, each with a weight in (0, 1]."""

    @property
    def sounds(self) -> Mapping[str, float]:
        """AudioSet display names to weights."""
        ...

    @property
    def looks(self) -> Mapping[str, float]:
        """ImageNet main names to weights."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Places:
    """Places of a picture or of a sound: tensors that share all axes but the last."""

    joint: Tensor
    """``[... place dim]``, in the joint space of the towers."""

    @classmethod
    def stack(cls, rows: Sequence[Self]) -> Self:
        """One after the other, at least one; a new axis in front."""
        names = rows[0].tensors()
        return cls(**{name: torch.stack([row.tensors()[name] for row in rows]) for name in names})

    def __len__(self) -> int:
        return len(self.joint)

    def __getitem__(self, index: Index) -> Self:
        return replace(self, **{name: tensor[index] for name, tensor in self.tensors().items()})

    def __iter__(self) -> Iterator[Self]:
        return (self[index] for index in range(len(self)))

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor that is there, by name."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: tensor for name, tensor in found.items() if tensor is not None}


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Patches(Places):
    """Patches of pictures, row by row."""

    likely: Tensor | None = None
    """``[... patch klass+1]``: by trained heads, the probability of each class that they know, then of background."""
    seen: Tensor | None = None
    """``[... patch names_dim]``: where trained heads put a patch among names."""
    seen_before: Tensor | None = None
    """The same by the heads that these were before they were taught more."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Positions(Places):
    """Positions of sounds, in order of time."""

    features: Tensor | None = None
    """``[... sound feature]``: what trained heads read; kept, since they judge a position beside those around it."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PictureParts:
    """What the patches of some pictures show, and how they hang together."""

    patches: Patches
    """``[clip patch ...]``."""
    grid: tuple[int, int]
    """Rows and columns of the patches."""
    features: Tensor
    """``[clip patch feature]``: what trained heads read; the joint vectors where towers know nothing else."""
    foreground: Tensor
    """``[clip row column]`` in [0, 1]: how likely a patch belongs to any object at all."""
    affinity: Tensor
    """``[clip patch patch]`` in [0, 1]: how alike two patches look; 1 on the diagonal."""


@runtime_checkable
class ClassEvidence(Protocol):
    """How strongly pictures and sounds speak for the classes of one vocabulary. Immutable."""

    text: Tensor
    """``[klass dim]``: the classes' names in the joint space."""
    is_look_trained: NDArray[np.bool_]
    """``[klass]``: whether trained heads say how a class looks, rather than the towers as published."""
    is_sound_trained: NDArray[np.bool_]
    """``[klass]``: whether trained heads say how a class sounds."""

    @property
    def no_sound(self) -> Positions:
        """No position at all: what is heard in silence."""
        ...

    def read_images(self, images: Tensor) -> PictureParts:
        """Everything that is asked of pictures, in one pass: normalised float ``[clip 3 height width]``."""
        ...

    def read_sounds(self, waveforms: Tensor) -> Positions:
        """Mono float ``[clip sample]`` in [-1, 1] at the towers' rate to positions ``[clip sound ...]``."""
        ...

    def image(self, patches: Patches, klasses: Klasses = None) -> Tensor:
        """How strongly each patch shows each class: ``[clip patch ...]`` to ``[clip patch klass]``.

        In [0, 1], comparable between classes and clips, on the towers' own scale.
        """
        ...

    def sound(self, positions: Positions, klasses: Klasses = None) -> Tensor:
        """How strongly each position holds each class: ``[clip sound ...]`` to ``[clip sound klass]``.

        In [0, 1], comparable between classes and clips, on the towers' own scale; near 0 everywhere in silence.
        """
        ...

    def without_image(self, patches: Patches, klass: int) -> Patches:
        """What is left of one picture, ``[patch ...]``, once a class is taken out."""
        ...

    def without_sound(self, positions: Positions, klass: int) -> Positions:
        """What is left of one sound, ``[sound ...]``, once a class is taken out.

        So that a second name for the same sound (an erhu for a violin) has nothing left to speak for it.
        """
        ...

    def agreement(self, patches: Patches, positions: Positions, klasses: Klasses = None) -> Tensor:
        """How well each patch agrees with the part of the sound that each name pulls out. [TVSL] section 3.3.

        ``[clip patch ...]`` and ``[clip sound ...]`` to ``[clip klass patch]``, higher is better.
        """
        ...

    def likeness(self, klass: int, other: int) -> float:
        """How alike two classes are by their names, in [-1, 1]."""
        ...


def choose(rows: Tensor, klasses: Klasses) -> Tensor:
    """The rows ``[klass ...]`` of some classes."""
    return rows if klasses is None else rows[list(klasses)]


def read_finely(evidence: ClassEvidence, waveforms: Tensor, *, hop: int, times: int) -> Positions:
    """Positions at a finer hop than the towers' own: the sound network runs over the sound as often, shifted each time.

    For towers whose positions depend only on the sound near them. Position ``i`` is what the towers say of the sound
    that begins at sample ``i * hop / times``; every ``times``-th is one of ``read_sounds``.

    Args:
        evidence: That reads the sound.
        waveforms: ``[clip sample]``, as of ``read_sounds``.
        hop: Samples between the towers' own positions.
        times: How many positions take the place of one; divides ``hop``.

    Raises:
        ValueError: ``times`` does not divide ``hop``.
        InputError: The sound is shorter than ``hop``.
    """
    if times < 1 or hop % times:
        raise ValueError(f"times must divide the hop of {hop} samples, got {times}")
    if waveforms.shape[-1] < hop:
        raise InputError(f"a sound of {waveforms.shape[-1]} samples is shorter than a hop ({hop}).")
    shifted = (waveforms[:, shift:] for shift in range(0, hop, hop // times))
    passes = list(side_by_side(evidence.read_sounds, shifted))
    counts = [one.joint.shape[1] for one in passes]
    # A later pass ends at the same sample, so that it may lack the last position: order by time, not by pass.
    starts = torch.cat([torch.arange(count) * times + shift for shift, count in enumerate(counts)])
    order = starts.argsort().to(waveforms.device)
    names = passes[0].tensors()
    return Positions(**{name: torch.cat([one.tensors()[name] for one in passes], dim=1)[:, order] for name in names})
