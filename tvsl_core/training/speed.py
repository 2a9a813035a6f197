"""How long a step takes, from a feature cache and without one, and how long a whole run would."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from tvsl_core.data.scenes.scene import Picture, Scene, SceneRecipe, SceneSource, Sound
from tvsl_core.model.towers import TrainableTowers
from tvsl_core.training.batch import Batch, BatchSchedule, FeatureSource, assemble
from tvsl_core.training.checkpoint import State
from tvsl_core.training.distributed import Group
from tvsl_core.training.features.cache import CachedFeatures, CachePlan, plan_cache
from tvsl_core.training.features.cache_build import build_cache
from tvsl_core.training.features.draw import Side, draw_scenes
from tvsl_core.training.features.live import LiveFeatures
from tvsl_core.training.fit import Fit, begin, take_step
from tvsl_core.training.options import TrainOptions
from tvsl_core.training.prepare import begin_heads, make_objective
from tvsl_core.training.training_run import TrainingRun

SECONDS = 5.0
"""Of each sound."""


class NoiseScenes:
    """Scenes of noise, which cost next to nothing to make: what is measured with them is towers and heads.

    Args:
        count: Scenes of an epoch.
        classes: How many classes there are.
        size: Width and height of the frames.
    """

    def __init__(self, count: int, *, classes: int = 37, size: tuple[int, int] = (448, 224)) -> None:
        self.classes = tuple(f"class {number:03}" for number in range(classes))
        self._count = count
        self._size = size

    def __len__(self) -> int:
        """Scenes of one epoch."""
        return self._count

    def fingerprint(self) -> str:
        """Changes with the number of scenes, classes and pixels."""
        return f"noise {self._count} {len(self.classes)} {self._size}"

    def picture(self, index: int, epoch: int) -> Picture:
        """Noise with two objects."""
        rng = np.random.default_rng((epoch, index))
        width, height = self._size
        frame = rng.integers(0, 256, (height, width, 3), np.uint8)
        regions = np.zeros((height, width), np.int16)
        regions[height // 4 :, : width // 3] = 1
        regions[height // 4 :, -width // 3 :] = 2
        return Picture(frame, self._names(index), regions)

    def sound(self, index: int, epoch: int, sample_rate: int) -> Sound:
        """Noise of the same two classes."""
        rng = np.random.default_rng((epoch, index, 1))
        waveform = rng.standard_normal(round(SECONDS * sample_rate), np.float32) * 0.1
        return Sound(waveform, self._names(index))

    def scene(self, index: int, epoch: int, *, sample_rate: int) -> Scene:
        """Both sides."""
        recipe = SceneRecipe(seed=0, epoch=epoch, index=index, layout="side-by-side")
        picture, sound = self.picture(index, epoch), self.sound(index, epoch, sample_rate)
        return Scene(
            frame=picture.frame,
            waveform=sound.waveform,
            sounding=sound.sounding,
            visible=picture.visible,
            regions=picture.regions,
            recipe=recipe,
        )

    def _names(self, index: int) -> tuple[str, ...]:
        return (self.classes[index % len(self.classes)], self.classes[(index * 7 + 1) % len(self.classes)])


@dataclass(frozen=True, kw_only=True, slots=True)
class StepSpeed:
    """One way of getting a step done."""

    way: str
    """``through the towers`` or ``from the cache``."""
    seconds: float
    """Of one step; the best of all turns."""
    scenes_per_s: float
    ratio: float
    """How many times faster than through the towers."""


def bench_training(
    towers: TrainableTowers,
    *,
    batch: int = 64,
    repeats: int = 3,
    source: SceneSource | None = None,
    folder: Path | None = None,
    device: torch.device | None = None,
) -> tuple[StepSpeed, ...]:
    """Whole steps of training through the towers and from a cache, in turn.

    A step reads or computes the features of its scenes, then takes losses, gradients, the optimiser's step and the
    weights' average. Scenes of noise make the comparison harder for the cache: real ones must be decoded as well.

    Args:
        towers: Of any kind.
        batch: Scenes of a step.
        repeats: Turns after a first one that does not count.
        source: Of the scenes; None is noise, as many as two steps need.
        folder: Where the cache goes; None is a temporary folder.
        device: Of the heads; None is the towers'.
    """
    if batch < 1 or repeats < 1:
        raise ValueError(f"batch and repeats must be at least 1, got {batch} and {repeats}")
    source = source or NoiseScenes(2 * batch)
    with tempfile.TemporaryDirectory(prefix="tvsl-bench-") as temporary:
        place = folder or Path(temporary)
        options = TrainOptions(batch=batch, max_steps=repeats + 1)
        run = TrainingRun(towers=towers, train=source, validation=None, out=place / "run", options=options)
        live = LiveFeatures(source, towers)
        pictures, sounds = plan_cache(live, folder=place, epochs=1)
        for plan in (pictures, sounds):
            build_cache(plan, live)
        cached = CachedFeatures(pictures, sounds, classes=live.classes, epochs=1)
        job, state = _ready(run, cached, device or towers.device)
        ways: dict[str, FeatureSource] = {"through the towers": live, "from the cache": cached}
        best = dict.fromkeys(ways, float("inf"))
        for turn in range(repeats + 1):
            for way, features in ways.items():
                seconds = _timed(job, state, features, turn)
                best[way] = min(best[way], seconds) if turn else best[way]
    slowest = best["through the towers"]
    return tuple(
        StepSpeed(way=way, seconds=seconds, scenes_per_s=batch / seconds, ratio=slowest / seconds)
        for way, seconds in best.items()
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a run would take, measured on a few scenes and steps."""

    steps: int
    steps_per_epoch: int
    step_s: float
    """Of one step with features at hand."""
    draw_s: float
    """Of one scene, to render it; several processes may share them."""
    towers_s: float
    """Of one scene through the towers."""
    workers: int
    """Processes that render."""
    caches: tuple[CachePlan, ...]
    """Both sides, of training and validation; empty without a cache."""

    @property
    def cache_bytes(self) -> int:
        """Of everything that is cached."""
        return sum(plan.bytes for plan in self.caches)

    @property
    def scene_s(self) -> float:
        """Of one scene: rendered beside the towers where processes do that, else before them."""
        if self.workers:
            return max(self.draw_s / self.workers, self.towers_s)
        return self.draw_s + self.towers_s

    @property
    def build_s(self) -> float:
        """Until the caches that are not there yet are built."""
        todo = sum(plan.scenes for plan in self.caches if not plan.is_built)
        return todo * self.scene_s / 2  # a plan is one side, and a scene has two

    @property
    def total_s(self) -> float:
        """Of the whole run."""
        return self.build_s + self.steps * self.step_s


