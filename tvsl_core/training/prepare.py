"""What a run begins with: features of its scenes, heads before the first step, and the losses."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

from tvsl_core.data.scenes.scene import SceneSource
from tvsl_core.errors import InputError, WeightsError
from tvsl_core.model.compact.load import embedded_heads
from tvsl_core.model.facts import WEIGHTS_FILE
from tvsl_core.model.heads import HeadOptions, Projection, TvslHeads, options_for
from tvsl_core.model.heads_file import HeadsInfo, check_towers, load_heads
from tvsl_core.model.memory import load_memory
from tvsl_core.training.batch import FeatureSource
from tvsl_core.training.distributed import Group
from tvsl_core.training.features.cache import CachedFeatures, CachePlan, plan_cache, problems_of
from tvsl_core.training.features.cache_build import CacheProgress, build_cache
from tvsl_core.training.features.live import KeptFeatures, LiveFeatures
from tvsl_core.training.objective import Objective, Replay, Teacher
from tvsl_core.training.training_run import TrainingRun

EXAMPLES = 256
"""Scenes from which the mean and spread of features are taken."""


def features_of(
    run: TrainingRun,
    source: SceneSource,
    group: Group,
    tell: Callable[[CacheProgress], None],
    *,
    epochs: int | None = None,
) -> tuple[FeatureSource, list[str]]:
    """Features of a source: from a cache, built first if need be by one process, or live.

    Args:
        run: Which towers and which cache.
        source: The scenes.
        group: The processes of the run.
        tell: Told how far a cache is.
        epochs: How many are needed; None is as many as the run caches, or all of them anew without a cache.

    Returns: Them, and what could not be read.

    Raises: InputError: A class has no usable scene, or too much cannot be read.
    """
    if run.cache is None:
        lively = LiveFeatures(source, run.towers, classes=run.classes, workers=run.workers)
        return lively if epochs is None else KeptFeatures(lively), []
    live = LiveFeatures(source, run.towers, classes=run.classes)
    epochs = epochs or run.cache_epochs
    plans: list[CachePlan] = []
    if group.is_first:
        plans = list(plan_cache(live, folder=run.cache, epochs=epochs))
        for plan in plans:
            build_cache(plan, live, workers=run.workers, listener=tell)
    pictures, sounds = group.from_first(plans)
    cached = CachedFeatures(pictures, sounds, classes=live.classes, epochs=epochs)
    left_out = [f"{name}: {why}" for name, why in getattr(source, "skipped", {}).items()]
    return cached, [*problems_of(pictures), *problems_of(sounds), *left_out]


def begin_heads(run: TrainingRun, features: FeatureSource, *, examples: int = EXAMPLES) -> TvslHeads:
    """Heads as they are before the first step: those of ``init``, or new ones that know their features' spread.

    Raises: WeightsError: ``init`` is of other towers.
    """
    options = options_for(run.towers, **run.options.heads)
    if run.init is not None:
        heads, info = read_heads(run.init)
        check_towers(info, towers=run.towers.name, sha256=run.towers.weights_sha256, path=run.init)
        wanted = {one.name: getattr(options, one.name) for one in fields(options)}
        if any(getattr(heads.options, name) != wanted[name] for name in ("dim", "image_features", "sound_features")):
            raise WeightsError(f"{run.init} holds heads of other sizes.", hint="Train it with the same towers.")
        heads.fill_lean(_fresh(heads.options, run.options.seed))
        return heads.requires_grad_(True)
    heads = _fresh(options, run.options.seed)
    rng = np.random.default_rng((run.options.seed, 4))
    some = rng.permutation(features.usable)[:examples]
    for projection, rows in (
        (heads.project_image, features.pictures(some, 0).features),
        (heads.project_sound, features.sounds(some, 0).features),
    ):
        if isinstance(projection, Projection):
            projection.standardise(torch.from_numpy(rows))
    return heads


def _fresh(options: HeadOptions, seed: int) -> TvslHeads:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TvslHeads(options)


def read_heads(path: Path) -> tuple[TvslHeads, HeadsInfo]:
    """Heads of a file of their own, or those that a file of compact towers carries.

    Raises: WeightsError: The file holds none, or is damaged.
    """
    found = embedded_heads(path)[0] if path == WEIGHTS_FILE else load_heads(path)
    if found is None:
        raise WeightsError(f"{path} carries no heads.", hint="Name a file from 'tvsl models export'.")
    return found


def make_objective(run: TrainingRun, text: torch.Tensor, group: Group) -> Objective:
    """The losses of a run, with a teacher if something is distilled."""
    distils = any(name.startswith("distill") for name in run.options.losses.active())
    if distils and not run.outside:
        raise InputError(
            "distilling keeps what is known of names outside the training, and none is given.",
            hint="Give --outside NAMES, or set the weights distill_image and distill_sound to 0.",
        )
    teacher = Teacher(run.towers, run.outside) if distils else None
    return Objective(text, run.options, group, teacher, _replay(run, text))


def _replay(run: TrainingRun, text: torch.Tensor) -> Replay | None:
    """What heads that are taught more shall go on saying, where features are there that they learned from."""
    if not run.extended or run.init is None or run.memory is None:
        return None
    memory = load_memory(run.memory, towers_sha256=run.towers.weights_sha256)
    if memory is None:
        return None
    before, info = read_heads(run.init)
    return Replay(before.to(text.device), info.text.to(text.device), memory, new=len(text) - len(info.text))


def covered(features: FeatureSource, *, known: Collection[str] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes that scenes show, and those that they let sound.

    A class with pictures alone, or with sounds alone, is learned on that side.

    Args:
        features: Of the scenes.
        known: Classes that the heads know already.

    Raises: InputError: A class has neither.
    """
    if not isinstance(features, CachedFeatures):
        return features.classes, features.classes
    seen, heard = (counts > 0 for counts in features.class_counts())
    bare = [name for name, any_at_all in zip(features.classes, seen | heard, strict=True) if not any_at_all]
    bare = [name for name in bare if name not in known]
    if bare:
        shown = ", ".join(bare[:5]) + (f" and {len(bare) - 5} more" if len(bare) > 5 else "")
        raise InputError(
            f"{len(bare)} of {len(features.classes)} classes have no usable sample: {shown}.",
            hint="Add samples of them, leave them out with --classes, or draw more scenes an epoch.",
        )
    looks, sounds = (
        tuple(name for name, there in zip(features.classes, side, strict=True) if there) for side in (seen, heard)
    )
    return looks, sounds
