"""Scenes through the frozen towers as they are asked for: what the feature cache stores, and is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tvsl_core.data.scenes.scene import UNKNOWN, Picture, SceneSource, Sound
from tvsl_core.errors import InputError, TvslError
from tvsl_core.model.memory import Memory
from tvsl_core.model.towers import TrainableTowers
from tvsl_core.training.batch import Indices, PictureRows, SoundRows
from tvsl_core.training.features.draw import Renderer, Side

POSITIONS, PATCHES = 3, 4
"""Of each scene that ``sample_features`` remembers."""
OBJECTS = 8
"""Most objects of one picture whose place is learned; more are background."""


class LiveFeatures:
    """Every scene drawn, rendered and sent through the towers when it is asked for.

    Args:
        source: Of the scenes.
        towers: That see and hear them.
        classes: In whose order classes are numbered; None for the source's own. A validation split may lack some.
        workers: Processes that render scenes beside this one.
    """

    def __init__(
        self,
        source: SceneSource,
        towers: TrainableTowers,
        *,
        classes: tuple[str, ...] | None = None,
        workers: int = 0,
    ) -> None:
        self._renderer = Renderer(source, workers)
        self.source = source
        self.towers = towers
        self.usable: Indices = np.arange(len(source))
        self.classes = source.classes if classes is None else classes
        self._known = {name: number for number, name in enumerate(self.classes)}

    def pictures(self, indices: Indices, epoch: int) -> PictureRows:
        """The picture sides of some scenes."""
        parts = [self.see(group) for group in self._drawn("pictures", indices, epoch)]
        return PictureRows._make(np.concatenate(rows)[: len(indices)] for rows in zip(*parts, strict=True))

    def sounds(self, indices: Indices, epoch: int) -> SoundRows:
        """The sound sides of some scenes."""
        parts = [self.hear(group) for group in self._drawn("sounds", indices, epoch)]
        return SoundRows._make(np.concatenate(rows)[: len(indices)] for rows in zip(*parts, strict=True))

    def _drawn(self, side: Side, indices: Indices, epoch: int) -> Iterator[list[Any]]:
        """Groups of scenes; where none is asked for, one that only says what rows look like."""
        places = [epoch * len(self.source) + index for index in indices.tolist() or [0]]
        for group in self._renderer(side, self.towers.sample_rate, places):
            for one in group:
                if isinstance(one, TvslError):
                    raise one
            yield group

    def see(self, pictures: Sequence[Picture]) -> PictureRows:
        """Pictures of one size through the image tower.

        Raises: InputError: They differ in size.
        """
        sizes = sorted({picture.frame.shape[:2] for picture in pictures})
        if len(sizes) > 1:
            (one, two), (three, four) = sizes[:2]
            raise InputError(
                f"the pictures of one training must have one size, got {two} x {one} and {four} x {three}.",
                hint="Give the mixtures one size.",
            )
        frames = np.stack([picture.frame for picture in pictures])
        features, grid = self.towers.image_features(self.towers.preprocess(frames))
        numbers = np.full((len(pictures), OBJECTS), -1, np.int16)
        cover = np.zeros((len(pictures), grid[0] * grid[1], OBJECTS), np.uint8)
        known = np.zeros((len(pictures), grid[0] * grid[1]), bool)
        for row, picture in enumerate(pictures):
            found = [self._number(name) for name in picture.visible[:OBJECTS]]
            numbers[row, : len(found)] = found
            cover[row], known[row] = patch_cover(picture.regions, grid, len(found))
        return PictureRows(features=_half(features), cover=cover, known=known, visible=numbers)

    def hear(self, sounds: Sequence[Sound]) -> SoundRows:
        """Sounds of one length through the sound tower."""
        waveforms = torch.from_numpy(np.stack([sound.waveform for sound in sounds]))
        sounding = np.zeros((len(sounds), len(self.classes)), np.uint8)
        for row, sound in enumerate(sounds):
            sounding[row, [self._number(name) for name in sound.sounding]] = 1
        return SoundRows(features=_half(self.towers.sound_features(waveforms)), sounding=sounding)

    def _number(self, name: str) -> int:
        if name not in self._known:
            raise InputError(f"a scene holds {name!r}, which is none of the classes that are trained.")
        return self._known[name]


class KeptFeatures:
    """The first epoch of live scenes, computed once and kept in memory; for a validation split without a cache.

    Args:
        live: The scenes.
    """

    def __init__(self, live: LiveFeatures) -> None:
        self.classes, self.usable = live.classes, live.usable
        self._pictures, self._sounds = live.pictures(live.usable, 0), live.sounds(live.usable, 0)

    def pictures(self, indices: Indices, epoch: int) -> PictureRows:
        """The picture sides of some scenes; every epoch is the first."""
        return PictureRows._make(rows[indices] for rows in self._pictures)

    def sounds(self, indices: Indices, epoch: int) -> SoundRows:
        """The sound sides of some scenes; every epoch is the first."""
        return SoundRows._make(rows[indices] for rows in self._sounds)


def sample_features(live: LiveFeatures, *, seed: int = 0) -> Memory:
    """Some sound positions and patches of every scene; half of the patches are those that objects cover most.

    Args:
        live: Scenes, and the towers that see and hear them.
        seed: Of the choice.
    """
    images, sounds = [], []
    for index in live.usable:
        rng, one = np.random.default_rng((seed, int(index))), np.array([index])
        picture, sound = live.pictures(one, 0), live.sounds(one, 0)
        covered = np.argsort(-picture.cover[0].max(axis=1).astype(int), kind="stable")[: PATCHES // 2]
        patches = np.concatenate((covered, rng.permutation(len(picture.cover[0]))[: PATCHES - len(covered)]))
        images.append(picture.features[0][patches])
        sounds.append(sound.features[0][rng.permutation(len(sound.features[0]))[:POSITIONS]])
    image, sound_rows = (torch.from_numpy(np.concatenate(rows)).float() for rows in (images, sounds))
    return Memory(image=image, sound=sound_rows)


def patch_cover(
    regions: NDArray[np.int16], grid: tuple[int, int], objects: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """How much of each patch each object covers.

    Args:
        regions: ``[height width]``, as in ``Scene.regions``.
        grid: Rows and columns of the patches, which cover the frame exactly.
        objects: How many there are.

    Returns: ``[patch OBJECTS]`` in 1/255, and bool ``[patch]``: whether most of the patch was marked.
    """
    rows, columns = grid
    cover = np.zeros((rows * columns, OBJECTS), np.uint8)
    for number in range(objects):
        share = _shares(regions == number + 1, rows, columns)
        cover[:, number] = np.rint(share * 255).astype(np.uint8)
    return cover, _shares(regions != UNKNOWN, rows, columns) > 0.5


def _shares(mask: NDArray[np.bool_], rows: int, columns: int) -> NDArray[np.float32]:
    resized = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.float32).reshape(-1)


def _half(features: torch.Tensor) -> NDArray[np.float16]:
    largest = torch.finfo(torch.float16).max
    return features.clamp(-largest, largest).half().cpu().numpy()
