"""Run one evaluation: find the data, score, print, write. Returns the exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tvsl_cli.evaluate.model import SAMPLE_VIDEOS, Answers, model_answers, predict_shard
from tvsl_cli.shared.terminal import say

if TYPE_CHECKING:
    from tvsl_cli.evaluate.request import EvaluateRequest
    from tvsl_core.data.benchmarks.boxes import BoxForm
    from tvsl_core.data.benchmarks.sample import Benchmark
    from tvsl_core.evaluation.protocols import Protocol
    from tvsl_core.evaluation.run import Evaluation
    from tvsl_core.evaluation.scoring import ClassMode

SHOWN = 10
"""So many missing samples are named on the terminal; the JSON names more."""


def run(request: EvaluateRequest) -> int:
    """Do what was asked.

    Raises: TvslError: The data cannot be found or used; the message says what to do.
    """
    if request.compare:
        from tvsl_cli.evaluate.compare import compare_results

        return compare_results(request.compare, request.out, request.table)
    if request.floors:
        return _run_floors(request)
    from dataclasses import replace

    from tvsl_core.evaluation.protocols import find_protocol

    protocol = find_protocol(request.protocol or "strict")
    benchmark = _narrowed(_load(request), request)
    if request.shard is not None:
        return predict_shard(request, benchmark)
    answers = _answers(request, benchmark)
    full_ids = {sample.id for sample in benchmark.samples} | {entry.id for entry in benchmark.refused}
    parts = [benchmark]
    if request.sources:
        parts = [_with_sources(benchmark, number) for number in request.sources]
    evaluations = []
    for part in parts:
        evaluation = _evaluate(request, part, answers, protocol)
        if answers.ids is not None and not request.limit and not request.split:
            evaluation = replace(evaluation, unknown=tuple(sorted(answers.ids - full_ids)))
        evaluations.append(evaluation)
    return _deliver(request, evaluations, answers, parts)


def _evaluate(request: EvaluateRequest, benchmark: Benchmark, answers: Answers, protocol: Protocol) -> Evaluation:
    from tvsl_cli.evaluate.tables import progress
    from tvsl_core.evaluation.run import evaluate

    modes = cast("tuple[ClassMode, ...]", request.modes)
    with progress(benchmark.name) as advanced:
        return evaluate(benchmark, answers.predict, protocol, modes=modes, missing=answers.missing, advanced=advanced)


def _run_floors(request: EvaluateRequest) -> int:
    """Floors under the wanted protocol, or under all; MUSIC-Duet in both of its lists."""
    from tvsl_cli.evaluate.tables import print_floors, print_grid, progress
    from tvsl_core.evaluation.protocols import PROTOCOLS, find_protocol
    from tvsl_core.evaluation.run import evaluate_floors
    from tvsl_core.report.tables import score_grid

    protocols = [find_protocol(request.protocol)] if request.protocol else list(PROTOCOLS.values())
    lists = [_narrowed(_load(request), request)]
    if request.benchmark == "music-duet":
        lists += _other_duet_list(request)
    evaluations = []
    for benchmark in lists:
        done: dict[tuple[object, ...], Evaluation] = {}
        for protocol in protocols:
            arithmetic = (protocol.threshold, protocol.scope, protocol.unit, protocol.ranked, protocol.piap)
            if arithmetic not in done:
                with progress(f"{benchmark.name} {protocol.name}") as advanced:
                    done[arithmetic] = evaluate_floors(benchmark, protocol, advanced=advanced)
            evaluations.append(done[arithmetic].renamed(protocol))
    if request.table is None:
        print_floors(evaluations)
    else:
        print_grid(score_grid(evaluations), request.table)
    _print_left_out(evaluations[0])
    _write_json(request, evaluations)
    if request.out is not None:
        _write_folder(request.out, evaluations, [None] * len(evaluations))
    return 0


def _load(request: EvaluateRequest) -> Benchmark:
    """The benchmark's samples from its annotation files."""
    from tvsl_core.data.benchmarks.catalog import COMPOSED, CUSTOM, annotations_folder, find_entry
    from tvsl_core.errors import InputError

    if request.benchmark == CUSTOM:
        from tvsl_core.data.benchmarks.custom import load_custom

        if request.annotations is None:
            raise InputError(
                "the benchmark 'custom' needs a list.", hint="Name your CSV or COCO file with --annotations FILE."
            )
        return load_custom(request.annotations, form=cast("BoxForm | None", request.box_form))
    if request.benchmark in COMPOSED:
        from tvsl_core.data.benchmarks.composed import compose

        return compose(request.benchmark, request.media or SAMPLE_VIDEOS).benchmark
    entry = find_entry(request.benchmark)
    return entry.load(annotations_folder(entry, request.annotations, request.data))


def _other_duet_list(request: EvaluateRequest) -> list[Benchmark]:
    """The list of MUSIC-Duet that later papers use, when its file is there."""
    from tvsl_core.data.benchmarks.catalog import annotations_folder, find_entry
    from tvsl_core.errors import ManifestError

    entry = find_entry("music-duet-short")
    try:
        return [_narrowed(entry.load(annotations_folder(entry, request.annotations, request.data)), request)]
    except ManifestError:
        say("The shorter list of MUSIC-Duet (music_duet.json) is not there; its floors are left out.")
        return []


