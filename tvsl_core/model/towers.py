"""What a set of towers must be able to do: pictures, sounds and names become vectors in one joint space.

Nothing outside ``tvsl_core.model`` may ask which towers it holds. Shapes use the house's axes: ``clip`` (one frame with
the sound around it), ``patch`` (cell of the image grid, row by row), ``sound`` (position of the audio map), ``klass``
(name of the vocabulary) and ``dim`` (of the joint space).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.errors import InputError
from tvsl_core.model.calibration import Calibration
from tvsl_core.model.evidence import ClassEvidence, LabelEvidence, PictureParts


@runtime_checkable
class Towers(Protocol):
    """Pictures, sounds and names in one joint space. Embeddings are as the model gives them, not unit length."""

    name: str
    """What they are registered as, such as ``compact``."""
    dim: int
    """Size of the joint space."""
    sample_rate: int
    """Of the waveforms that ``embed_audio`` and ``sound_positions`` expect, in Hz."""
    device: torch.device
    weights_sha256: str
    """Of the weights file (or of the tensors handed in); part of every result's fingerprint."""

    @property
    def calibration(self) -> Calibration:
        """How the evidence of these towers, without trained heads, becomes a score."""
        ...

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

        The whole frame is kept: the grid of patches covers exactly the frame. Height' and width' are the towers' own.
        """
        ...

    def embed_images(self, images: Tensor) -> Tensor:
        """Normalised float ``[clip 3 height width]`` to ``[clip dim]``."""
        ...

    def image_patches(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Normalised float ``[clip 3 height width]`` to (``[clip patch dim]``, (rows, columns)), patches row by row."""
        ...

    def inspect_images(self, images: Tensor) -> PictureParts:
        """Everything that localization asks of pictures, in one pass: normalised float ``[clip 3 height width]``."""
        ...

    def embed_audio(self, waveforms: Tensor) -> Tensor:
        """Mono float ``[clip sample]`` in [-1, 1] at ``sample_rate`` to ``[clip dim]``."""
        ...

    def sound_positions(self, waveforms: Tensor) -> Tensor:
        """Mono float ``[clip sample]`` in [-1, 1] at ``sample_rate`` to ``[clip sound dim]``."""
        ...

    def embed_text(self, names: Sequence[str]) -> Tensor:
        """Class names (any words) to ``[klass dim]``."""
        ...

    def class_evidence(self, names: Sequence[str], labels: Mapping[str, LabelEvidence]) -> ClassEvidence:
        """How strongly pictures and sounds speak for some classes, by these towers as they are.

        Args:
            names: Of the classes, in order.
            labels: What somebody has written down about names; towers that go by the words alone ignore it.
        """
        ...


@runtime_checkable
class TrainableTowers(Towers, Protocol):
    """Towers over whose features heads can be trained."""

    feature_dims: tuple[int, int]
    """Sizes of a patch's features and of a sound position's features."""
    names_dim: int
    """Size of the vectors of ``embed_names``."""

    def image_features(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """What heads read of pictures, patches row by row.

        Normalised float ``[clip 3 height width]`` to (``[clip patch feature]``, (rows, columns)).
        """
        ...

    def sound_features(self, waveforms: Tensor) -> Tensor:
        """What heads read of sounds: mono float ``[clip sample]`` in [-1, 1] to ``[clip sound feature]``."""
        ...

    def joint_image(self, features: Tensor) -> Tensor:
        """Features to patches in the joint space: ``[clip patch feature]`` to ``[clip patch dim]``."""
        ...

    def joint_sound(self, features: Tensor) -> Tensor:
        """Features to sound positions in the joint space: ``[clip sound feature]`` to ``[clip sound dim]``."""
        ...

    def embed_names(self, names: Sequence[str]) -> Tensor:
        """Class names to unit vectors ``[klass names_dim]`` of the language space that heads aim at."""
        ...


def require_trainable(towers: Towers) -> TrainableTowers:
    """The same towers, known to have features.

    Raises: InputError: Heads cannot be trained over them.
    """
    if not isinstance(towers, TrainableTowers):
        raise InputError(
            f"the towers {towers.name!r} give no features that heads could read.",
            hint="Use towers that have them, such as compact.",
        )
    return towers
