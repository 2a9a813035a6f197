"""``tvsl evaluate``: score maps and boxes on a benchmark, beside what doing nothing would score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    context: typer.Context,
    *,
    benchmark: Annotated[
        str | None,
        typer.Option("--benchmark", "-b", metavar="NAME", help="Which one; 'tvsl datasets list' names them."),
    ] = None,
    annotations: Annotated[
        Path | None,
        typer.Option(
            "--annotations",
            metavar="DIR",
            help="Annotation files (for 'custom' a CSV or COCO file, or results with labels) [TVSL_DATA].",
        ),
    ] = None,
    media: Annotated[
        Path | None, typer.Option("--media", metavar="DIR", help="Frames and sounds, or videos [TVSL_DATA].")
    ] = None,
    model: Annotated[str, typer.Option("--model", metavar="M", help="The model that is scored.")] = "compact",
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="DIR", help="Score these <id>.npz maps, Parquet tables or COCO boxes."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            metavar="P",
            help="strict (default), lvs, ezvsl, avgn, avgn-released, noprior, noprior-frame, alignment or dsol.",
        ),
    ] = None,
    classes: Annotated[
        str, typer.Option("--classes", help="Class names given (oracle), found by the system (predicted), or both.")
    ] = "both",
    floors: Annotated[
        bool, typer.Option("--floors", help="Only what doing nothing scores; needs annotations and no media.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the scores there as JSON.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write scores.json, per_sample.parquet and index.html there."),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="FORMAT", help="Print the tables as csv, latex or markdown."),
    ] = None,
    per_class: Annotated[
        bool, typer.Option("--per-class", help="Print localization class by class (with --table: that alone).")
    ] = False,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", metavar="A B", help="Two folders that --out wrote: differences, intervals and p."),
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--also", metavar="DIR", help="Another result to set against A, on the same page (repeatable)."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Only N samples, spread over the list.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Missing samples are listed, but the exit code stays 0.")
    ] = False,
    save_predictions: Annotated[
        Path | None,
        typer.Option(
            "--save-predictions", metavar="DIR", help="Keep the model's maps as <id>.npz; what is there is not redone."
        ),
    ] = None,
    box_form: Annotated[
        str | None, typer.Option("--box-form", help="How a custom list writes boxes: xyxy or xywh.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="Only samples whose classes were 'heard' in training, or 'unheard'.")
    ] = None,
    heard: Annotated[
        Path | None,
        typer.Option("--heard", metavar="FILE", help="Names of the classes heard in training, one a line."),
    ] = None,
    training_list: Annotated[
        Path | None,
        typer.Option("--training-list", metavar="FILE", help="Ids trained on; warns when test samples are among them."),
    ] = None,
    sources: Annotated[
        str | None, typer.Option("--sources", metavar="1,2,..", help="Only samples with so many sources, a table each.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Processes that predict [a core each, from 200 samples]."),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Only predict the I-th of N parts, into --save-predictions."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Where annotations and media are looked for, if TVSL_DATA is unset."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings of the section [evaluate] in a TOML file.")
    ] = None,
) -> None:
    """Score a model, or anyone's predictions, on a benchmark, beside what doing nothing would score.

    Without --annotations and --media the data are looked for under the folder that TVSL_DATA names, or --data (which
    may stand in the configuration file). Missing samples are listed and counted, never replaced; the exit code is then
    1. The table goes to standard output.

    --compare A B needs no benchmark: it reads two results and draws whole videos, so that a difference comes with a
    95 % interval and p; with --out it writes comparison.html, and --also DIR adds more results to it.

    Example: tvsl evaluate --benchmark vggsound-duet --floors --annotations annotations
    """
    from tvsl_cli.evaluate.request import compared, request_from, table_format
    from tvsl_cli.evaluate.run import run

    del benchmark, annotations, media, model, predictions, protocol, classes, floors, json_file, out, limit
    del workers, shard, table, per_class, compare, also
    del allow_missing, save_predictions, box_form, split, heard, training_list, sources, device, data
    if folders := compared(context):
        from tvsl_cli.evaluate.compare import compare_results

        raise typer.Exit(compare_results(folders, context.params["out"], table_format(context)))
    raise typer.Exit(run(*request_from(context, config)))
