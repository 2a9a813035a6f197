"""A whole training run: features, heads, the loop, and the folder that holds everything that comes of it.

RUN/run.json             what was asked, of which data and weights, with which versions, and how it ended
RUN/metrics.jsonl        one JSON object a line: losses of training and validation
RUN/curves.png, .html    the same, drawn
RUN/heads.safetensors    the best weights so far, as ``tvsl models export`` hands them out
RUN/checkpoints/         everything needed to go on after an interruption
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from tvsl_core.errors import TrainingError, TvslError
from tvsl_core.model.heads import TvslHeads
from tvsl_core.model.heads_file import EarlierHeads, HeadsInfo, dump_heads, load_heads
from tvsl_core.model.learned import LOOKS, SOUNDS
from tvsl_core.system.files import write_bytes, write_error
from tvsl_core.system.versions import versions
from tvsl_core.training.batch import FeatureSource
from tvsl_core.training.checkpoint import Counts, checkpoints, newest_settings
from tvsl_core.training.deterministic import reproducible
from tvsl_core.training.distributed import Group, joined
from tvsl_core.training.features.cache_build import CacheProgress
from tvsl_core.training.fit import Event, Fit, fit
from tvsl_core.training.prepare import begin_heads, covered, features_of, make_objective, read_heads
from tvsl_core.training.record.curves import draw_curves
from tvsl_core.training.record.log import differences, flat_settings, read_metrics, read_run, write_run
from tvsl_core.training.record.loggers import logging_to
from tvsl_core.training.training_run import TrainingRun
from tvsl_core.training.validate import SCORES
from tvsl_core.types import AnyPath

HEADS = "heads.safetensors"

Told = Callable[[CacheProgress | Event], None]


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
    scores: Mapping[str, float]
    """Of the validation that the best weights had: ``loss``, ``heard``, ``exact``, and ``placed`` where places are
    known; empty without validation."""


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
    with joined(device) as group, reproducible(run.options.deterministic):
        if group.is_first:
            _refuse_another(run)
        job, heads, problems = _prepare(run, device, group, tell if group.is_first else lambda event: None)
        facts = _facts(run, job)
        followed = run.loggers if group.is_first else ()
        try:
            _write(run, group, facts | {"status": "running"})
            with logging_to(followed, run.out, flat_settings(_asked(run))) as log:
                counts = fit(heads, replace(job, listener=_both(job.listener, log)))
        except (TvslError, KeyboardInterrupt) as error:
            _write(run, group, facts | {"status": "failed", "error": str(error) or type(error).__name__}, late=True)
            raise
        elapsed_s = time.monotonic() - began_s
        ended = {"status": "done", "step": counts.step, "best": counts.best, "best_step": counts.best_step}
        _write(run, group, facts | ended | {"elapsed_s": round(elapsed_s, 1), "problems": list(problems)})
    return Trained(
        heads=run.out / HEADS,
        counts=counts,
        steps=job.steps,
        elapsed_s=elapsed_s,
        problems=problems,
        scores=_best_scores(run.out, counts),
    )


def _both(first: Callable[[Event], None], second: Callable[[Event], None]) -> Callable[[Event], None]:
    def tell(event: Event) -> None:
        first(event)
        second(event)

    return tell


def _best_scores(out: Path, counts: Counts) -> dict[str, float]:
    looks = [line for line in read_metrics(out) if line["kind"] == "validation" and line["step"] == counts.best_step]
    return {name: looks[-1][name] for name in ("loss", *SCORES) if name in looks[-1]} if looks else {}


def _refuse_another(run: TrainingRun) -> None:
    """Raises: TrainingError: The folder holds a run with other settings; it says which."""
    saved = newest_settings(run.out)
    if saved is None or saved == run.settings():
        return
    other = differences(read_run(run.out), _asked(run))
    named = "; ".join(f"{name} was {_shown(old)} and is {_shown(new)}" for name, (old, new) in list(other.items())[:5])
    raise TrainingError(
        f"{run.out} holds a run with other settings: {named or 'its data, towers or heads have changed since'}.",
        hint="Continue it with the same ones (--resume), name another folder (--out), or begin from its weights: "
        f"--init {run.out / HEADS} --out NEW.",
    )


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)


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


def _keep(
    run: TrainingRun, best: TvslHeads, counts: Counts, text: torch.Tensor, sides: Mapping[str, list[str]]
) -> None:
    calibration, details, earlier = None, {}, None
    if run.extended and run.init is not None:
        first, before = read_heads(run.init)
        calibration, details = before.calibration, dict(before.details)
        earlier = before.earlier or EarlierHeads(first, len(before.classes))
        best = best.towards(first, run.options.init_share)
        sides = {key: [*details.get(key, before.classes), *names] for key, names in sides.items()}
    info = HeadsInfo(
        towers=run.towers.name,
        towers_sha256=run.towers.weights_sha256,
        classes=run.classes,
        text=text,
        trained_on=str(run.facts.get("dataset", "")),
        calibration=calibration,
        details={
            **details,
            "held_out": run.facts.get("held_out", []),
            "step": counts.step,
            "validation_loss": counts.best if run.validation is not None else None,
            "options": run.options.to_dict(),
            **sides,
        },
        earlier=earlier,
    )
    write_bytes(run.out / HEADS, dump_heads(best, info))


def _hear(run: TrainingRun, event: Event, tell: Told) -> None:
    if event.kind == "checkpoint":
        draw_curves(run.out)
    tell(event)


def _asked(run: TrainingRun) -> dict[str, Any]:
    return {**run.facts, "options": run.options.to_dict()}


def _facts(run: TrainingRun, job: Fit) -> dict[str, Any]:
    return {
        **_asked(run),
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
