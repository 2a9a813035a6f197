"""The loop: frozen features in, learned heads out.

    for every step                        from where the last checkpoint left off
        read the batch                    the same scenes on any number of processes
        losses, backward                  perceptrons in bfloat16 where that is faster
        add up gradients, shorten, step   AdamW, warm-up, then a cosine
        average the weights               what is validated and kept
        now and then: look at the validation split, save a checkpoint, stop early

Whatever is drawn follows from the seed and the step, never from what happened before. So a run that is killed at any
moment and continued ends with the same weights, bit for bit on a CPU.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from tvsl_core.errors import TrainingError
from tvsl_core.model.heads import TvslHeads
from tvsl_core.training.batch import Batch, BatchSchedule, FeatureSource, prefetched
from tvsl_core.training.checkpoint import Counts, State, checkpoints, resume, save_checkpoint
from tvsl_core.training.distributed import Group
from tvsl_core.training.objective import Objective
from tvsl_core.training.options import TrainOptions
from tvsl_core.training.record.log import MetricsLog, write_classes
from tvsl_core.training.validate import Validation, validate


class Event(NamedTuple):
    """What a listener is told."""

    kind: Literal["step", "validation", "checkpoint", "best"]
    step: int
    """Steps that are behind the run."""
    steps: int
    """Of the whole run."""
    values: Mapping[str, float]


Listener = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """What ``fit`` works with; every process of a run has the same."""

    objective: Objective
    train: FeatureSource
    validation: FeatureSource | None
    options: TrainOptions
    run: Path
    """Folder of checkpoints and metrics."""
    settings: str
    """Fingerprint of the data, the towers and the options; a checkpoint of others is refused."""
    device: torch.device
    group: Group
    keep: Callable[[TvslHeads, Counts], None]
    """Stores the best weights so far; called in the first process."""
    listener: Listener = lambda event: None

    @property
    def plan(self) -> BatchSchedule:
        """Which scenes each step has."""
        return BatchSchedule(scenes=len(self.train.usable), batch=self.options.batch, seed=self.options.seed)

    @property
    def steps(self) -> int:
        """Of the whole run."""
        return self.options.max_steps or self.options.epochs * self.plan.steps_per_epoch

    @property
    def validation_steps(self) -> int:
        """Steps between two looks at the validation split."""
        return max(1, round(self.options.validate_epochs * self.plan.steps_per_epoch))


def fit(heads: TvslHeads, job: Fit) -> Counts:
    """Train the heads; continue from the newest checkpoint in the run's folder if there is one.

    Args:
        heads: As they are at the beginning; changed in place, on the job's device.
        job: Everything else.

    Returns: How far it came; less than all steps when it stopped early.

    Raises:
        TrainingError: The loss is no number, memory ran out, or the checkpoint belongs to another run.
        OutputError: Something cannot be written; the last checkpoint is whole.
    """
    state = begin(heads, job)
    counts, group = state.counts, job.group
    steps = range(counts.step, counts.step if has_lost_patience(counts, job.options) else job.steps)
    with _explained(job), MetricsLog(job.run, after=counts.step, writes=group.is_first) as log:
        for step, epoch, batch in prefetched(job.train, job.options, steps=steps, rank=group.rank, world=group.world):
            rate = learning_rate(step, job.steps, job.options)
            values = take_step(state, job, batch.to(job.device), step, rate)
            counts.step = step + 1
            is_last = counts.step == job.steps
            values |= {"epoch": epoch, "learning_rate": rate}
            log.write("train", counts.step, values)
            job.listener(Event("step", counts.step, job.steps, values))
            if counts.step % job.validation_steps == 0 or is_last:
                look(state, job, log)
                is_last |= has_lost_patience(counts, job.options)
            if counts.step % job.options.checkpoint_steps == 0 or is_last:
                save(state, job)
            if is_last:
                break
    return counts


def learning_rate(step: int, steps: int, options: TrainOptions) -> float:
    """Rises evenly during the warm-up, then falls to nothing as half a cosine."""
    warm = options.warmup * steps
    if step < warm:
        return options.learning_rate * (step + 1) / max(warm, 1.0)
    return options.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(steps - warm, 1.0)))


def uses_bf16(options: TrainOptions, device: torch.device) -> bool:
    """Whether perceptrons compute in bfloat16."""
    if options.amp != "auto":
        return options.amp == "on"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def begin(heads: TvslHeads, job: Fit) -> State:
    """The state at the beginning, or that of the newest checkpoint."""
    options = job.options
    heads.to(job.device).use_bf16(uses_bf16(options, job.device))
    # Weight decay is for matrices; a gate, scale or bias pulled to 0 would mean something else.
    groups = [
        {"params": [p for p in heads.parameters() if p.ndim >= 2], "weight_decay": options.weight_decay},
        {"params": [p for p in heads.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)
    average = copy.deepcopy(heads).requires_grad_(False)
    state = State(heads=heads, average=average, optimizer=optimizer, counts=Counts())
    if job.group.is_first:
        resume(job.run, state, settings=job.settings)
    if job.group.world > 1:  # disks may be apart: all begin with what the first process has
        cpu = {name: value.cpu() for name, value in state.tensors().items()}
        state.restore(*job.group.from_first((cpu, state.counts)))
    return state


def take_step(state: State, job: Fit, batch: Batch, step: int, rate: float) -> dict[str, float]:
    """One step of the optimiser; gives the losses before it, of all processes together."""
    # Dropout is the only thing left to chance here; its stream begins anew at every step.
    torch.manual_seed(int(np.random.SeedSequence((job.options.seed, step, job.group.rank)).generate_state(1)[0]))
    heads = state.heads.train()
    parameters = list(heads.parameters())
    state.optimizer.zero_grad(set_to_none=True)
    parts = batch.parts(job.options.accumulate)
    found: list[dict[str, Tensor]] = []
    for part in parts:
        share, losses = job.objective(heads, part)
        (share / len(parts)).backward()  # type: ignore[no-untyped-call]
        found.append(losses)
    job.group.add_up_gradients(parameters)
    length = nn.utils.clip_grad_norm_(parameters, job.options.clip_norm)
    values = {name: float(sum(one[name] for one in found)) / len(parts) for name in job.objective.weights}
    total = sum(weight * values[name] for name, weight in job.objective.weights.items())
    if not (math.isfinite(total) and bool(torch.isfinite(length))):
        raise _diverged(values, job, step)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.step()
    # Early on a long average would remember the random start.
    memory = min(job.options.ema, (1 + step) / (10 + step))
    with torch.no_grad():
        for average, value in zip(state.average.parameters(), parameters, strict=True):
            average.lerp_(value, 1 - memory if job.options.ema else 1.0)
    return {"loss": total, **values, "gradient": float(length)}


def look(state: State, job: Fit, log: MetricsLog) -> None:
    """Validate, and keep the weights if they are the best so far; without a validation split the newest are."""
    counts, found = state.counts, Validation()
    if job.validation is not None:
        found = validate(
            state.average, job.objective, job.validation, options=job.options, group=job.group, device=job.device
        )
        log.write("validation", counts.step, found.values)
        job.listener(Event("validation", counts.step, job.steps, found.values))
    values = found.values
    loss = values.get("loss", -float(counts.step))
    counts.looks_without_gain += 1
    if loss < counts.best:
        counts.best, counts.best_step, counts.looks_without_gain = loss, counts.step, 0
        if job.group.is_first:
            job.keep(state.average, counts)
            write_classes(job.run, found.classes)
        job.listener(Event("best", counts.step, job.steps, values))


def save(state: State, job: Fit) -> None:
    """A checkpoint, by the first process."""
    if job.group.is_first:
        save_checkpoint(job.run, state, settings=job.settings, keep=job.options.keep_checkpoints)
    job.listener(Event("checkpoint", state.counts.step, job.steps, {}))


def has_lost_patience(counts: Counts, options: TrainOptions) -> bool:
    """Whether the validation loss has not become better for too long."""
    return 0 < options.patience <= counts.looks_without_gain


def _diverged(values: Mapping[str, float], job: Fit, step: int) -> TrainingError:
    bad = [name for name, value in values.items() if not math.isfinite(value)]
    saved = checkpoints(job.run)
    what = f"the loss {', '.join(bad)} is no number any more" if bad else "the gradient is no number any more"
    kept = f"The last checkpoint before it is {saved[-1]}." if saved else "There is no checkpoint before it."
    return TrainingError(
        f"at step {step + 1} {what}. {kept}",
        hint=f"Begin anew with a lower learning rate than {job.options.learning_rate:g}: --learning-rate.",
        stage="train",
    )


@contextmanager
def _explained(job: Fit) -> Iterator[None]:
    """Memory that runs out is one sentence; chance outside of the run stays as it was."""
    try:
        with torch.random.fork_rng(devices=[job.device] if job.device.type == "cuda" else []):
            yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error).lower():
            raise TrainingError(
                f"memory ran out on {job.device} with {job.options.batch} scenes a step.",
                hint=f"Lower --batch, for example to {max(1, job.options.batch // 2)}.",
                stage="train",
            ) from error
        raise
