"""The labels that the compact towers know: 521 sounds of AudioSet and 1000 looks of ImageNet. No torch.

A label is named by its *key*: for AudioSet the display name as published ("Violin, fiddle"), for ImageNet the main
name ("sax"), which is unique whatever the case. Other names of the same label help to find it from a class name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from tvsl_core.vocabulary.labels import label_lines

_COMMA = re.compile(r",\s+(?![^()]*\))")
"""A comma outside parentheses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """One thing that a tower can tell apart."""

    key: str
    """Unique in its list; what evidence refers to."""
    names: tuple[str, ...]
    """Everything it is called, each lower-cased; the first is the commonest."""


def parse_audioset(line: str) -> Label:
    """A display name of AudioSet; commas separate its synonyms: "Violin, fiddle"."""
    parts = [part.removeprefix("and ").strip().lower() for part in _COMMA.split(line)]
    names = tuple(dict.fromkeys(part for part in parts if part and part != "etc."))
    return Label(key=line, names=names)


def parse_imagenet(line: str) -> Label:
    """A line of ``labels_imagenet.txt``: the main name, then synonyms and at most one kind, separated by ", "."""
    parts = [part.strip() for part in line.split(",")]
    return Label(key=parts[0], names=tuple(dict.fromkeys(part.lower() for part in parts if part)))


@cache
def audioset_labels() -> tuple[Label, ...]:
    """The 521 sounds, in the order of the network's scores."""
    return tuple(parse_audioset(line) for line in label_lines("labels_audioset.txt"))


@cache
def imagenet_labels() -> tuple[Label, ...]:
    """The 1000 looks, in the order of the network's logits."""
    return tuple(parse_imagenet(line) for line in label_lines("labels_imagenet.txt"))
