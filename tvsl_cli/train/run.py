"""Doing what ``tvsl train`` was asked."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tvsl_cli.annotate.tally import clock_text
from tvsl_cli.shared.terminal import say, write_fields, write_line

if TYPE_CHECKING:
    import torch

    from tvsl_cli.train.request import TrainRequest
    from tvsl_core.training.run import TrainingRun
    from tvsl_core.training.sources import Sources


def run(request: TrainRequest, *, dry_run: bool, tensorboard: bool) -> None:
    """Find the data, say what will be done, and do it.

    Raises: TvslError: The data, the weights, the folder or the training itself; one sentence each.
    """
    from tvsl_cli.train.progress import watching
    from tvsl_core.model.load import pick_device
    from tvsl_core.training.distributed import local_device
    from tvsl_core.training.run import train

    first = os.environ.get("RANK", "0") == "0"
    device = local_device(pick_device(request.settings["device"]))
    sources = _sources(request, talk=first)
    job = _job(request, sources, device)
    if first:
        for note in sources.notes:
            say(note, style="yellow")
        _announce(job, sources, device, rehearsal=dry_run)
    if dry_run:
        return
    extra = None
    if tensorboard and first:
        from tvsl_core.training.tensorboard import tensorboard_listener

        extra = tensorboard_listener(job.out)
    with watching(talk=first, extra=extra) as tell:
        trained = train(job, device=device, tell=tell)
    if not first:
        return
    for problem in trained.problems[:5]:
        say(f"Left out: {problem}", style="yellow")
    if len(trained.problems) > 5:
        say(f"and {len(trained.problems) - 5} more; {job.out / 'run.json'} lists them", style="yellow")
    counts = trained.counts
    early = f", stopped early at {counts.step} of {trained.steps}" if counts.step < trained.steps else ""
    say(f"Trained in {clock_text(trained.elapsed_s)}; the best weights are those of step {counts.best_step}{early}.")
    write_line(str(trained.heads))


def _sources(request: TrainRequest, *, talk: bool) -> Sources:
    from tvsl_cli.datasets.training import bar
    from tvsl_core.training.sources import load_sources

    if not talk:
        return load_sources(request.sources)
    with bar(f"Looking through {request.sources.dataset}") as progress:
        return load_sources(request.sources, on_progress=progress)


def _job(request: TrainRequest, sources: Sources, device: torch.device) -> TrainingRun:
    from tvsl_core.model.load import load_towers
    from tvsl_core.model.weights.cache import cache_folder
    from tvsl_core.training.cache import choose_epochs
    from tvsl_core.training.live import LiveFeatures
    from tvsl_core.training.run import TrainingRun

    settings = request.settings
    towers = load_towers(settings["model"], weights=settings["weights"], device=str(device))
    cache = None if settings["no-cache"] else settings["cache"] or cache_folder() / "features"
    epochs = settings["cache-epochs"] or 1
    if cache is not None and settings["cache-epochs"] is None:
        epochs = choose_epochs(LiveFeatures(sources.train, towers), wanted=request.options.epochs)
    request_facts = {key: _plain(value) for key, value in settings.items()}
    return TrainingRun(
        towers=towers,
        train=sources.train,
        validation=sources.validation,
        out=request.out,
        options=request.options,
        cache=cache,
        cache_epochs=epochs,
        workers=settings["workers"],
        init=settings["init"],
        outside=_outside(request, sources),
        facts={
            "dataset": sources.name,
            "held_out": list(sources.held_out),
            "excluded_test_clips": list(sources.excluded),
            "notes": list(sources.notes),
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "request": request_facts | {"cache-epochs": epochs if cache is not None else settings["cache-epochs"]},
        },
    )


def _outside(request: TrainRequest, sources: Sources) -> tuple[str, ...]:
    """Names on which the untrained mapping is kept: those given, or the vocabulary's outside the training."""
    if request.outside or not any(name.startswith("distill") for name in request.options.losses.active()):
        return request.outside
    from tvsl_core.vocabulary.classes import load_vocabulary

    return tuple(name for name in load_vocabulary(None).names if name not in sources.train.classes)


def _plain(value: Any) -> Any:
    """A setting as it goes into ``run.json``; paths no longer depend on the folder that the command ran in."""
    return str(value.absolute()) if isinstance(value, Path) else value


def _announce(job: TrainingRun, sources: Sources, device: torch.device, *, rehearsal: bool) -> None:
    """Data, sizes, steps and time: to standard output for a dry run, else for people."""
    from tvsl_core.training.speed import estimate

    found = estimate(replace(job), device=device)
    held = f", {len(sources.held_out)} sources held out" if sources.held_out else ""
    checked = "none" if job.validation is None else f"{len(job.validation)} scenes{held}"
    pool = sources.train.pool
    built = all(plan.is_built for plan in found.caches)
    cache = (
        "none: every step goes through the towers"
        if job.cache is None
        else f"{found.cache_bytes / 1e9:,.2f} GB in {job.cache}, {job.cache_epochs} epochs of mixtures"
        + (", there already" if built else f", built in {clock_text(found.build_s)}")
    )
    facts = {
        "data": f"{sources.name}: {len(pool.pictures)} pictures and {len(pool.sounds)} sounds of "
        f"{len(pool.classes)} classes",
        "scenes": f"{len(job.train)} an epoch",
        "validation": checked,
        "towers": f"{job.towers.name} {job.towers.weights_sha256[:12]} on {device}",
        "cache": cache,
        "steps": f"{found.steps} of {job.options.batch} scenes, {found.steps_per_epoch} an epoch",
        "time": f"about {clock_text(found.total_s)}, {found.step_s:.2f} s a step",
        "out": str(job.out),
    }
    for name, text in facts.items():
        if rehearsal:
            write_fields(name, text)
        else:
            say(f"{name + ':':<12}{text}")
