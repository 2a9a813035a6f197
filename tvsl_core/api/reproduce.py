"""From a recipe to the table of a paper: train, calibrate, score; once for each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev

from tvsl_core.api.calibrate import CalibrateRequest, calibrate_on
from tvsl_core.api.evaluate import EvaluateResult, evaluate
from tvsl_core.api.evaluate_request import EvaluateRequest
from tvsl_core.api.train import TrainingPlan, train
from tvsl_core.errors import InputError
from tvsl_core.evaluation.summary import METRICS
from tvsl_core.report.tables import Cell, Grid, TableFormat, render_table
from tvsl_core.system.files import write_bytes
from tvsl_core.system.progress import OnProgress
from tvsl_core.training.run import Told, Trained

CALIBRATED = "calibrated.safetensors"
TABLES: Mapping[str, TableFormat] = {"md": "markdown", "csv": "csv", "tex": "latex"}
"""Ending of a table's file to its format."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperRequest:
    """What happens to trained heads."""

    evaluate: EvaluateRequest
    """On what they are scored; its model is replaced by them."""
    calibration_scenes: int
    """Scenes of each kind that the scorer of events is fitted on; 0 leaves it out."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class SeedRun:
    """One training, and how its heads were scored."""

    seed: int
    trained: Trained
    result: EvaluateResult | None = None
    """None when nothing was asked after the training."""
    note: str = ""
    """Why it was not calibrated, if it was not."""


def train_seeds(
    plan: TrainingPlan,
    seeds: Sequence[int],
    *,
    paper: PaperRequest | None = None,
    on_event: Told = lambda _event: None,
    progress: OnProgress = lambda _what, _done, _total: None,
) -> tuple[SeedRun, ...]:
    """Train once for each seed of the weights; scenes, split and so the feature cache are the same.

    Args:
        plan: From ``plan_training``.
        seeds: One run each, in ``RUN/seed-N``; none means the plan as it is, in ``RUN``.
        paper: What follows each training.
        on_event: Told of everything that a training does.
        progress: Told of calibration and scoring.

    Returns: Every run. ``RUN/table.md``, ``.csv`` and ``.tex`` hold their scores with mean and deviation, if there are
        several or they were evaluated.

    Raises: TvslError: As ``train`` and ``evaluate``.
    """
    runs = []
    for one in _plans(plan, seeds):
        trained = train(one, on_event=on_event)
        runs.append(_scored(one, trained, paper, progress) if paper else SeedRun(seed=_seed(one), trained=trained))
    if seeds or paper:
        for ending, text in _tables(paper_grids(runs)).items():
            write_bytes(Path(plan.run.out) / f"table.{ending}", text.encode())
    return tuple(runs)


def paper_grids(runs: Sequence[SeedRun]) -> tuple[Grid, ...]:
    """The scores of the validations and, where there are any, of the benchmark beside its floors and the papers'."""
    trained = _grid("Validation", runs, {run.seed: run.trained.scores for run in runs})
    grids = [replace(trained, plain=frozenset(trained.header))] if trained.rows else []
    if runs and runs[0].result is not None:
        for number, evaluation in enumerate(runs[0].result.evaluations):
            unit = f"{evaluation.protocol.unit}s"
            values = {
                run.seed: {
                    f"{score.classes} {score.metric}": score.value
                    for score in run.result.evaluations[number].scores
                    if score.average == unit
                }
                for run in runs
                if run.result is not None
            }
            grids.append(_grid(f"{evaluation.benchmark}, protocol {evaluation.protocol.name}", runs, values))
            reported: list[tuple[Cell, ...]] = [
                (f"reported: {entry.system}", *(entry.values.get(name, float("nan")) / 100 for name in METRICS))
                for entry in evaluation.reported
            ]
            if reported:
                header = ("system", *METRICS)
                grids.append(
                    Grid(title=f"{evaluation.benchmark}, as papers report it", header=header, rows=tuple(reported))
                )
    return tuple(grids)


def _grid(title: str, runs: Sequence[SeedRun], values: Mapping[int, Mapping[str, float]]) -> Grid:
    """One line a score: mean, deviation (of the sample), and the value of every seed."""
    names = dict.fromkeys(name for found in values.values() for name in found)
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        found = [values[run.seed][name] for run in runs if name in values.get(run.seed, {})]
        deviation = stdev(found) if len(found) > 1 else None
        rows.append((name, fmean(found), deviation, len(found), *(values[run.seed].get(name) for run in runs)))
    header = ("score", "mean", "deviation", "runs", *(f"seed {run.seed}" for run in runs))
    return Grid(title=title, header=header, rows=tuple(rows))


def _tables(grids: Sequence[Grid]) -> dict[str, str]:
    return {ending: "\n".join(render_table(grid, form) for grid in grids) for ending, form in TABLES.items()}


def _plans(plan: TrainingPlan, seeds: Sequence[int]) -> list[TrainingPlan]:
    return [
        replace(
            plan,
            run=replace(
                plan.run,
                out=plan.run.out / f"seed-{seed}",
                options=replace(plan.run.options, seed=seed),
                facts={**plan.run.facts, "request": {**plan.run.facts.get("request", {}), "seed": seed}},
            ),
        )
        for seed in seeds
    ] or [plan]


def _seed(plan: TrainingPlan) -> int:
    return plan.run.options.seed


def _scored(plan: TrainingPlan, trained: Trained, paper: PaperRequest, progress: OnProgress) -> SeedRun:
    model, note = trained.heads, "not calibrated, as asked"
    if paper.calibration_scenes and plan.sources.validation is None:
        note = "not calibrated: nothing is held out"
    elif paper.calibration_scenes and plan.sources.validation is not None:
        request = CalibrateRequest(
            heads=trained.heads,
            material="",
            out=plan.run.out / CALIBRATED,
            each=paper.calibration_scenes,
            device=str(plan.device),
        )
        try:
            pools = plan.sources.train.pool, plan.sources.validation.pool
            calibrate_on(*pools, request, sources=plan.sources.held_out, progress=progress)
            model, note = Path(request.out), ""
        except InputError as error:
            note = f"not calibrated: {error}"
    result = evaluate(replace(paper.evaluate, model=model, device=str(plan.device)), progress=progress)
    result.write_report(plan.run.out / "evaluation", command=plan.run.facts.get("command", ()))
    return SeedRun(seed=_seed(plan), trained=trained, result=result, note=note)
