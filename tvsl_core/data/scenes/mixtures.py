"""Mixtures of a pool's files: scenes without end, each from (seed, epoch, index) alone.

Neither the number of workers nor their order changes a scene, and either side of it can be had alone: the feature cache
of training stores pictures and sounds separately.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.scenes.cast import Casting
from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.data.scenes.picture import paint
from tvsl_core.data.scenes.plan import ScenePlan, draw_plan
from tvsl_core.data.scenes.pool import Item, MediaPool, PictureItem, SoundItem
from tvsl_core.data.scenes.scene import Picture, Scene, SceneRecipe, Sound
from tvsl_core.data.scenes.sound import mix
from tvsl_core.data.scenes.store import MediaStore
from tvsl_core.errors import InputError, MediaError

VERSION = 1
"""Raised whenever the same options and seed would give other scenes."""
Media = TypeVar("Media", bound=NDArray[Any])


class Mixtures:
    """A source of scenes that are mixed from the files of a pool.

    Args:
        pool: The files.
        options: How scenes are drawn; None for the defaults.
        seed: Another seed gives other scenes.
        length: Scenes of one epoch; None for as many as there are pictures or sounds, whichever are more.
        memory_bytes: Decoded files that are kept.

    A file that cannot be decoded is replaced by the next one of the same classes, and named in ``skipped``.

    Raises: InputError: The pool holds no class.
    """

    def __init__(
        self,
        pool: MediaPool,
        options: MixtureOptions | None = None,
        *,
        seed: int = 0,
        length: int | None = None,
        memory_bytes: int = 600_000_000,
    ) -> None:
        if not pool.classes:
            raise InputError("there is no picture or sound of any class to make scenes from.")
        if seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}")
        self.pool = pool
        self.options = options or MixtureOptions()
        self.seed = seed
        self.skipped: dict[str, str] = {}
        """Files that could not be decoded so far: what they are called, and why."""
        self._length = length if length is not None else max(len(pool.pictures), len(pool.sounds))
        self._casting = Casting(pool, self.options)
        self._store = MediaStore(memory_bytes)

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes that scenes can hold, sorted."""
        return self.pool.classes

    def __len__(self) -> int:
        """Scenes of one epoch."""
        return self._length

    def fingerprint(self) -> str:
        """Changes with the files, the options, the seed and the way of mixing, and with nothing else."""
        facts = repr((VERSION, self.pool.fingerprint(), self.options, self.seed))
        return hashlib.sha256(facts.encode()).hexdigest()[:32]

    def recipe(self, index: int, epoch: int) -> SceneRecipe:
        """What a scene is made of, without making it. A file that cannot be decoded is named all the same."""
        return self._plan(index, epoch).recipe

    def picture(self, index: int, epoch: int) -> Picture:
        """The picture of ``scene(index, epoch)``, without its sound.

        Raises: MediaError: No file of a class that is needed can be used: it cannot be decoded, or it is silent.
        """
        return self._paint(self._plan(index, epoch))

    def sound(self, index: int, epoch: int, sample_rate: int) -> Sound:
        """The sound of ``scene(index, epoch)`` at a rate in Hz, without its picture.

        Raises: MediaError: No file of a class that is needed can be used: it cannot be decoded, or it is silent.
        """
        return self._mix(self._plan(index, epoch), sample_rate)

    def scene(self, index: int, epoch: int, *, sample_rate: int) -> Scene:
        """One scene.

        Args:
            index: In [0, ``len``).
            epoch: From 0; every epoch has other scenes.
            sample_rate: Of the waveform, in Hz.

        Raises: MediaError: No file of a class that is needed can be used: it cannot be decoded, or it is silent.
        """
        plan = self._plan(index, epoch)
        picture, sound = self._paint(plan), self._mix(plan, sample_rate)
        return Scene(
            frame=picture.frame,
            waveform=sound.waveform,
            sounding=sound.sounding,
            visible=picture.visible,
            regions=picture.regions,
            recipe=plan.recipe,
        )

    def _plan(self, index: int, epoch: int) -> ScenePlan:
        if not 0 <= index < self._length or epoch < 0:
            raise IndexError(f"there is no scene {index} of epoch {epoch}; an epoch has {self._length}")
        return draw_plan(self.pool, self._casting, self.seed, epoch, index)

    def _paint(self, plan: ScenePlan) -> Picture:
        pool = self.pool
        items = tuple(pool.pictures[number] for number in plan.pictures)
        background = pool.backgrounds[plan.background] if plan.background >= 0 else None

        def read(item: PictureItem) -> NDArray[np.uint8]:
            shelf = pool.pictures if item.names else pool.backgrounds
            return self._read(item, shelf, self._store.picture)

        return paint(plan, items, background, self.options, read)

    def _mix(self, plan: ScenePlan, sample_rate: int) -> Sound:
        pool = self.pool
        items = tuple(
            (pool.sounds if placed.name else pool.others)[number]
            for placed, number in zip(plan.recipe.sounds, plan.sounds, strict=True)
        )

        def read(item: SoundItem) -> NDArray[np.int16]:
            shelf = pool.sounds if item.names else pool.others
            return self._read(item, shelf, lambda one: self._store.sound(one, sample_rate))

        return mix(plan, items, self.options, sample_rate, read)

    def _read(self, item: Item, shelf: Sequence[Item], read: Callable[[Item], Media]) -> Media:
        """The media of an item or, when it cannot be decoded, of the next one on the shelf with the same classes."""
        try:
            return read(item)
        except MediaError as problem:
            self.skipped[item.label] = problem.message
        for other in _substitutes(item, shelf):
            try:
                return read(other)
            except MediaError as problem:
                self.skipped[other.label] = problem.message
        what = " and ".join(item.names) or "no class"
        raise MediaError(f"no file of {what} can be used; for one, {self.skipped[item.label]}", stage="decode")


def _substitutes(item: Item, shelf: Sequence[Item]) -> list[Item]:
    """What can stand for an item, in the order in which it is tried: those behind it first."""
    place = shelf.index(item)
    return [one for one in chain(shelf[place + 1 :], shelf[:place]) if is_alike(one, item)]


def is_alike(one: PictureItem | SoundItem, other: PictureItem | SoundItem) -> bool:
    """Whether one file can stand for the other: the same classes, and both are cutouts or neither is."""
    return one.names == other.names and getattr(one, "cutout", False) == getattr(other, "cutout", False)
