"""From cosines to evidence in [0, 1] that can be compared between classes, clips and vocabularies.

A cosine of CLIP-like towers means little by itself: unrelated pairs score well above zero, and some names score higher
than others against anything. A softmax over the vocabulary repairs that, but it makes sources of one clip compete and
changes with every name that is added. Here each class instead stands against two rivals of its own: what
"background" scores at the same place, and what the class itself scores where there is nothing to hear or see:

    evidence = sigmoid(scale * cos(place, class) - log(sum_b exp(scale * cos(place, background_b))
                                                      + exp(scale * cos(nothing, class) + MARGIN)))

with the scale that the model learned for this pair of modalities. Measuring a class against content-free input follows
Zhao et al., "Calibrate Before Use", ICML 2021.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as fn
from numpy.typing import NDArray
from torch import Tensor

MARGIN = 3.0
"""Logits by which a place must beat nothing; where there is nothing, evidence is at most sigmoid(-3) = 0.05."""
NO_SOUND = ("silence", "background noise", "room noise")
NO_OBJECT = ("background", "an empty scene", "nothing")
OBJECTS = ("a person", "an animal", "a musical instrument", "a vehicle", "a machine", "a tool", "an object")
STUFF = ("sky", "ground", "floor", "wall", "water", "grass", "trees", "a blurred background", "a room", "a street")
REFERENCE_S = 5.0
"""Seconds of nothing that are listened to."""
FAINT = 1e-4
"""Amplitude of the noise that stands for silence beside exact zeros: -80 dB of full scale."""


def cosines(places: Tensor, text: Tensor) -> Tensor:
    """Cosine of every place with every class; 0 where one has no length.

    Shapes: places ``[clip place dim]``, text ``[klass dim]`` to ``[clip place klass]``.
    """
    return fn.normalize(places.float(), dim=-1) @ fn.normalize(text.float(), dim=-1).T


def evidence(
    places: Tensor,
    *,
    text: Tensor,
    background: Tensor,
    nothing: Tensor,
    scale: float,
) -> Tensor:
    """How strongly each place holds each class, in [0, 1]; see the head of this file.

    Shapes: places ``[clip place dim]``, text ``[klass dim]``, background ``[rival dim]``, nothing ``[clip2 place2
    dim]`` to ``[clip place klass]``.

    Args:
        places: Patches or sound positions.
        text: The classes.
        background: Names of what is there when no class is.
        nothing: Places of pictures or sounds without content; the one most like a class counts.
        scale: Logits per cosine.
    """
    rivals = torch.logsumexp(scale * cosines(places, background), dim=-1, keepdim=True)
    if len(text) == 0:
        return places.new_zeros(*places.shape[:2], 0, dtype=torch.float32)
    idle = scale * cosines(nothing, text).amax((0, 1)) + MARGIN
    return torch.sigmoid(scale * cosines(places, text) - torch.logaddexp(rivals, idle))


def foreground(
    patches: Tensor,
    *,
    objects: Tensor,
    stuff: Tensor,
    scale: float,
) -> Tensor:
    """How much more a patch looks like any object than like any surface, in [0, 1]; 0.5 when alike.

    Shapes: patches ``[clip patch dim]``, objects ``[thing dim]``, stuff ``[surface dim]`` to ``[clip patch]``.
    """
    things, surfaces = (
        torch.logsumexp(scale * cosines(patches, names), dim=-1) - np.log(len(names)) for names in (objects, stuff)
    )
    return torch.sigmoid(things - surfaces)


def likeness(features: Tensor) -> Tensor:
    """How alike two patches look: cosine of their features less the mean of the picture, not below 0.

    Shapes: features ``[clip channel row column]`` to ``[clip patch patch]``; 1 on the diagonal.
    """
    cells = features.flatten(2).transpose(1, 2)
    apart = fn.normalize(cells - cells.mean(1, keepdim=True), dim=-1)
    alike = (apart @ apart.transpose(1, 2)).clamp(0, 1)
    alike.diagonal(dim1=1, dim2=2).fill_(1)
    return alike


def without(places: Tensor, *, text: Tensor, background: Tensor) -> Tensor:
    """Take out of every place what speaks for a class and not for the background.

    Shapes: places ``[place dim]``, text ``[dim]``, background ``[rival dim]`` to ``[place dim]``.

    All texts of a CLIP-like model share most of their direction; only the part of the class that is orthogonal to the
    background is removed, so that other classes keep their evidence and this one falls below the background.

    Shapes: places ``[place dim]``, text ``[dim]``, background ``[rival dim]`` to ``[place dim]``.
    """
    shared = fn.normalize(fn.normalize(background.float(), dim=-1).mean(0), dim=-1)
    name = fn.normalize(text.float(), dim=-1)
    apart = fn.normalize(name - (name @ shared) * shared, dim=-1)
    return places - (places.float() @ apart).clamp_min(0)[:, None] * apart


def sounds_of_nothing(sample_rate: int) -> Tensor:
    """Exact silence, and noise as faint as that of a quiet recorder; the same at every call.

    Shapes: ``[clip sample]``.
    """
    noise = np.random.default_rng(0).standard_normal(int(REFERENCE_S * sample_rate)).astype(np.float32) * FAINT
    return torch.from_numpy(np.stack([np.zeros_like(noise), noise]))


def pictures_of_nothing(side: int) -> NDArray[np.uint8]:
    """Black, grey and white, ``[clip height width 3]``."""
    levels = np.array([0, 128, 255], np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (3, side, side, 3)).copy()
