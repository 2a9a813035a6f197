"""How alike a class name and every label are, and how probabilities cross from one label list to the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from tvsl_core.model.compact.evidence import SAME_WORDS, contains_words, label_places, names_head, words
from tvsl_core.model.compact.labels import Label

CARRY_FLOOR = 0.6
"""Labels of the two lists that are less alike than this share nothing."""


class LabelSpace:
    """The names of one label list as vectors.

    Args:
        labels: The list.
        vectors: Unit vectors ``[name dim]`` of all names of all labels, label by label.
        related: Whether the words of a class make a label its kind: ``related(class words, label words)``.
    """

    def __init__(
        self,
        labels: Sequence[Label],
        vectors: Tensor,
        related: Callable[[Sequence[str], Sequence[str]], bool],
    ) -> None:
        counts = [len(label.names) for label in labels]
        if sum(counts) != vectors.shape[0]:
            raise ValueError(f"{sum(counts)} names of labels need as many vectors, got {vectors.shape[0]}")
        self.labels = tuple(labels)
        self.places = label_places(labels)
        self.vectors = vectors
        self.owners = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts)).to(vectors.device)
        self.words = [tuple(words(name) for name in label.names) for label in labels]
        self.related = related

    def likeness(self, names: Sequence[str], vectors: Tensor) -> Tensor:
        """How alike classes and labels are: ``[klass dim]`` unit vectors of ``names`` to ``[klass label]`` in [-1, 1].

        Computed where the labels are, wherever the names are. The best over a label's names, and at least
        ``SAME_WORDS`` when its words say that it is of the class.
        """
        cosines = vectors.to(self.vectors.device) @ self.vectors.T
        owners = self.owners.expand(cosines.shape[0], -1)
        best = torch.full((cosines.shape[0], len(self.labels)), -1.0, device=cosines.device)
        best = best.scatter_reduce(1, owners, cosines, "amax")
        for row, name in enumerate(names):
            own = words(name)
            kinds = [index for index, texts in enumerate(self.words) if any(self.related(own, text) for text in texts)]
            best[row, kinds] = best[row, kinds].clamp(min=SAME_WORDS)
        return best


def sound_space(labels: Sequence[Label], vectors: Tensor) -> LabelSpace:
    """Sounds: a label that mentions the class tells of it ("Train horn" of a train)."""
    return LabelSpace(labels, vectors, contains_words)


def look_space(labels: Sequence[Label], vectors: Tensor) -> LabelSpace:
    """Looks: a label is of the class only when the class is its head ("freight car" of a car, "car mirror" is not)."""
    return LabelSpace(labels, vectors, names_head)


def carry_matrix(sounds: LabelSpace, looks: LabelSpace) -> Tensor:
    """How much a sound label and a look label are the same thing: ``[521 1000]`` in [0, 1], mostly exact zeros.

    The best cosine between their names, 0 below ``CARRY_FLOOR``, rising to 1 for equal names.
    """
    cosines = sounds.vectors @ looks.vectors.T
    rows = torch.full((len(sounds.labels), cosines.shape[1]), -1.0, device=cosines.device)
    rows = rows.scatter_reduce(0, sounds.owners[:, None].expand_as(cosines), cosines, "amax")
    best = torch.full((len(sounds.labels), len(looks.labels)), -1.0, device=cosines.device)
    best = best.scatter_reduce(1, looks.owners.expand_as(rows), rows, "amax")
    return ((best - CARRY_FLOOR) / (1 - CARRY_FLOOR)).clamp(0.0, 1.0)
