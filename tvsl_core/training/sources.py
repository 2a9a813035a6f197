"""From the name of a training set to scenes to learn from and scenes to validate on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tvsl_core.data.benchmarks.catalog import data_root
from tvsl_core.data.scenes.mixtures import Mixtures
from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.data.scenes.pool import MediaPool, split_pool
from tvsl_core.data.training_sets.sets import load_training_set
from tvsl_core.errors import InputError
from tvsl_core.types import AnyPath, as_path

VALIDATION_SCENES = 512
"""Scenes on which a run is validated, unless the split is smaller."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceOptions:
    """Which scenes a run learns from, and which are held out."""

    dataset: AnyPath
    """Name of a training set, or the path of one's own."""
    annotations: AnyPath | None = None
    """Its list; None looks below ``root``."""
    media: AnyPath | None = None
    """Its pictures and sounds; None looks below ``root``."""
    root: AnyPath | None = None
    """Data root, for what is not named; None is the folder that ``TVSL_DATA`` names."""
    classes: tuple[str, ...] = ()
    """Only these; none means all."""
    limit: int | None = None
    """Only so many clips, or files of material, spread over the classes."""
    scenes: int | None = None
    """Of one epoch; None is as many as there are files."""
    validation: float = 0.1
    """Share of the files of each class that is held out, by whole groups; 0 holds out nothing."""
    validation_sources: tuple[str, ...] = ()
    """Hold out exactly these groups instead."""
    exclude_test: bool = True
    """Leave out the videos that benchmarks test on."""
    split_seed: int = 0
    """Of the groups that are held out."""
    scene_seed: int = 0
    """Of the mixtures."""
    mixtures: MixtureOptions = field(default_factory=MixtureOptions)

    def __post_init__(self) -> None:
        if not 0 <= self.validation < 1:
            raise ValueError(f"validation must lie in [0, 1), got {self.validation}")
        if self.scenes is not None and self.scenes < 1:
            raise ValueError(f"scenes must be at least 1, got {self.scenes}")
        if min(self.split_seed, self.scene_seed) < 0:
            raise ValueError("split-seed and scene-seed must not be negative")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What a run learns from."""

    train: Mixtures
    validation: Mixtures | None
    name: str
    held_out: tuple[str, ...]
    """Groups of the validation split."""
    excluded: tuple[str, ...]
    """Clips that were left out because benchmarks test on their videos."""
    notes: tuple[str, ...]
    """What one should know before training, in sentences."""


def load_sources(options: SourceOptions, *, on_progress: Callable[[int, int], None] | None = None) -> Sources:
    """Find the files, split them by groups, and mix scenes from both parts.

    Raises:
        InputError: There is no such training set, class or group.
        ManifestError: Its files are not there; the message says what to fetch and prepare.
    """
    found = load_training_set(
        str(options.dataset),
        annotations=as_path(options.annotations),
        media=as_path(options.media),
        root=as_path(options.root) or data_root(),
        exclude_test=options.exclude_test,
        on_progress=on_progress,
    )
    pool, notes = _chosen(found.pool, options), list(found.notes)
    notes += [f"{one.label} is left out: {one.reason}" for one in found.skipped[:5]]
    train_pool, validation = pool, None
    held_out: tuple[str, ...] = ()
    if options.validation > 0 or options.validation_sources:
        groups = _groups(pool, options.validation_sources)
        share = options.validation or 0.1
        split = split_pool(pool, share=share, seed=options.split_seed, groups=groups or None)
        train_pool, held_out = split.training, split.held_out
        notes += split.notes
        if split.validation.pictures and split.validation.sounds:
            length = min(VALIDATION_SCENES, max(len(split.validation.pictures), len(split.validation.sounds)))
            plain = options.mixtures.without_augmentation()
            validation = Mixtures(split.validation, plain, seed=options.scene_seed + 1, length=length)
        else:
            notes.append("There are too few groups to hold any out: this run is not validated.")
    train = Mixtures(train_pool, options.mixtures, seed=options.scene_seed, length=options.scenes)
    return Sources(
        train=train,
        validation=validation,
        name=found.name,
        held_out=held_out,
        excluded=found.excluded,
        notes=tuple(notes),
    )


def _chosen(pool: MediaPool, options: SourceOptions) -> MediaPool:
    if options.classes:
        unknown = [name for name in options.classes if name not in pool.classes]
        if unknown:
            known = ", ".join(pool.classes[:20]) + (" ..." if len(pool.classes) > 20 else "")
            raise InputError(f"the training set has no class {unknown[0]!r}.", hint=f"Its classes: {known}.")
        pool = pool.of_classes(options.classes)
    return pool if options.limit is None else pool.limited(options.limit)


def _groups(pool: MediaPool, wanted: Sequence[str]) -> tuple[str, ...]:
    """The wanted groups that exist. Raises: InputError: None does."""
    there = tuple(name for name in wanted if name in pool.groups)
    if wanted and not there:
        known = ", ".join(pool.groups[:20]) + (" ..." if len(pool.groups) > 20 else "")
        raise InputError(f"no file belongs to the source {wanted[0]!r}.", hint=f"Sources: {known}.")
    return there
