"""Files to make training scenes from: pictures and sounds by class, and what belongs to no class.

A *group* is what files have in common beyond their class: the video, the photographer, the sample library. A split
holds out whole groups, never single files, or validation would only ask what was learned by heart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureItem:
    """One picture file."""

    names: tuple[str, ...]
    """The classes to be seen; none for a background."""
    file: Path
    label: str
    """What reports and recipes call it: its path in the training set's folder, or a clip's id."""
    group: str
    size: tuple[int, int] = (0, 0)
    """Width and height of what is placed, in pixels; zeros when nobody looked yet."""
    cutout: bool = False
    """Whether an exact mask of the object is known."""
    white: bool = False
    """The mask is found by cutting the object from its white surroundings."""
    time_s: float | None = None
    """Of a video: the instant; None is its middle."""
    crop: tuple[int, int, int, int] | None = None
    """``left, top, right, bottom`` of the part that is used, in pixels, right and bottom excluded; None is all."""
    digest: str = ""
    """Of the content; empty when nobody looked yet."""
    sound: int = -1
    """Which sound of the pool was recorded with it; -1: none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundItem:
    """One sound file."""

    names: tuple[str, ...]
    """The classes that sound; none for other sounds."""
    file: Path
    label: str
    group: str
    seconds: float = 0.0
    """Length; 0 when nobody looked yet."""
    active: tuple[tuple[float, float], ...] = ()
    """When it is loud, as half-open stretches in seconds; empty when nobody looked yet."""
    middle: bool = False
    """Only the 5 s around its middle are read, as for the clips of a benchmark."""
    span: tuple[float, float] | None = None
    """Only this stretch of a video is read, half open, in seconds; None is its middle."""
    digest: str = ""


Item = TypeVar("Item", PictureItem, SoundItem)


@dataclass(frozen=True, kw_only=True)
class MediaPool:
    """Everything that scenes of one training set are made from."""

    pictures: tuple[PictureItem, ...]
    sounds: tuple[SoundItem, ...]
    backgrounds: tuple[PictureItem, ...] = ()
    """Pictures without any of the classes."""
    others: tuple[SoundItem, ...] = ()
    """Sounds of none of the classes."""

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """All classes, sorted."""
        seen = {name for item in self.pictures for name in item.names}
        return tuple(sorted(seen | {name for item in self.sounds for name in item.names}))

    @cached_property
    def is_paired(self) -> bool:
        """Whether pictures have a sound that was recorded with them."""
        return any(item.sound >= 0 for item in self.pictures)

    @property
    def groups(self) -> tuple[str, ...]:
        """All groups, sorted."""
        return tuple(sorted({item.group for item in self._all()}))

    def fingerprint(self) -> str:
        """Changes with the files: their names, classes, groups and, where known, contents; otherwise sizes."""
        digest = hashlib.sha256()
        for item in self._all():
            content = item.digest or _size(item.file)
            digest.update(repr((type(item).__name__, item.names, item.label, item.group, content)).encode())
        return digest.hexdigest()[:32]

    def only(self, keep: Callable[[PictureItem | SoundItem], bool]) -> MediaPool:
        """The part of the pool whose files pass; pictures keep their own sounds if those pass too."""
        chosen = [number for number, item in enumerate(self.sounds) if keep(item)]
        place = {number: position for position, number in enumerate(chosen)}
        return MediaPool(
            pictures=tuple(replace(item, sound=place.get(item.sound, -1)) for item in self.pictures if keep(item)),
            sounds=tuple(self.sounds[number] for number in chosen),
            backgrounds=tuple(item for item in self.backgrounds if keep(item)),
            others=tuple(item for item in self.others if keep(item)),
        )

    def of_classes(self, names: Collection[str]) -> MediaPool:
        """The part of the pool that shows or sounds only these classes, with all that belongs to no class."""
        wanted = set(names)
        return self.only(lambda item: set(item.names) <= wanted)

    def limited(self, number: int) -> MediaPool:
        """At most so many pictures and so many sounds, spread over the classes; for a first try."""
        kept = {id(item) for item in (*_spread(self.pictures, number), *_spread(self.sounds, number))}
        free = {id(item) for item in (*self.backgrounds, *self.others)}
        if self.is_paired:
            chosen = [item for item in self.pictures if id(item) in kept]
            kept |= {id(self.sounds[item.sound]) for item in chosen if item.sound >= 0}
        return self.only(lambda item: id(item) in kept or id(item) in free)

    def _all(self) -> tuple[PictureItem | SoundItem, ...]:
        return (*self.pictures, *self.sounds, *self.backgrounds, *self.others)


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """What is learned from, and what is asked."""

    training: MediaPool
    validation: MediaPool
    held_out: tuple[str, ...]
    """The groups of the validation part, sorted."""
    notes: tuple[str, ...] = ()
    """What could not be held out, in sentences."""


