"""The labels that evidence may name: what the compact model's two label lists call their entries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Literal

from tvsl_core.system.suggest import closest

Kind = Literal["sounds", "looks"]
LISTS: Mapping[Kind, str] = {"sounds": "AudioSet", "looks": "ImageNet"}


def label_lines(file: str) -> list[str]:
    """The lines of ``labels_audioset.txt`` or ``labels_imagenet.txt``, in the order of the networks' outputs."""
    return resources.files("tvsl_core.vocabulary").joinpath(file).read_text(encoding="utf-8").splitlines()


@cache
def _names(kind: Kind) -> Mapping[str, str]:
    """Every name that a label goes by, folded, to the name that evidence uses."""
    if kind == "sounds":
        return {line.casefold(): line for line in label_lines("labels_audioset.txt")}
    found: dict[str, str] = {}
    rows = [line.split(", ") for line in label_lines("labels_imagenet.txt")]
    for row in rows:
        found[row[0].casefold()] = row[0]
    for row in rows:
        for synonym in row[1:]:
            found.setdefault(synonym.casefold(), row[0])
    return found


@cache
def labels(kind: Kind) -> frozenset[str]:
    """All labels of a list, spelled as evidence spells them: 521 sounds, 1000 looks."""
    return frozenset(_names(kind).values())


def canonical(label: str, kind: Kind) -> str | None:
    """A label in its own spelling, whatever the case; None when the list has no such label."""
    found = _names(kind).get(label.casefold())
    return found if found is not None and found.casefold() == label.casefold() else None


def nearest(label: str, kind: Kind) -> str:
    """The label that was probably meant."""
    names = _names(kind)
    return names[closest(label.casefold(), names, least=0.0) or ""]
