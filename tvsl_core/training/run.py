"""A whole training run: features, heads, the loop, and the folder that holds everything that comes of it.

RUN/run.json             what was asked, of which data and weights, with which versions, and how it ended
RUN/metrics.jsonl        one JSON object a line: losses of training and validation
RUN/curves.png, .html    the same, drawn
RUN/heads.safetensors    the best weights so far, as ``tvsl models export`` hands them out
RUN/checkpoints/         everything needed to go on after an interruption
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tvsl_core.data.scenes.scene import SceneSource
from tvsl_core.errors import InputError, TrainingError, TvslError, WeightsError
from tvsl_core.model.compact.load import embedded_heads
from tvsl_core.model.facts import WEIGHTS_FILE, trained_names
from tvsl_core.model.heads import HeadOptions, Projection, TvslHeads, options_for
from tvsl_core.model.heads_file import HeadsInfo, check_towers, dump_heads, load_heads
from tvsl_core.model.learned import LOOKS, SOUNDS
from tvsl_core.model.memory import load_memory
from tvsl_core.model.towers import TrainableTowers
from tvsl_core.model.weights.hashing import hash_file
from tvsl_core.system.files import write_bytes, write_error
from tvsl_core.system.versions import versions
from tvsl_core.training.batch import FeatureSource
from tvsl_core.training.checkpoint import Counts, checkpoints
from tvsl_core.training.distributed import Group, joined
from tvsl_core.training.features.cache import CachedFeatures, CachePlan, plan_cache, problems_of
from tvsl_core.training.features.cache_build import CacheProgress, build_cache
from tvsl_core.training.features.live import LiveFeatures
from tvsl_core.training.fit import Event, Fit, fit
from tvsl_core.training.objective import Objective, Replay, Teacher
from tvsl_core.training.options import TrainOptions
from tvsl_core.training.record.curves import draw_curves
from tvsl_core.training.record.log import read_run, write_run
from tvsl_core.types import AnyPath

HEADS = "heads.safetensors"
EXAMPLES = 256
"""Scenes from which the mean and spread of features are taken."""
UNSETTLING = ("checkpoint_steps", "keep_checkpoints")
"""Options that may change when a run is continued."""

Told = Callable[[CacheProgress | Event], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingRun:
    """What is trained, on what, and where it goes."""

    towers: TrainableTowers
    train: SceneSource
    validation: SceneSource | None
    out: Path
    """RUN, the folder of everything that comes of it."""
    options: TrainOptions = field(default_factory=TrainOptions)
    cache: Path | None = None
    """Folder of feature caches; None sends every scene through the towers at every step."""
    cache_epochs: int = 1
    """So many epochs of mixtures are cached; later ones begin with the first again."""
    workers: int = 0
    """Processes that render scenes beside this one."""
    init: Path | None = None
    """Heads to begin with; what they know beside the classes of the scenes they go on knowing."""
    memory: Path | None = None
    """Features that ``init`` has learned from, which are replayed."""
    outside: tuple[str, ...] = ()
    """Names outside the training on which the untrained mapping is kept, if distilling has a weight."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else ``run.json`` shall say: the command, the name of the data, their terms."""

    def __post_init__(self) -> None:
        if self.cache_epochs < 1:
            raise ValueError(f"cache_epochs must be at least 1, got {self.cache_epochs}")
        if self.workers < 0:
            raise ValueError(f"workers must not be negative, got {self.workers}")
        if len(self.train) == 0:
            raise InputError("there are no scenes to train on.")

    @property
    def extended(self) -> tuple[str, ...]:
        """The classes of ``init``, where it knows any that the scenes do not hold."""
        known = () if self.init is None else trained_names(self.init)
        return known if set(known) - set(self.train.classes) else ()

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes that the heads will know; those that are known already come first."""
        return tuple(dict.fromkeys((*self.extended, *self.train.classes)))

    def settings(self) -> str:
        """Fingerprint of everything on which the result depends."""
        options = {name: value for name, value in self.options.to_dict().items() if name not in UNSETTLING}
        sources = [source.fingerprint() for source in (self.train, self.validation) if source is not None]
        facts = [options, sources, self.towers.weights_sha256, self.cache_epochs if self.cache else 0, *self.outside]
        if self.extended and self.init is not None:
            facts.append(hash_file(self.init))
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """What became of a run."""

    heads: Path
    """The best weights."""
    counts: Counts
    steps: int
    """Of the whole run; more than were taken when it stopped early."""
    elapsed_s: float
    problems: tuple[str, ...]
    """What could not be read, each sentence once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRequest:
    """Which trained heads are handed out, and how."""

    run: AnyPath
    """Folder of a training run."""
    out: AnyPath
    """The file."""
    half: bool = True
    """As half floats, which is half the size; scores move in the fourth place."""


