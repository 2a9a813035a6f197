"""Doing what ``tvsl train`` was asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tvsl_cli.annotate.tally import clock_text
from tvsl_cli.shared.terminal import say, write_fields, write_line

if TYPE_CHECKING:
    from tvsl_core.api.reproduce import PaperRequest, SeedRun
    from tvsl_core.api.train import TrainingPlan
    from tvsl_core.api.train_request import TrainRequest
    from tvsl_core.training.speed import Estimate
    from tvsl_core.training.training_run import TrainingRun


def run(request: TrainRequest, *, dry_run: bool, seeds: Sequence[int], paper: PaperRequest | None) -> None:
    """Find the data, say what will be done, and do it.

    Raises: TvslError: The data, the weights, the folder or the training itself; one sentence each.
    """
    from tvsl_cli.train.progress import Screen
    from tvsl_core.api.reproduce import train_seeds

    first = os.environ.get("RANK", "0") == "0"
    plan = _plan(request, talk=first)
    if first:
        for note in plan.sources.notes:
            say(note, style="yellow")
        _announce(plan, runs=max(1, len(seeds)), rehearsal=dry_run)
    if dry_run:
        return
    screen = Screen(talk=first)
    with screen.progress:
        asked = paper if first else None
        runs = train_seeds(plan, seeds, paper=asked, on_event=screen.hear, progress=screen.advance)
    if first:
        _tell(plan, runs, paper)


def list_recipes() -> None:
    """Every recipe with what it is, on standard output."""
    from tvsl_core.training.recipes.catalog import recipes

    for name, about in recipes().items():
        write_fields(name, about)


def _tell(plan: TrainingPlan, runs: Sequence[SeedRun], paper: PaperRequest | None) -> None:
    """What came of it: the tables, or the path of the heads, on standard output."""
    from tvsl_cli.evaluate.tables import print_text
    from tvsl_core.api.reproduce import paper_grids
    from tvsl_core.report.tables import render_table

    for one in runs:
        _say_trained(one)
    if len(runs) > 1 or paper is not None:
        print_text("\n".join(render_table(grid, "markdown") for grid in paper_grids(runs)))
        say(f"Wrote {plan.run.out / 'table.md'}, table.csv and table.tex beside it.")
    else:
        write_line(str(runs[0].trained.heads))


def _say_trained(one: SeedRun) -> None:
    trained = one.trained
    for problem in trained.problems[:5]:
        say(f"Left out: {problem}", style="yellow")
    if len(trained.problems) > 5:
        where = trained.heads.parent / "run.json"
        say(f"and {len(trained.problems) - 5} more; {where} lists them", style="yellow")
    counts = trained.counts
    early = f", stopped early at {counts.step} of {trained.steps}" if counts.step < trained.steps else ""
    say(
        f"Trained in {clock_text(trained.elapsed_s)} with seed {one.seed}; the best weights are those of step "
        f"{counts.best_step}{early}."
    )
    if one.note:
        say(f"The heads of seed {one.seed} are {one.note}", style="yellow")


def _plan(request: TrainRequest, *, talk: bool) -> TrainingPlan:
    from tvsl_cli.datasets.training import bar
    from tvsl_core.api.train import plan_training

    if not talk:
        return plan_training(request)
    with bar(f"Looking through {request.sources.dataset}") as progress:
        return plan_training(request, progress=lambda _what, done, total: progress(done, total))


def _announce(plan: TrainingPlan, *, runs: int, rehearsal: bool) -> None:
    """Data, sizes, steps and time: to standard output for a dry run, else for people."""
    from tvsl_core.training.speed import estimate

    job, sources = plan.run, plan.sources
    found = estimate(job, device=plan.device)
    held = f", {len(sources.held_out)} sources held out" if sources.held_out else ""
    checked = "none" if job.validation is None else f"{len(job.validation)} scenes{held}"
    pool = sources.train.pool
    facts = {
        "data": f"{sources.name}: {len(pool.pictures)} pictures and {len(pool.sounds)} sounds of "
        f"{len(pool.classes)} classes",
        "scenes": f"{len(job.train)} an epoch",
        "validation": checked,
        "towers": f"{job.towers.name} {job.towers.weights_sha256[:12]} on {plan.device}",
        "mixtures": _mixtures(found, job),
        "cache": _cache(found, job),
        "steps": f"{found.steps} of {job.options.batch} scenes, {found.steps_per_epoch} an epoch",
        "time": f"about {clock_text(found.total_s + (runs - 1) * found.steps * found.step_s)}, "
        f"{found.step_s:.2f} s a step{f', {runs} runs' if runs > 1 else ''}",
        "out": str(job.out),
    }
    for name, text in facts.items():
        if rehearsal:
            write_fields(name, text)
        else:
            say(f"{name + ':':<12}{text}")


def _mixtures(found: Estimate, job: TrainingRun) -> str:
    """How many epochs of pairs are fresh, and how often they repeat."""
    epochs = -(-found.steps // found.steps_per_epoch)
    fresh = epochs if job.cache is None else min(job.cache_epochs, epochs)
    text = f"{fresh} epochs of fresh pairs" if fresh > 1 else "1 epoch of fresh pairs"
    if fresh == epochs:
        return f"{text}, none repeats"
    return f"{text} for {epochs}: each repeats {epochs / fresh:.3g} times; --no-cache draws them anew in every epoch"


def _cache(found: Estimate, job: TrainingRun) -> str:
    if job.cache is None:
        return "none: every step goes through the towers"
    built = all(plan.is_built for plan in found.caches)
    state = "there already" if built else f"built in {clock_text(found.build_s)}"
    return f"{found.cache_bytes / 1e9:,.2f} GB in {job.cache}, {job.cache_epochs} epochs of mixtures, {state}"
