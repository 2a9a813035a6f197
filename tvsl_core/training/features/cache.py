"""What frozen towers see and hear of every scene, on disk, so that it is computed once.

Pictures and sounds are stored apart, since each tower sees only its own side: pairing any picture with any sound is
exact. Mixing two sounds, or two pictures, in feature space is not, so these are mixed before the towers, and as many
epochs of mixtures are stored as one asks for; later epochs begin with the first again.

A cache is a folder, named by the fingerprint of everything that its numbers depend on. It is built under another name
and renamed when whole; an interrupted build continues where it stopped.

    <fingerprint>/manifest.json      what it is: shapes, source, towers, what could not be read
    <fingerprint>/features.npy       float16 [scene position feature], memory-mapped
    <fingerprint>/*.npy              labels, memory-mapped
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.scenes.scene import SceneSource
from tvsl_core.errors import InputError
from tvsl_core.model.towers import TrainableTowers
from tvsl_core.training.batch import Indices, PictureRows, SoundRows
from tvsl_core.training.features.draw import Side
from tvsl_core.training.features.live import LiveFeatures

VERSION = 1
"""Of the form of a cache; part of its fingerprint."""
MANIFEST = "manifest.json"


ROOMY = 8_000_000_000
"""Bytes that a cache may have without being asked."""
MOST_EPOCHS = 8


class Field(NamedTuple):
    """One array of a cache."""

    kind: str
    """Its numpy type."""
    shape: tuple[int, ...]
    """Of one scene."""

    @property
    def bytes(self) -> int:
        """Of one scene."""
        return int(np.dtype(self.kind).itemsize * np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, kw_only=True, slots=True)
class CachePlan:
    """One side of a cache before it is built."""

    side: Side
    folder: Path
    """Where it will be, or is."""
    scenes: int
    """Of all epochs that are stored."""
    fields: Mapping[str, Field]
    is_built: bool

    @property
    def bytes(self) -> int:
        """How large it is."""
        return self.scenes * sum(one.bytes for one in self.fields.values())


def fingerprint(
    source: SceneSource, towers: TrainableTowers, *, classes: Sequence[str], side: Side, epochs: int
) -> str:
    """What one side of a cache is called: changes with the scenes, the towers' weights and their preprocessing."""
    scenes = [source.fingerprint(), len(source), epochs, *classes]
    facts = [VERSION, side, scenes, towers.name, towers.weights_sha256, *_preprocessing(towers)]
    return f"{side}-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:20]}"


def plan_cache(live: LiveFeatures, *, folder: Path, epochs: int) -> tuple[CachePlan, CachePlan]:
    """How large both sides of a cache will be; one scene goes through the towers to find out.

    Args:
        live: What is stored.
        folder: Where caches are.
        epochs: How many epochs of mixtures are stored.

    Raises: TvslError: The first scene cannot be read.
    """
    first = np.zeros(1, np.int64)
    return (
        _plan(live, "pictures", folder, epochs, live.pictures(first, 0)),
        _plan(live, "sounds", folder, epochs, live.sounds(first, 0)),
    )


def choose_epochs(live: LiveFeatures, *, wanted: int) -> int:
    """How many epochs of mixtures to store: the more the better, in 8 GB, at the most 8; 0 when not even one fits.

    Args:
        live: What is stored.
        wanted: Epochs of the run.
    """
    plans = plan_cache(live, folder=Path(), epochs=1)
    return min(MOST_EPOCHS, wanted, ROOMY // max(1, sum(plan.bytes for plan in plans)))


class CachedFeatures:
    """A built cache, as training reads it.

    Args:
        pictures: The picture side.
        sounds: The sound side.
        classes: Of the scenes.
        epochs: How many epochs it holds.
    """

    def __init__(self, pictures: CachePlan, sounds: CachePlan, *, classes: tuple[str, ...], epochs: int) -> None:
        self.classes = classes
        self.epochs = epochs
        self._pictures, self._sounds = (_open(plan) for plan in (pictures, sounds))
        self.per_epoch = pictures.scenes // epochs
        bad = {place % self.per_epoch for plan in (pictures, sounds) for place in _failed(plan)}
        self.usable: Indices = np.array([n for n in range(self.per_epoch) if n not in bad], np.int64)

    def pictures(self, indices: Indices, epoch: int) -> PictureRows:
        """The picture sides of some scenes."""
        rows = self._rows(indices, epoch)
        return PictureRows(**{name: _take(self._pictures[name], rows) for name in PictureRows._fields})

    def sounds(self, indices: Indices, epoch: int) -> SoundRows:
        """The sound sides of some scenes."""
        rows = self._rows(indices, epoch)
        return SoundRows(**{name: _take(self._sounds[name], rows) for name in SoundRows._fields})

    def class_counts(self) -> tuple[Indices, Indices]:
        """In how many usable scenes each class is seen, and in how many it is heard."""
        classes = len(self.classes)
        seen, heard = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
        for epoch in range(self.epochs):
            rows = self._rows(self.usable, epoch)
            heard += self._sounds["sounding"][rows].astype(np.int64).sum(axis=0)
            for klass in self._pictures["visible"][rows]:
                seen[np.unique(klass[klass >= 0])] += 1
        return seen, heard

    def _rows(self, indices: Indices, epoch: int) -> Indices:
        return (epoch % self.epochs) * self.per_epoch + indices


def _take(array: NDArray[Any], rows: Indices) -> NDArray[Any]:
    # One row after the other: fancy indexing of a memory map first makes a copy of the index for every element.
    return (
        np.stack([array[row] for row in rows.tolist()]) if len(rows) else np.empty((0, *array.shape[1:]), array.dtype)
    )


def _preprocessing(towers: TrainableTowers) -> tuple[Any, ...]:
    """A picture and a sound through the preparation, so that a change of it makes another cache."""
    ramp = np.linspace(0, 255, 90 * 160 * 3).reshape(1, 90, 160, 3).astype(np.uint8)
    prepared = towers.preprocess(ramp).float().cpu().numpy()
    digest = hashlib.sha256(np.round(prepared, 3).tobytes()).hexdigest()
    return (*prepared.shape, digest, towers.sample_rate, *towers.feature_dims)


def _plan(live: LiveFeatures, side: Side, folder: Path, epochs: int, example: PictureRows | SoundRows) -> CachePlan:
    place = folder / fingerprint(live.source, live.towers, classes=live.classes, side=side, epochs=epochs)
    return CachePlan(
        side=side,
        folder=place,
        scenes=len(live.source) * epochs,
        fields={name: Field(value.dtype.name, value.shape[1:]) for name, value in example._asdict().items()},
        is_built=(place / MANIFEST).is_file(),
    )


def _open(plan: CachePlan) -> dict[str, NDArray[Any]]:
    try:
        arrays = {name: np.load(plan.folder / f"{name}.npy", mmap_mode="r") for name in plan.fields}
    except (OSError, ValueError) as error:
        raise InputError(
            f"the feature cache {plan.folder} is damaged: {error}.", hint="Delete that folder and run again."
        ) from error
    return arrays


def _failed(plan: CachePlan) -> list[int]:
    found: list[int] = json.loads((plan.folder / MANIFEST).read_text(encoding="utf-8"))["failed"]
    return found


def problems_of(plan: CachePlan) -> list[str]:
    """What could not be read when a cache was built, each sentence once."""
    found: list[str] = json.loads((plan.folder / MANIFEST).read_text(encoding="utf-8"))["problems"]
    return found
