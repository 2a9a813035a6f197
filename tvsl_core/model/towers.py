"""The one interface that every set of towers has: pictures, sounds and names become vectors in one joint space.

Nothing outside ``tvsl_core.model`` may ask which towers it holds. Shapes use the house's axes: ``clip`` (one frame with
the sound around it), ``patch`` (cell of the image grid, row by row), ``sound`` (position of the audio map), ``klass``
(name of the vocabulary) and ``dim`` (of the joint space).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize


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


Side = Literal["looks", "sounds"]
"""One of the two things that can be learned of a class."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PictureParts:
    """What the patches of some pictures show, and how they hang together."""

    patches: Tensor
    """``[clip patch dim]``, row by row, as ``image_patches`` gives them."""
    grid: tuple[int, int]
    """Rows and columns of the patches."""
    features: Tensor
    """``[clip patch feature]``, as ``image_features`` gives them: what trained heads read."""
    foreground: Tensor
    """``[clip row column]`` in [0, 1]: how likely a patch belongs to any object at all."""
    affinity: Tensor
    """``[clip patch patch]`` in [0, 1]: how alike two patches look; 1 on the diagonal."""


@runtime_checkable
class Towers(Protocol):
    """Pictures, sounds and names in one joint space. Embeddings are as the model gives them, not unit length."""

    name: str
    """``compact`` or ``audioclip``."""
    dim: int
    """Size of the joint space."""
    sample_rate: int
    """Of the waveforms that ``embed_audio`` and ``sound_positions`` expect, in Hz."""
    patch_size: int
    """Stride of the image grid in pixels of the prepared image."""
    device: torch.device
    weights_sha256: str
    """Of the weights file (or of the tensors handed in); part of every result's fingerprint."""
    feature_dims: tuple[int, int]
    """Sizes of what trainable heads read: of a patch's features, of a sound position's features."""
    names_dim: int
    """Size of the vectors of ``embed_names``."""

    @property
    def sound_hop_s(self) -> float | None:
        """Seconds between sound positions when each depends only on the sound near it; None otherwise.

        With a number, the positions of a long sound may be computed once and sliced: position ``i`` is centred at
        ``sound_span_s / 2 + i * sound_hop_s``. With None every window must be embedded by itself.
        """
        ...

    @property
    def sound_span_s(self) -> float:
        """Seconds of sound that one position sees."""
        ...

    def preprocess(self, frames: NDArray[np.uint8]) -> Tensor:
        """uint8 RGB ``[clip height width 3]`` to normalised float ``[clip 3 height' width']`` on the device.

        The whole frame is kept: the grid covers exactly the frame. Height' and width' are multiples of
        ``patch_size``; the short side is the towers' own working size.
        """
        ...

    def embed_images(self, images: Tensor) -> Tensor:
        """Normalised float ``[clip 3 height width]`` to ``[clip dim]``."""
        ...

    def image_patches(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Normalised float ``[clip 3 height width]`` to (``[clip patch dim]``, (rows, columns)), patches row by row."""
        ...

    def embed_audio(self, waveforms: Tensor) -> Tensor:
        """Mono float ``[clip sample]`` in [-1, 1] at ``sample_rate`` to ``[clip dim]``."""
        ...

    def sound_positions(self, waveforms: Tensor) -> Tensor:
        """Mono float ``[clip sample]`` in [-1, 1] at ``sample_rate`` to ``[clip sound dim]``."""
        ...

    def curate(self, evidence: Mapping[str, LabelEvidence]) -> None:
        """Take in what somebody has written down about names; towers that go by the words alone ignore it."""
        ...

    def is_trained(self, names: Sequence[str], side: Side) -> Sequence[bool]:
        """For each name whether trained heads say how it looks or sounds, rather than the towers as published."""
        ...

    def embed_text(self, names: Sequence[str]) -> Tensor:
        """Class names (any words) to ``[klass dim]``."""
        ...

    def image_evidence(self, patches: Tensor, text: Tensor) -> Tensor:
        """How strongly each patch shows each class: ``[clip patch dim]``, ``[klass dim]`` to ``[clip patch klass]``.

        In [0, 1], comparable between classes and clips, on the towers' own scale.
        """
        ...

    def sound_evidence(self, positions: Tensor, text: Tensor) -> Tensor:
        """How strongly each position holds each class: ``[clip sound dim]``, ``[klass dim]`` to ``[clip sound klass]``.

        In [0, 1], comparable between classes and clips, on the towers' own scale; near 0 everywhere in silence.
        """
        ...

    def without_sound(self, positions: Tensor, text: Tensor) -> Tensor:
        """What is left of a sound once a class is taken out: ``[sound dim]``, ``[dim]`` to ``[sound dim]``.

        So that a second name for the same sound (an erhu for a violin) has nothing left to speak for it.
        """
        ...

    def without_image(self, patches: Tensor, text: Tensor) -> Tensor:
        """What is left of a picture once a class is taken out: ``[patch dim]``, ``[dim]`` to ``[patch dim]``."""
        ...

    def agreement(self, patches: Tensor, positions: Tensor, text: Tensor) -> Tensor:
        """How well each patch agrees with the part of the sound that each name pulls out. [TVSL] section 3.3.

        ``[clip patch dim]``, ``[clip sound dim]``, ``[klass dim]`` to ``[clip klass patch]``, higher is better.
        """
        ...

    def inspect_images(self, images: Tensor) -> PictureParts:
        """Everything that localization asks of pictures, in one pass: normalised float ``[clip 3 height width]``."""
        ...

    def image_features(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """What trainable heads read of pictures, patches row by row.

        Normalised float ``[clip 3 height width]`` to (``[clip patch feature]``, (rows, columns)).
        """
        ...

    def sound_features(self, waveforms: Tensor) -> Tensor:
        """What trainable heads read of sounds: mono float ``[clip sample]`` in [-1, 1] to ``[clip sound feature]``."""
        ...

    def joint_image(self, features: Tensor) -> Tensor:
        """Features to patches in the joint space: ``[clip patch feature]`` to ``[clip patch dim]``."""
        ...

    def joint_sound(self, features: Tensor) -> Tensor:
        """Features to sound positions in the joint space: ``[clip sound feature]`` to ``[clip sound dim]``."""
        ...

    def embed_names(self, names: Sequence[str]) -> Tensor:
        """Class names to unit vectors ``[klass names_dim]`` of the language space that trainable heads aim at."""
        ...


def agree(patches: Tensor, positions: Tensor, heard: Tensor) -> Tensor:
    """``Towers.agreement`` without trained heads: cosines of patches and of the sound that a name pulled out.

    Args:
        patches: ``[clip patch dim]``.
        positions: ``[clip sound dim]``.
        heard: ``[clip sound klass]``, how strongly each position holds each class.

    Returns: ``[clip klass patch]`` in [-1, 1].
    """
    pulled = normalize(heard.transpose(1, 2) @ positions, dim=-1)
    return pulled @ normalize(patches, dim=-1).transpose(1, 2)