def split_pool(pool: MediaPool, *, share: float = 0.1, seed: int = 0, groups: Collection[str] | None = None) -> Split:
    """Hold out whole groups for validation.

    Args:
        pool: What is split.
        share: Of the files of each class and kind, about so much is held out, in (0, 1).
        seed: Of the choice; a group's turn depends on the seed and its name alone, not on the other groups.
        groups: Hold out exactly these instead.

    Returns: Both parts. A class keeps at least one group to learn from, so a class of a single group is not held out.

    Raises: ValueError: ``share`` is not in (0, 1), or a named group does not exist.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must lie in (0, 1), got {share}")
    if groups is not None:
        unknown = sorted(set(groups) - set(pool.groups))
        if unknown:
            raise ValueError(f"no file belongs to the group '{unknown[0]}'; there are {', '.join(pool.groups[:20])}")
        held = set(groups)
    else:
        held = _draw_groups(pool, share, seed)
    training, validation = pool.only(lambda item: item.group not in held), pool.only(lambda item: item.group in held)
    notes = []
    for kind, mine, its in (
        ("pictures", training.pictures, validation.pictures),
        ("sounds", training.sounds, validation.sounds),
    ):
        for verdict, lacking in (("held out", its), ("left to learn from", mine)):
            there = {name for item in lacking for name in item.names}
            other = {name for item in (*mine, *its) for name in item.names}
            if other - there:
                notes.append(f"No {kind} are {verdict} of {', '.join(sorted(other - there))}.")
    return Split(training=training, validation=validation, held_out=tuple(sorted(held)), notes=tuple(notes))


def _draw_groups(pool: MediaPool, share: float, seed: int) -> set[str]:
    """Groups in the order of a hash, each taken when a class still lacks files and none would lose its last group."""
    cells: dict[tuple[str, str], dict[str, int]] = {}
    shelves: tuple[tuple[str, tuple[PictureItem | SoundItem, ...]], ...] = (
        ("picture", pool.pictures),
        ("sound", pool.sounds),
        ("background", pool.backgrounds),
        ("other", pool.others),
    )
    for kind, items in shelves:
        for item in items:
            for name in item.names or ("",):
                counts = cells.setdefault((kind, name), {})
                counts[item.group] = counts.get(item.group, 0) + 1
    members: dict[str, list[tuple[str, str]]] = {}
    for cell, counts in cells.items():
        for group in counts:
            members.setdefault(group, []).append(cell)
    wanted = {cell: share * sum(counts.values()) for cell, counts in cells.items()}
    left = {cell: len(counts) for cell, counts in cells.items()}
    taken = dict.fromkeys(cells, 0)
    held: set[str] = set()
    for group in sorted(members, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()):
        mine = members[group]
        lacks = any(taken[cell] < wanted[cell] for cell in mine)
        spoils = any(left[cell] == 1 or taken[cell] + cells[cell][group] > _most(cells[cell], wanted[cell])
                     for cell in mine)  # fmt: skip
        if lacks and not spoils:
            held.add(group)
            for cell in mine:
                left[cell] -= 1
                taken[cell] += cells[cell][group]
    return held


def _most(counts: dict[str, int], wanted: float) -> float:
    """At most so many files of a class may be held out: half of them, for groups are of very different sizes."""
    return max(wanted, sum(counts.values()) / 2)


def _spread(items: Sequence[Item], number: int) -> list[Item]:
    """The first of each class, then the second of each, until there are enough."""
    rank: dict[tuple[str, ...], int] = {}
    turns: list[tuple[int, int]] = []
    for position, item in enumerate(items):
        turns.append((rank.get(item.names, 0), position))
        rank[item.names] = rank.get(item.names, 0) + 1
    return [items[position] for _, position in sorted(turns)[:number]]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


def by_class(items: Iterable[Item]) -> dict[str, list[int]]:
    """Class to the positions of its items."""
    found: dict[str, list[int]] = {}
    for position, item in enumerate(items):
        for name in item.names:
            found.setdefault(name, []).append(position)
    return found
