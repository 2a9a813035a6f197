"""Doing what ``tvsl train`` was asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tvsl_cli.annotate.tally import clock_text
from tvsl_cli.shared.terminal import say, write_fields, write_line

if TYPE_CHECKING:
    from tvsl_core.api.train import TrainingPlan
    from tvsl_core.api.train_request import TrainRequest


def run(request: TrainRequest, *, dry_run: bool, tensorboard: bool) -> None:
    """Find the data, say what will be done, and do it.

    Raises: TvslError: The data, the weights, the folder or the training itself; one sentence each.
    """
    from tvsl_cli.train.progress import watching
    from tvsl_core.api.train import train

    first = os.environ.get("RANK", "0") == "0"
    plan = _plan(request, talk=first)
    if first:
        for note in plan.sources.notes:
            say(note, style="yellow")
        _announce(plan, rehearsal=dry_run)
    if dry_run:
        return
    extra = None
    if tensorboard and first:
        from tvsl_core.training.record.loggers import tensorboard_listener

        extra = tensorboard_listener(plan.run.out)
    with watching(talk=first, extra=extra) as tell:
        trained = train(plan, on_event=tell)
    if not first:
        return
    for problem in trained.problems[:5]:
        say(f"Left out: {problem}", style="yellow")
    if len(trained.problems) > 5:
        say(f"and {len(trained.problems) - 5} more; {plan.run.out / 'run.json'} lists them", style="yellow")
    counts = trained.counts
    early = f", stopped early at {counts.step} of {trained.steps}" if counts.step < trained.steps else ""
    say(f"Trained in {clock_text(trained.elapsed_s)}; the best weights are those of step {counts.best_step}{early}.")
    write_line(str(trained.heads))


def _plan(request: TrainRequest, *, talk: bool) -> TrainingPlan:
    from tvsl_cli.datasets.training import bar
    from tvsl_core.api.train import plan_training

    if not talk:
        return plan_training(request)
    with bar(f"Looking through {request.sources.dataset}") as progress:
        return plan_training(request, progress=lambda _what, done, total: progress(done, total))


def _announce(plan: TrainingPlan, *, rehearsal: bool) -> None:
    """Data, sizes, steps and time: to standard output for a dry run, else for people."""
    from tvsl_core.training.speed import estimate

    job, sources = plan.run, plan.sources
    found = estimate(job, device=plan.device)
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
        "towers": f"{job.towers.name} {job.towers.weights_sha256[:12]} on {plan.device}",
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