def train(run: TrainingRun, *, device: torch.device, tell: Told = lambda event: None) -> Trained:
    """Train heads, or continue where an interrupted run of the same settings in the same folder stopped.

    Args:
        run: What, on what, where to.
        device: Where the heads compute.
        tell: Told of everything, in the first process.

    Raises:
        InputError: The data cannot be used.
        TrainingError: The loss is no number, memory ran out, or the folder holds another run.
        OutputError: Something cannot be written; the last checkpoint is whole.
    """
    began_s = time.monotonic()
    with joined(device) as group:
        job, heads, problems = _prepare(run, device, group, tell if group.is_first else lambda event: None)
        facts = _facts(run, job)
        try:
            _write(run, group, facts | {"status": "running"})
            counts = fit(heads, job)
        except (TvslError, KeyboardInterrupt) as error:
            _write(run, group, facts | {"status": "failed", "error": str(error) or type(error).__name__}, late=True)
            raise
        elapsed_s = time.monotonic() - began_s
        ended = {"status": "done", "step": counts.step, "best": counts.best, "best_step": counts.best_step}
        _write(run, group, facts | ended | {"elapsed_s": round(elapsed_s, 1), "problems": list(problems)})
    return Trained(heads=run.out / HEADS, counts=counts, steps=job.steps, elapsed_s=elapsed_s, problems=problems)


def export_heads(request: ExportRequest) -> HeadsInfo:
    """Hand out the best weights of a run as one file that ``load_model`` and ``--model`` accept.

    Raises:
        TrainingError: The folder holds no run, or a run that has kept no weights yet.
        OutputError: The file cannot be written.
    """
    run = Path(request.run)
    best = run / HEADS
    if not best.is_file():
        hint = f"Continue it: tvsl train --resume {run}" if read_run(run) else "Name the folder of 'tvsl train --out'."
        what = "has kept no weights yet" if read_run(run) else "is not the folder of a training run"
        raise TrainingError(f"{run} {what}.", hint=hint)
    heads, info = load_heads(best)
    write_bytes(Path(request.out), dump_heads(heads, info, half=request.half))
    return info


def _prepare(
    run: TrainingRun, device: torch.device, group: Group, tell: Told
) -> tuple[Fit, TvslHeads, tuple[str, ...]]:
    try:
        run.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(run.out, error) from error
    train_features, problems = features_of(run, run.train, group, tell)
    validation: FeatureSource | None = None
    if run.validation is not None and len(run.validation):
        validation, more = features_of(run, run.validation, group, tell, epochs=1)
        problems += more
    looks, sounds = covered(train_features, known=run.extended)
    text = run.towers.embed_names(run.classes).clone().to(device)
    heads = begin_heads(run, train_features)
    job = Fit(
        objective=make_objective(run, text, group),
        train=train_features,
        validation=validation,
        options=run.options,
        run=run.out,
        settings=run.settings(),
        device=device,
        group=group,
        keep=lambda best, counts: _keep(run, best, counts, text, {LOOKS: list(looks), SOUNDS: list(sounds)}),
        listener=lambda event: _hear(run, event, tell) if group.is_first else None,
    )
    return job, heads, tuple(dict.fromkeys(problems))


def features_of(
    run: TrainingRun, source: SceneSource, group: Group, tell: Told, *, epochs: int | None = None
) -> tuple[FeatureSource, list[str]]:
    """Features of a source: from a cache, built first if need be by one process, or live.

    Returns: Them, and what could not be read.

    Raises: InputError: A class has no usable scene, or too much cannot be read.
    """
    live = LiveFeatures(source, run.towers, classes=run.classes)
    if run.cache is None:
        return live, []
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


def _keep(
    run: TrainingRun, best: TvslHeads, counts: Counts, text: torch.Tensor, sides: Mapping[str, list[str]]
) -> None:
    calibration, earlier = None, {}
    if run.extended and run.init is not None:
        first, before = read_heads(run.init)
        best = best.towards(first, run.options.init_share)
        calibration, earlier = before.calibration, dict(before.details)
        sides = {key: [*earlier.get(key, before.classes), *names] for key, names in sides.items()}
    info = HeadsInfo(
        towers=run.towers.name,
        towers_sha256=run.towers.weights_sha256,
        classes=run.classes,
        text=text,
        trained_on=str(run.facts.get("dataset", "")),
        calibration=calibration,
        details={
            **earlier,
            "held_out": run.facts.get("held_out", []),
            "step": counts.step,
            "validation_loss": counts.best if run.validation is not None else None,
            "options": run.options.to_dict(),
            **sides,
        },
    )
    write_bytes(run.out / HEADS, dump_heads(best, info))


def _hear(run: TrainingRun, event: Event, tell: Told) -> None:
    if event.kind == "checkpoint":
        draw_curves(run.out)
    tell(event)


def _facts(run: TrainingRun, job: Fit) -> dict[str, Any]:
    return {
        **run.facts,
        "options": run.options.to_dict(),
        "classes": list(run.classes),
        "scenes": {"train": len(run.train), "validation": 0 if run.validation is None else len(run.validation)},
        "steps": job.steps,
        "sources": {
            "train": run.train.fingerprint(),
            "validation": "" if run.validation is None else run.validation.fingerprint(),
        },
        "towers": {"name": run.towers.name, "sha256": run.towers.weights_sha256},
        "cache": None if run.cache is None else str(run.cache),
        "cache_epochs": run.cache_epochs,
        "device": str(job.device),
        "processes": job.group.world,
        "versions": versions(),
        "continued_from": [path.name for path in checkpoints(run.out)][-1:],
    }


def _write(run: TrainingRun, group: Group, facts: Mapping[str, Any], *, late: bool = False) -> None:
    """``run.json`` by the first process; when something went wrong already, that is what is told."""
    if not group.is_first:
        return
    try:
        write_run(run.out, facts)
    except TvslError:
        if not late:
            raise
