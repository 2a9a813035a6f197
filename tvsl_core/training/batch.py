"""From scenes to the tensors of one step, the same for every number of processes.

Which scenes make up a step follows from (seed, step) alone; what is redrawn in them follows from (seed, epoch, index).
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tvsl_core.training.options import TrainOptions

Indices = NDArray[np.int64]


class PictureRows(NamedTuple):
    """The picture side of some scenes."""

    features: NDArray[np.float16]
    """``[clip patch feature]``."""
    cover: NDArray[np.uint8]
    """``[clip patch object]``: share of each patch that each object covers, in 1/255."""
    known: NDArray[np.bool_]
    """``[clip patch]``: whether it was marked what is there."""
    visible: NDArray[np.int16]
    """``[clip object]``: class of each object, -1 for none."""


class SoundRows(NamedTuple):
    """The sound side of some scenes."""

    features: NDArray[np.float16]
    """``[clip sound feature]``."""
    sounding: NDArray[np.uint8]
    """``[clip klass]`` in {0, 1}."""


class FeatureSource(Protocol):
    """Scenes as frozen towers see and hear them."""

    @property
    def classes(self) -> tuple[str, ...]:
        """What scenes can hold."""
        ...

    @property
    def usable(self) -> Indices:
        """Indices of the scenes of an epoch that can be used."""
        ...

    def pictures(self, indices: Indices, epoch: int) -> PictureRows:
        """The picture sides of some scenes."""
        ...

    def sounds(self, indices: Indices, epoch: int) -> SoundRows:
        """The sound sides of some scenes."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Batch:
    """What one process works on in one step."""

    image: Tensor
    """``[clip patch feature]``."""
    sound: Tensor
    """``[clip sound feature]``."""
    share: Tensor
    """``[clip patch klass+1]`` in [0, 1], adding up to 1: how much of a patch each class covers, background last."""
    known: Tensor
    """bool ``[clip patch]``."""
    visible: Tensor
    """``[clip klass]`` in {0, 1}."""
    sounding: Tensor
    """``[clip klass]`` in {0, 1}."""

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        moved = {one.name: getattr(self, one.name).to(device, non_blocking=True) for one in fields(self)}
        return Batch(**moved)

    def parts(self, number: int) -> tuple[Batch, ...]:
        """The scenes in so many parts of the same size, or nearly; fewer when there are fewer scenes."""
        split = {one.name: getattr(self, one.name).tensor_split(number) for one in fields(self)}
        found = (Batch(**dict(zip(split, part, strict=True))) for part in zip(*split.values(), strict=True))
        return tuple(part for part in found if len(part.image))


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSchedule:
    """Which scenes each step has."""

    scenes: int
    batch: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """What is left over at the end of an epoch is left out; fewer scenes than a batch are one step."""
        return max(1, self.scenes // self.batch)

    def places(self, step: int) -> tuple[int, Indices]:
        """The epoch of a step, and places of its scenes among those that are usable."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self.seed, epoch, 1)).permutation(self.scenes)
        return epoch, order[position * self.batch : (position + 1) * self.batch]


def share_out(indices: Indices, *, rank: int, world: int) -> Indices:
    """The part of a batch that one of several processes works on: neighbours stay together, in order."""
    return np.array_split(indices, world)[rank]


def assemble(
    source: FeatureSource, indices: Indices, epoch: int, options: TrainOptions, *, augment: bool = True
) -> Batch:
    """Read some scenes and draw what is drawn anew in every epoch.

    Pairing a picture with the sound of another scene is exact on features, since each tower sees only its own side;
    mixing two sounds or two pictures would not be, so those were mixed before the towers.

    Args:
        source: Of the scenes.
        indices: Which ones.
        epoch: From 0.
        options: How often sounds are swapped and masked.
        augment: False reads the scenes as they are.
    """
    heard = indices
    if augment and options.swap_sounds > 0:
        heard = np.array([_partner(source, index, epoch, options) for index in indices.tolist()], np.int64)
    picture, sound = source.pictures(indices, epoch), source.sounds(heard, epoch)
    if augment and options.patch_share < 1:
        picture = _some_patches(picture, indices, epoch, options)
    features = torch.from_numpy(sound.features.astype(np.float32))
    if augment and options.mask_sound > 0:
        for row, index in enumerate(indices.tolist()):
            features[row] = _masked(features[row], np.random.default_rng((options.seed, epoch, index, 3)), options)
    classes = len(source.classes)
    return Batch(
        image=torch.from_numpy(picture.features.astype(np.float32)),
        sound=features,
        share=class_shares(picture, classes),
        known=torch.from_numpy(picture.known.astype(bool)),
        visible=many_hot(picture.visible, classes),
        sounding=torch.from_numpy(sound.sounding.astype(np.float32)),
    )


def _some_patches(picture: PictureRows, indices: Indices, epoch: int, options: TrainOptions) -> PictureRows:
    """A random share of the patches of each picture: neighbours tell much the same, and each takes its time."""
    patches = picture.features.shape[1]
    number = max(1, round(options.patch_share * patches))
    rngs = [np.random.default_rng((options.seed, epoch, index, 6)) for index in indices.tolist()]
    places = np.array([rng.permutation(patches)[:number] for rng in rngs]).reshape(len(rngs), number)
    row = np.arange(len(places))[:, None]
    return picture._replace(
        features=picture.features[row, places], cover=picture.cover[row, places], known=picture.known[row, places]
    )


def class_shares(picture: PictureRows, classes: int) -> Tensor:
    """``[clip patch klass+1]``: how much of each patch each class covers, and last what no object covers."""
    cover = torch.from_numpy(picture.cover.astype(np.float32)) / 255
    klass = torch.from_numpy(picture.visible.astype(np.int64))
    where = torch.where(klass < 0, classes, klass)[:, None].expand_as(cover)
    shares = torch.zeros(*cover.shape[:2], classes + 1).scatter_add_(2, where, cover)
    named = shares[..., :classes]
    # Rounding to 1/255 may carry a patch a little over 1.
    named /= named.sum(dim=-1, keepdim=True).clamp_min(1.0)
    shares[..., classes] = 1 - named.sum(dim=-1)
    return shares


def many_hot(klass: NDArray[np.int16], classes: int) -> Tensor:
    """``[clip object]`` of class numbers, -1 for none, to ``[clip klass]`` in {0, 1}."""
    hot = np.zeros((len(klass), classes + 1), np.float32)
    np.put_along_axis(hot, np.where(klass < 0, classes, klass).astype(np.int64), 1.0, axis=1)
    return torch.from_numpy(hot[:, :classes])


def prefetched(
    source: FeatureSource, options: TrainOptions, *, steps: range, rank: int, world: int
) -> Iterator[tuple[int, int, Batch]]:
    """(step, epoch, batch) of some steps; the next batch is read while this one is worked on."""
    usable = source.usable
    plan = BatchSchedule(scenes=len(usable), batch=options.batch, seed=options.seed)

    def read(step: int) -> tuple[int, int, Batch]:
        epoch, places = plan.places(step)
        own = usable[share_out(places, rank=rank, world=world)]
        return step, epoch, assemble(source, own, epoch, options)

    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(read, steps[0]) if len(steps) else None
        for following in [*steps[1:], None]:
            if ahead is None:
                return
            current, ahead = ahead.result(), None if following is None else reader.submit(read, following)
            yield current


def _partner(source: FeatureSource, index: int, epoch: int, options: TrainOptions) -> int:
    """Whose sound a scene is heard with: mostly its own."""
    rng = np.random.default_rng((options.seed, epoch, index, 2))
    return int(rng.choice(source.usable)) if rng.random() < options.swap_sounds else index


def _masked(positions: Tensor, rng: np.random.Generator, options: TrainOptions) -> Tensor:
    """``[sound feature]`` with some positions replaced by others."""
    count = len(positions)
    masked = rng.random(count) < options.mask_sound
    other = rng.integers(0, count, count)
    return positions[torch.from_numpy(np.where(masked, other, np.arange(count)))]
