"""Run one evaluation: ask the library, print, write. Returns the exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tvsl_cli.shared.terminal import say

if TYPE_CHECKING:
    from tvsl_cli.evaluate.request import EvaluateOutput
    from tvsl_core.api.evaluate import EvaluateResult
    from tvsl_core.api.evaluate_request import EvaluateRequest
    from tvsl_core.evaluation.run import Evaluation

SHOWN = 10
"""So many missing samples are named on the terminal; the JSON names more."""


def run(request: EvaluateRequest, output: EvaluateOutput) -> int:
    """Do what was asked.

    Raises: TvslError: The data cannot be found or used; the message says what to do.
    """
    from tvsl_cli.evaluate.tables import progress
    from tvsl_core.api.evaluate import evaluate

    if output.shard is not None:
        return _run_shard(request, output, *output.shard)
    with progress() as advance:
        result = evaluate(request, progress=advance)
    for warning in result.warnings:
        say(f"Warning: {warning}", style="yellow")
    _print_tables(request, output, result)
    for evaluation in result.evaluations[:1] if request.floors else result.evaluations:
        _print_left_out(evaluation)
    command = sys.argv[1:]
    if output.json is not None:
        result.write_json(output.json, command=command)
    if output.out is not None:
        for page in result.write_report(output.out, command=command):
            say(f"Wrote {page}")
    return 0 if request.floors else _exit_code(result, allow_missing=output.allow_missing)


def _exit_code(result: EvaluateResult, *, allow_missing: bool) -> int:
    """Whether everything was scored."""
    return 0 if result.complete or (allow_missing and result.only_missing) else 1


def _print_tables(request: EvaluateRequest, output: EvaluateOutput, result: EvaluateResult) -> None:
    """The scores, class by class where that was asked for, on standard output."""
    from tvsl_cli.evaluate.tables import print_evaluation, print_floors, print_grid
    from tvsl_core.evaluation.classes import per_class_places
    from tvsl_core.report.tables import class_grid, score_grid, timing_grid

    if result.evaluations[0].timing:
        print_grid(timing_grid(result.evaluations[0]), output.table)
    elif output.table is not None and not output.per_class:
        print_grid(score_grid(result.evaluations), output.table)
    elif output.table is None and request.floors:
        print_floors(result.evaluations)
    elif output.table is None:
        for evaluation in result.evaluations:
            print_evaluation(evaluation)
    for evaluation in result.evaluations if output.per_class else ():
        places = per_class_places(evaluation.rows, evaluation.floor_rows, evaluation.protocol)
        print_grid(class_grid(evaluation, places), output.table)


def _run_shard(request: EvaluateRequest, output: EvaluateOutput, index: int, count: int) -> int:
    """Predict one part of the samples. Returns the exit code."""
    from tvsl_cli.evaluate.tables import progress
    from tvsl_core.api.evaluate import predict_shard

    with progress() as advance:
        found = predict_shard(request, index, count, progress=advance)
    say(
        f"Shard {index}/{count}: {found.done} predicted now, {found.there} were there, {len(found.missing)} lack their "
        f"media, {len(found.failed)} failed. Score all with the same command without --shard."
    )
    for identity, problem in found.failed[:SHOWN]:
        say(f"  {identity}: {problem}")
    return 1 if found.failed or (found.missing and not output.allow_missing) else 0


def _print_left_out(evaluation: Evaluation) -> None:
    """List and count what was not scored."""
    for words, problems in (("missing", evaluation.missing), ("unusable", evaluation.unusable)):
        if problems:
            say(f"{len(problems)} samples are {words} and were not scored:", style="yellow")
            for problem in problems[:SHOWN]:
                say(f"  {problem.id}: {problem.reason}")
            if len(problems) > SHOWN:
                say(f"  and {len(problems) - SHOWN} more (scores.json lists them)")
    if evaluation.unknown:
        names = ", ".join(evaluation.unknown[:SHOWN])
        say(
            f"{len(evaluation.unknown)} predictions are for ids that the benchmark does not hold: {names}.",
            style="yellow",
        )
    if evaluation.refused:
        say(f"{len(evaluation.refused)} annotations were refused, the first: "
            f"{evaluation.refused[0].id}, {evaluation.refused[0].reason}.")  # fmt: skip
    if evaluation.dropped_boxes:
        say(f"{evaluation.dropped_boxes} boxes without area were dropped.")
    for note in evaluation.notes:
        say(f"Note: {note}")
