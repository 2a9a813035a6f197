"""First step of a mixture: who takes part. Which classes are seen, heard, both, or seen and silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.data.scenes.pool import MediaPool, by_class

MOST_OBJECTS = 4
"""Objects of one picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CastMember:
    """One participant: a picture, a sound, or both, as positions in the pool."""

    name: str
    """The class that it was drawn for."""
    names: tuple[str, ...]
    """All classes of its files."""
    picture: int = -1
    sound: int = -1


@dataclass(frozen=True)
class Casting:
    """Draws participants from a pool, every class as often."""

    pool: MediaPool
    options: MixtureOptions

    @cached_property
    def pictures(self) -> dict[str, list[int]]:
        """Class to its pictures."""
        return by_class(self.pool.pictures)

    @cached_property
    def sounds(self) -> dict[str, list[int]]:
        """Class to its sounds."""
        return by_class(self.pool.sounds)

    @cached_property
    def cutouts(self) -> dict[str, list[int]]:
        """Class to those of its pictures that can be placed; only classes that have one."""
        chosen = {name: [n for n in items if self.pool.pictures[n].cutout] for name, items in self.pictures.items()}
        return {name: items for name, items in chosen.items() if items}

    @cached_property
    def paired(self) -> dict[str, list[int]]:
        """Class to those of its pictures that have a sound of their own; only classes that have one."""
        chosen = {name: [n for n in items if self.pool.pictures[n].sound >= 0] for name, items in self.pictures.items()}
        return {name: items for name, items in chosen.items() if items}

    @cached_property
    def kin(self) -> list[list[int]]:
        """For each sound, those of the same classes and group, itself included."""
        families: dict[tuple[tuple[str, ...], str], list[int]] = {}
        for number, item in enumerate(self.pool.sounds):
            families.setdefault((item.names, item.group), []).append(number)
        return [families[item.names, item.group] for item in self.pool.sounds]

    @cached_property
    def rivals(self) -> dict[str, frozenset[str]]:
        """Class to the classes that it never meets, itself included."""
        found = {name: {name} for name in self.pool.classes}
        for names in self.options.exclusive:
            for name in names:
                found.setdefault(name, {name}).update(names)
        return {name: frozenset(names) for name, names in found.items()}

    @cached_property
    def both(self) -> tuple[str, ...]:
        """Classes that can be seen and heard together."""
        return tuple(sorted(self.paired if self.pool.is_paired else set(self.pictures) & set(self.sounds)))

    def draw(self, rng: np.random.Generator) -> list[CastMember]:
        """The participants of one scene; those of ``picture`` -1 are off-screen, those of ``sound`` -1 silent."""
        options = self.options
        quiet = rng.random() < options.silence
        empty = rng.random() < options.empty
        sounding = 0 if quiet else 1 + weighted(options.sources, rng)
        silent = 0 if empty else weighted(options.silent, rng)
        if quiet and not empty and not silent:
            silent = 1
        parts: list[CastMember] = []
        for _ in range(sounding):
            off = empty or rng.random() < options.offscreen
            seen = sum(part.picture >= 0 for part in parts)
            self._add(parts, "sound" if off or seen >= MOST_OBJECTS else "both", rng)
        for _ in range(silent):
            if sum(part.picture >= 0 for part in parts) < MOST_OBJECTS:
                self._add(parts, "picture", rng)
        if rng.random() < options.twins:
            self._add_twin(parts, rng)
        return parts

    def picture_of(self, part: CastMember, *, placed: bool, rng: np.random.Generator) -> int:
        """The picture that a participant is shown with: one that can be placed, if that is wanted."""
        if placed and not self.pool.pictures[part.picture].cutout:
            return pick(self.cutouts[part.name], rng)
        return part.picture

    def can_be_placed(self, part: CastMember) -> bool:
        """Whether its class has an object with an exact mask that the part may be shown with."""
        return part.name in self.cutouts and (not self.pool.is_paired or self.pool.pictures[part.picture].cutout)

    def _add(self, parts: list[CastMember], role: str, rng: np.random.Generator) -> None:
        """One more participant of classes that nobody here has or rivals; nothing when there is none left."""
        taken = frozenset[str]().union(*(self.rivals[name] for part in parts for name in part.names))
        shelf: Sequence[str] = {"both": self.both, "sound": tuple(self.sounds), "picture": tuple(self.pictures)}[role]
        free = [name for name in shelf if name not in taken]
        for _ in range(8):  # a file of several classes may clash although the one that it was drawn for does not
            if not free:
                break
            name = pick(free, rng)
            part = self._draw_part(name, role, rng)
            if taken.isdisjoint(part.names):
                parts.append(part)
                return
        if role == "both" and not self.both:
            self._add(parts, "sound" if self.sounds else "picture", rng)

    def _draw_part(self, name: str, role: str, rng: np.random.Generator) -> CastMember:
        if role == "sound":
            sound = pick(self.sounds[name], rng)
            return CastMember(name=name, names=self.pool.sounds[sound].names, sound=sound)
        picture = pick(self.paired[name] if role == "both" and self.pool.is_paired else self.pictures[name], rng)
        item = self.pool.pictures[picture]
        if role == "picture":
            return CastMember(name=name, names=item.names, picture=picture)
        sound = item.sound if self.pool.is_paired else pick(self.sounds[name], rng)
        names = tuple(dict.fromkeys((*item.names, *self.pool.sounds[sound].names)))
        return CastMember(name=name, names=names, picture=picture, sound=sound)

    def _add_twin(self, parts: list[CastMember], rng: np.random.Generator) -> None:
        """A second object of a visible class, with a picture of that class alone; it sounds if the first one does."""
        seen = [part for part in parts if part.picture >= 0]
        if not seen or len(seen) >= MOST_OBJECTS:
            return
        first = pick(seen, rng)
        shelf = [n for n in self.pictures[first.name] if self.pool.pictures[n].names == (first.name,)]
        if shelf and len(first.names) == 1:
            parts.append(CastMember(name=first.name, names=first.names, picture=pick(shelf, rng)))


Thing = TypeVar("Thing")


def pick(things: Sequence[Thing], rng: np.random.Generator) -> Thing:
    """One of some things, each as likely."""
    return things[int(rng.integers(len(things)))]


def weighted(weights: Sequence[float], rng: np.random.Generator) -> int:
    """A position, as likely as its weight says."""
    target = rng.random() * sum(weights)
    for position, weight in enumerate(weights):
        target -= weight
        if target < 0:
            return position
    return max(position for position, weight in enumerate(weights) if weight > 0)
