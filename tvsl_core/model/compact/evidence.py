"""Which labels speak for a class name: curated where someone has written it down, else derived through language.

A class is a set of weights in [0, 1] over the labels that a network knows. Weight 1 says that the label *is* the class
or a kind of it, so that the label's probability counts in full; 0 says that it has nothing to do with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tvsl_core.model.compact.labels import Label
from tvsl_core.system.suggest import closest

SAME_WORDS = 0.9
"""Likeness of a class and a label that contains all its words, at least."""
SAME_NAME = 0.98
"""Likeness of equal names, less what rounding takes."""
LEAST_LIKENESS = 0.62
"""Below this cosine a label is unrelated. Words that merely look alike stay below: tabla and tabby 0.59."""
RELATIVE = 0.1
"""Labels further than this behind the best one are left out."""

_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelWeights:
    """The labels that speak for a class, by key, each with a weight in (0, 1]."""

    sounds: Mapping[str, float] = field(default_factory=dict)
    """AudioSet display names, such as "Violin, fiddle"."""
    looks: Mapping[str, float] = field(default_factory=dict)
    """ImageNet main names, such as "sax"."""

    def __post_init__(self) -> None:
        for weights in (self.sounds, self.looks):
            for key, weight in weights.items():
                if not 0 < weight <= 1:
                    raise ValueError(f"the weight of label {key!r} must lie in (0, 1], got {weight}")


def normalize_name(name: str) -> str:
    """One spelling for the same name: lower case, single spaces, no underscores."""
    return " ".join(name.casefold().replace("_", " ").split())


def label_places(labels: Sequence[Label]) -> dict[str, int]:
    """Where each label stands, by its key, whose case does not count."""
    return {label.key.casefold(): place for place, label in enumerate(labels)}


def weigh_labels(weights: Mapping[str, float], places: Mapping[str, int]) -> NDArray[np.float32]:
    """Curated weights as a vector over all labels.

    Args:
        weights: By the key of a label.
        places: What ``label_places`` says of all labels.

    Raises: ValueError: A key names no label; the nearest one is suggested.
    """
    vector = np.zeros(len(places), np.float32)
    for key, weight in weights.items():
        if key.casefold() not in places:
            near = closest(key.casefold(), places, least=0.0)
            raise ValueError(f"no label is called {key!r}; the nearest is {near!r}")
        vector[places[key.casefold()]] = weight
    return vector


def words(name: str) -> tuple[str, ...]:
    """The words of a name in order, singular where an English plural is plain to see."""
    found = _WORD.findall(normalize_name(name))
    return tuple(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
        for word in found
    )


def names_head(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether ``long`` ends in the words of ``short``: an acoustic guitar is a guitar, a guitar pick is not."""
    return bool(short) and len(long) >= len(short) and tuple(long[-len(short) :]) == tuple(short)


def contains_words(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether all words of ``short`` occur in ``long``: a car alarm and a car passing by both tell of a car."""
    return bool(short) and set(short) <= set(long)


def sharpen(likeness: NDArray[np.float32], *, exclusive: bool) -> NDArray[np.float32]:
    """Likenesses of one class with all labels to weights; unrelated labels get exactly 0.

    Labels at ``SAME_WORDS`` or more count in full, and then no others do. Without one, the best label and those close
    behind it count, the less the worse they are, and none if even the best is unlike.

    Args:
        likeness: ``[label]``, cosines with ``SAME_WORDS`` floors.
        exclusive: Whether a label that has the very name of the class shuts out those that only contain it: the looks
            of a lion are not those of a sea lion.

    Returns: ``[label]`` in [0, 1].
    """
    best = float(likeness.max(initial=-1.0))
    if best < LEAST_LIKENESS:
        return np.zeros_like(likeness)
    if best >= SAME_WORDS:
        least = SAME_NAME if exclusive and best >= SAME_NAME else SAME_WORDS - 1e-6
        return np.where(likeness >= least, np.float32(1.0), np.float32(0.0))
    floor = max(LEAST_LIKENESS - 1e-3, best - RELATIVE)
    strength = np.clip((likeness - floor) / (best - floor), 0.0, 1.0)
    return np.asarray(strength * best / SAME_WORDS, np.float32)