def estimate(run: TrainingRun, *, device: torch.device, steps: int = 3) -> Estimate:
    """Measure a few scenes and steps of a run; nothing is written, and the run does not begin.

    Raises: TvslError: The first scenes cannot be read.
    """
    live = LiveFeatures(run.train, run.towers, classes=run.classes)
    some = np.arange(min(4, len(run.train)))
    live.pictures(some[:1], 0)  # the first call of a network takes longer
    began = time.perf_counter()
    sides: tuple[Side, ...] = ("pictures", "sounds")
    for side in sides:
        draw_scenes(run.train, side, run.towers.sample_rate, some.tolist())
    drawn = time.perf_counter()
    example = assemble(live, some, 0, run.options, augment=False)  # draws them again, mostly from memory
    draw_s, towers_s = (drawn - began) / len(some), (time.perf_counter() - drawn) / len(some)
    with tempfile.TemporaryDirectory(prefix="tvsl-estimate-") as temporary:
        job, state = _ready(replace(run, out=Path(temporary)), live, device)
        clips = min(run.options.batch, len(run.train))
        batch = _repeated(example, clips).to(device)
        step = partial(take_step, state, job, batch)
        times = [_seconds(partial(step, turn, 1e-6), device) for turn in range(steps)]
    plans: list[CachePlan] = []
    if run.cache is not None:
        plans += plan_cache(live, folder=run.cache, epochs=run.cache_epochs)
        if run.validation is not None and len(run.validation):
            checked = LiveFeatures(run.validation, run.towers, classes=run.classes)
            plans += plan_cache(checked, folder=run.cache, epochs=1)
    per_epoch = BatchSchedule(scenes=len(run.train), batch=run.options.batch, seed=0).steps_per_epoch
    found = Estimate(
        steps=run.options.max_steps or run.options.epochs * per_epoch,
        steps_per_epoch=per_epoch,
        step_s=min(times),
        draw_s=draw_s,
        towers_s=towers_s,
        workers=run.workers,
        caches=tuple(plans),
    )
    if run.cache is not None:
        return found
    return replace(found, step_s=max(found.step_s, clips * found.scene_s))  # the next batch is made beside a step


def _ready(run: TrainingRun, features: FeatureSource, device: torch.device) -> tuple[Fit, State]:
    """A job and a state of their own, which keep nothing."""
    group = Group()
    text = run.towers.embed_names(features.classes).clone().to(device)
    job = Fit(
        objective=make_objective(run, text, group),
        train=features,
        validation=None,
        options=run.options,
        run=run.out,
        settings="",
        device=device,
        group=group,
        keep=lambda heads, counts: None,
    )
    return job, begin(copy.deepcopy(begin_heads(run, features, examples=8)), job)


def _timed(job: Fit, state: State, features: FeatureSource, turn: int) -> float:
    _, places = BatchSchedule(scenes=len(features.usable), batch=job.options.batch, seed=0).places(turn)

    def step() -> None:
        batch = assemble(features, features.usable[places], 0, job.options)
        take_step(state, job, batch.to(job.device), turn, 1e-6)

    return _seconds(step, job.device)


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    began = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def _repeated(batch: Batch, clips: int) -> Batch:
    """The same scenes again and again until there are enough."""
    rows = torch.arange(clips) % len(batch.image)
    return Batch(
        image=batch.image[rows],
        sound=batch.sound[rows],
        share=batch.share[rows],
        known=batch.known[rows],
        visible=batch.visible[rows],
        sounding=batch.sounding[rows],
    )