def _narrowed(benchmark: Benchmark, request: EvaluateRequest) -> Benchmark:
    """Only the samples that were asked for; warns about test samples that were trained on."""
    from dataclasses import replace

    from tvsl_core.data.benchmarks.select import heard_classes, split_by_classes, spread, trained_on

    if request.training_list is not None:
        shared = trained_on(benchmark, request.training_list)
        if shared:
            say(
                f"Warning: {len(shared)} of {len(benchmark.samples)} test samples of {benchmark.name} hold clips that "
                f"'{request.training_list.name}' trains on, such as {shared[0]}.",
                style="yellow",
            )
    if request.split is not None and request.heard is not None:
        benchmark = split_by_classes(benchmark, heard_classes(request.heard), unheard=request.split == "unheard")
    if request.limit is not None and request.limit < len(benchmark.samples):
        benchmark = replace(benchmark, samples=spread(benchmark.samples, request.limit))
    return benchmark


def _with_sources(benchmark: Benchmark, number: int) -> Benchmark:
    """The samples in which so many classes sound.

    Raises: InputError: There is none.
    """
    from dataclasses import replace

    from tvsl_core.errors import InputError

    samples = tuple(sample for sample in benchmark.samples if len(sample.names) == number)
    if not samples:
        raise InputError(f"{benchmark.name} has no sample with {number} sources.", hint="Choose other --sources.")
    return replace(benchmark, samples=samples, notes=(f"Samples with {number} sources.", *benchmark.notes))


def _answers(request: EvaluateRequest, benchmark: Benchmark) -> Answers:
    """The predictions or the model that is scored."""
    if request.predictions is not None:
        from tvsl_core.data.predictions.read import open_predictions

        found = open_predictions(request.predictions, benchmark.samples)
        return Answers(predict=found.read, ids=found.ids)

    return model_answers(request, benchmark)


def _deliver(
    request: EvaluateRequest, evaluations: Sequence[Evaluation], answers: Answers, parts: Sequence[Benchmark]
) -> int:
    """Print, write, and say by the exit code whether everything was scored."""
    _print_tables(request, evaluations)
    for evaluation in evaluations:
        _print_left_out(evaluation)
    _write_json(request, evaluations)
    if request.out is not None:
        _write_folder(request.out, evaluations, [(answers, part) for part in parts])
    if all(evaluation.complete for evaluation in evaluations):
        return 0
    only_missing = not any(evaluation.unusable or evaluation.unknown for evaluation in evaluations)
    return 0 if request.allow_missing and only_missing else 1


def _print_tables(request: EvaluateRequest, evaluations: Sequence[Evaluation]) -> None:
    """The scores, class by class where that was asked for, on standard output."""
    from tvsl_cli.evaluate.tables import print_evaluation, print_grid
    from tvsl_core.evaluation.classes import per_class_places
    from tvsl_core.report.tables import class_grid, score_grid

    if request.table is None:
        for evaluation in evaluations:
            print_evaluation(evaluation)
    elif not request.per_class:
        print_grid(score_grid(evaluations), request.table)
    for evaluation in evaluations if request.per_class else ():
        places = per_class_places(evaluation.rows, evaluation.floor_rows, evaluation.protocol)
        print_grid(class_grid(evaluation, places), request.table)


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


def _write_json(request: EvaluateRequest, evaluations: Sequence[Evaluation]) -> None:
    if request.json is not None:
        from tvsl_core.report.scores import write_json

        write_json(request.json, _combined(evaluations))


def _combined(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """One document; several lists, protocols or numbers of sources stand under ``evaluations``."""
    import tvsl_core
    from tvsl_core.report.scores import as_json

    version = str(getattr(tvsl_core, "__version__", ""))
    documents = [as_json(evaluation, command=sys.argv[1:], version=version) for evaluation in evaluations]
    whole = dict(documents[0])
    if len(documents) > 1:
        same = [
            one for one in documents if one["benchmark"] == whole["benchmark"] and one["protocol"] != whole["protocol"]
        ]
        for one in same:
            whole["floors"] = {**whole["floors"], **one["floors"]}
            whole["scores"] = {**whole["scores"], **one["scores"]}
        whole["evaluations"] = documents
    return whole


def _write_folder(
    folder: Path, evaluations: Sequence[Evaluation], material: Sequence[tuple[Answers, Benchmark] | None]
) -> None:
    """``scores.json``, ``per_sample.parquet`` and ``index.html``; a folder each when there are several."""
    from tvsl_core.report.page import render_page
    from tvsl_core.report.scores import write_json, write_rows, write_whole

    for number, (evaluation, used) in enumerate(zip(evaluations, material, strict=True)):
        place = folder
        if len(evaluations) > 1:
            place = folder / f"{number + 1:02d}-{evaluation.benchmark}-{evaluation.protocol.name}"
        write_json(place / "scores.json", _combined([evaluation]))
        write_rows(place / "per_sample.parquet", evaluation)
        sheets = {} if used is None else _sheets(evaluation, *used)
        write_whole(place / "index.html", render_page(evaluation, sheets).encode())
        say(f"Wrote {place / 'index.html'}")


def _sheets(evaluation: Evaluation, answers: Answers, benchmark: Benchmark) -> dict[str, list[Any]]:
    """Contact sheets of the last class mode."""
    from tvsl_core.report.thumbnails import draw, pick_rows

    samples = {sample.id: sample for sample in benchmark.samples}
    mode = evaluation.rows[-1].classes if evaluation.rows else ""
    picked = pick_rows([row for row in evaluation.rows if row.classes == mode])
    sheets: dict[str, list[Any]] = {}
    for title, rows in picked.items():
        for row in rows:
            prediction = answers.predict(samples[row.sample])
            if prediction is not None:
                sheets.setdefault(title, []).append(draw(row, samples[row.sample], prediction, answers.frame))
    return sheets
