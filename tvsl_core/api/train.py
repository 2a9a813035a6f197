"""From the name of a training set to trained heads."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tvsl_core.api.train_request import TrainRequest
from tvsl_core.model.facts import EMBEDDED, WEIGHTS_FILE
from tvsl_core.model.load import load_towers, pick_device
from tvsl_core.model.memory import EMBEDDED_MEMORY
from tvsl_core.model.towers import require_trainable
from tvsl_core.system.cache import cache_folder
from tvsl_core.system.progress import OnProgress, reporting
from tvsl_core.training.deterministic import reproducible
from tvsl_core.training.distributed import local_device
from tvsl_core.training.features.cache import choose_epochs
from tvsl_core.training.features.cache_build import CacheProgress
from tvsl_core.training.features.live import LiveFeatures
from tvsl_core.training.fit import Event
from tvsl_core.training.run import Told, Trained
from tvsl_core.training.run import train as train_heads
from tvsl_core.training.sources import Sources, load_sources
from tvsl_core.training.training_run import TrainingRun
from tvsl_core.types import as_path
from tvsl_core.vocabulary.classes import load_vocabulary

MOST_WORKERS = 8
"""Processes that read media, unless more are asked for."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingPlan:
    """A training whose data are found and whose towers are loaded; nothing has been written yet."""

    run: TrainingRun
    sources: Sources
    device: torch.device


def default_batch(device: str = "auto") -> int:
    """Scenes of a step that use a device well: 256 on a GPU, else 64."""
    return 256 if pick_device(device).type == "cuda" else 64


def plan_training(request: TrainRequest, *, progress: bool | OnProgress = False) -> TrainingPlan:
    """Find the data and load the towers.

    Args:
        request: What is asked.
        progress: True shows a bar; a function is called with what is done, how many files are, and of how many.

    Raises:
        InputError: There is no such training set, class, source or device.
        ManifestError: The files are not there; the message says what to fetch and prepare.
        WeightsError: The towers cannot be loaded.
    """
    device = local_device(pick_device(request.device))
    with reporting(progress) as advance:
        title = f"Looking through {request.sources.dataset}"
        sources = load_sources(request.sources, on_progress=lambda done, total: advance(title, done, total))
    with reproducible(request.options.deterministic):
        towers = require_trainable(load_towers(request.model, weights=as_path(request.weights), device=str(device)))
    cache = as_path(request.cache) or cache_folder() / "features" if request.use_cache else None
    epochs = request.cache_epochs or 1
    is_embedded = str(request.init) == EMBEDDED
    if cache is not None and request.cache_epochs is None:
        epochs = choose_epochs(LiveFeatures(sources.train, towers), wanted=request.options.epochs)
        cache = cache if epochs else None  # a whole epoch that repeats would not be what was asked for
    # An option that was left open stands in run.json as it was chosen: a machine may have changed when the run goes on.
    chosen = {"no-cache": True} if cache is None else {"cache-epochs": epochs}
    run = TrainingRun(
        towers=towers,
        train=sources.train,
        validation=sources.validation,
        out=Path(request.out),
        options=request.options,
        cache=cache,
        cache_epochs=max(1, epochs),
        workers=min((os.cpu_count() or 1) - 1, MOST_WORKERS) if request.workers is None else request.workers,
        init=WEIGHTS_FILE if is_embedded else as_path(request.init),
        memory=EMBEDDED_MEMORY if is_embedded else None,
        outside=_outside(request, sources),
        loggers=request.loggers,
        facts={
            "dataset": sources.name,
            "held_out": list(sources.held_out),
            "excluded_test_clips": list(sources.excluded),
            "notes": list(sources.notes),
            "command": list(request.command),
            "request": request.settings() | chosen,
        },
    )
    return TrainingPlan(run=run, sources=sources, device=device)


def train(
    request: TrainRequest | TrainingPlan, *, progress: bool = False, on_event: Told = lambda _event: None
) -> Trained:
    """Train T-VSL's heads over frozen towers, or continue where an interrupted run of the same request stopped.

    Args:
        request: What is asked, or what ``plan_training`` made of it.
        progress: Show a bar for each side of the feature cache and for the steps.
        on_event: Told of everything, in the first process.

    Raises:
        InputError: The data cannot be used.
        TrainingError: The loss is no number, memory ran out, or the folder holds another run.
        OutputError: Something cannot be written; the last checkpoint is whole.
    """
    plan = plan_training(request, progress=progress) if isinstance(request, TrainRequest) else request
    with reporting(progress) as advance:
        return train_heads(plan.run, device=plan.device, tell=_both(on_event, advance))


def _both(on_event: Told, advance: OnProgress) -> Callable[[CacheProgress | Event], None]:
    def tell(event: CacheProgress | Event) -> None:
        on_event(event)
        if isinstance(event, CacheProgress):
            advance(f"features of the {event.side}", event.done, event.scenes)
        elif event.kind == "step":
            advance("training", event.step, event.steps)

    return tell


def _outside(request: TrainRequest, sources: Sources) -> tuple[str, ...]:
    """Names on which the untrained mapping is kept: those given, or the vocabulary's outside the training."""
    if request.outside or not any(name.startswith("distill") for name in request.options.losses.active()):
        return request.outside
    return tuple(name for name in load_vocabulary(None).names if name not in sources.train.classes)
