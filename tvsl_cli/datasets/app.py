"""``tvsl datasets``: what there is to score and to train on, what it needs, and whether it is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tvsl_cli.datasets.material import material
from tvsl_cli.datasets.training import SHOWN, check_training, describe_training, fetch_list, list_training, prepare

app = typer.Typer(
    help="Say what each benchmark and training set needs, where to get it, and what is missing.", no_args_is_help=True
)


@app.command("list")
def list_benchmarks() -> None:
    """Name every benchmark that 'tvsl evaluate' knows, and every set that 'tvsl train' knows.

    Example: tvsl datasets list
    """
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.data.benchmarks.catalog import ALIASES, COMPOSED, ENTRIES, EVENTS

    write_line("To score on (tvsl evaluate --benchmark NAME):")
    for entry in ENTRIES.values():
        write_line(f"{entry.name:<28}{entry.about}")
    for alias, name in ALIASES.items():
        write_line(f"{alias:<28}the same as {name}")
    for name in (*COMPOSED, EVENTS):
        write_line(f"{name:<28}composed by recipe from the sample videos; needs no data")
    write_line(f"{'custom':<28}your own list: --annotations FILE.csv or COCO .json, --media DIR")
    write_line("To train on (tvsl train --dataset NAME):")
    list_training()


@app.command()
def describe(name: Annotated[str, typer.Argument(metavar="NAME", help="The benchmark or training set.")]) -> None:
    """Say what a benchmark or training set is, which files it needs, where to get them, and what they get wrong.

    Example: tvsl datasets describe music-duet
    """
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.data.benchmarks.catalog import (
        ALIASES,
        COMPOSED,
        CUSTOM,
        ENTRIES,
        EVENTS,
        data_root,
        find_entry,
        steps_to_get,
    )

    if name in (*COMPOSED, EVENTS):
        write_line(f"{name}: composed by recipe and seed from the sample videos; needs no data and no network.")
        return
    if name == CUSTOM:
        from tvsl_core.data.benchmarks import custom

        for line in f"To score on. {custom.__doc__}\nTo train on.".splitlines():
            write_line(line)
        describe_training(name)
        return
    if describe_training(name):
        if ALIASES.get(name, name) not in ENTRIES:
            return
        write_line("")
    entry = find_entry(name)
    write_line(f"{entry.name}, to score on: {entry.about}")
    write_line(f"Annotation files: {', '.join(entry.files)}")
    write_line(f"  from {entry.annotations_from}")
    write_line(f"Media: {entry.media_from}")
    for trap in entry.traps:
        write_line(f"Take care: {trap}")
    for number, step in enumerate(steps_to_get(entry, data_root()), start=1):
        write_line(f"{number}. {step}")


@app.command()
def check(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The benchmark or training set, or its folder.")],
    root: Annotated[
        Path | None,
        typer.Option("--root", "--media", metavar="DIR", help="Media: audio/ and frames/, or videos/ [TVSL_DATA]."),
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option("--annotations", metavar="DIR", help="Annotation files [TVSL_DATA].")
    ] = None,
    training: Annotated[
        bool, typer.Option("--training", help="The training set, where there is a benchmark too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Check that the annotation files are sound and list the media that are missing.

    The exit code is 1 when anything is missing.

    Example: tvsl datasets check music-duet --root data/music --annotations data/annotations
    """
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.data.benchmarks.catalog import (
        ALIASES,
        ENTRIES,
        annotations_folder,
        data_root,
        find_entry,
        media_folder,
    )
    from tvsl_core.data.benchmarks.layout import check_media
    from tvsl_core.data.training_sets.catalog import OWN, TRAINING

    only_to_train_on = name in OWN or name in TRAINING or Path(name).exists()
    if training or (only_to_train_on and ALIASES.get(name, name) not in ENTRIES):
        raise typer.Exit(0 if check_training(name, root, annotations, as_json=as_json) else 1)

    entry = find_entry(name)
    data = data_root()
    if data is None and annotations is None and root is not None:
        data = root.parent
    benchmark = entry.load(annotations_folder(entry, annotations, data))
    found = check_media(benchmark, media_folder(entry, root, data))
    if as_json:
        facts = {
            "benchmark": benchmark.name,
            "samples": found.samples,
            "usable_samples": found.usable_samples,
            "clips": found.clips,
            "missing": {media.clip: media.lack for media in found.missing},
            "refused": {one.id: one.reason for one in benchmark.refused},
        }
        typer.echo(json.dumps(facts, indent=2))
    else:
        write_line(f"{benchmark.name}: {len(benchmark.samples)} samples, {benchmark.sources} sources, "
                   f"{benchmark.videos} videos, {len(benchmark.classes)} classes")  # fmt: skip
        write_line(
            f"{len(benchmark.refused)} annotations refused, {benchmark.dropped_boxes} boxes without area dropped"
        )
        write_line(f"{found.clips - len(found.missing)} of {found.clips} clips are in '{found.root}', "
                   f"{found.usable_samples} of {found.samples} samples can be scored")  # fmt: skip
        for media in found.missing[:SHOWN]:
            write_line(f"missing: {media.clip} ({media.lack})")
        if len(found.missing) > SHOWN:
            write_line(f"and {len(found.missing) - SHOWN} more; --json lists all")
    raise typer.Exit(1 if found.missing else 0)


app.command()(prepare)
app.command("fetch-list")(fetch_list)
app.command()(material)
