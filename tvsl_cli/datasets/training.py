"""The training half of ``tvsl datasets``: what can be learned from, whether it is there, and cutting it from videos."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tvsl_core.data.training_sets.prepare import PrepareReport
    from tvsl_core.data.training_sets.sets import TrainingSet

SHOWN = 20
"""So many missing clips are named; ``--json`` names all."""


def prepare(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The list whose clips are cut.")],
    *,
    videos: Annotated[Path, typer.Option("--videos", metavar="DIR", help="Videos, called by clip or video id.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Gets frames/<id>.jpg and audio/<id>.wav.")],
    annotations: Annotated[
        Path | None, typer.Option("--annotations", metavar="PATH", help="Annotation files [TVSL_DATA].")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes [one per core].")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="The clips to score on, where a list has both kinds.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
) -> None:
    """Cut the centre frame and 5 s of sound of every listed clip from your videos.

    Videos are looked for at any depth, by the clip's id or by the id of the whole video. The same command again goes
    on where it stopped. What failed is said here and in OUT/prepare.json; the exit code is then 1.

    Example: tvsl datasets prepare vggsound-instruments --videos videos --out data/vggsound
    """
    import os

    from tvsl_cli.shared.terminal import say
    from tvsl_core.data.training_sets import prepare as library
    from tvsl_core.data.training_sets.wanted import find_wanted
    from tvsl_core.system.results import find_results, passed_over

    wanted = find_wanted(name, annotations=annotations, videos=videos, test=test)
    if note := passed_over(find_results(videos)):
        say(note)
    with bar(f"Cutting {name}") as progress:
        report = library.prepare(
            name, wanted, videos, out, workers=workers or os.cpu_count() or 1, on_progress=progress
        )
    _say_report(report, out, as_json=as_json)
    raise typer.Exit(0 if report.is_complete else 1)


def fetch_list(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The benchmark or training list.")],
    *,
    form: Annotated[
        str, typer.Option("--format", metavar="csv|yt-dlp", help="A table, or lines of arguments.")
    ] = "csv",
    root: Annotated[
        Path | None, typer.Option("--root", "--media", metavar="DIR", help="Media that are there already [TVSL_DATA].")
    ] = None,
    annotations: Annotated[
        Path | None, typer.Option("--annotations", metavar="PATH", help="Annotation files [TVSL_DATA].")
    ] = None,
    test: Annotated[bool, typer.Option("--test", help="The clips to score on, where a list has both kinds.")] = False,
) -> None:
    """Write address, start and end of every listed clip whose media are not there, for your own downloader.

    Nothing is downloaded. csv has id, url, start_s, end_s; yt-dlp has one line of arguments a clip, whose files 'tvsl
    datasets prepare' then cuts.

    Example: tvsl datasets fetch-list vggsound-single --format yt-dlp | xargs -L1 yt-dlp --paths videos
    """
    from tvsl_cli.shared.terminal import say, write_line
    from tvsl_core.data.benchmarks.catalog import ALIASES, ENTRIES, data_root, find_entry
    from tvsl_core.data.training_sets.catalog import CUSTOM, TRAINING, find_training_entry
    from tvsl_core.data.training_sets.fetch import FETCH_FORMATS, missing_clips, render_fetch_list
    from tvsl_core.data.training_sets.wanted import find_wanted
    from tvsl_core.errors import InputError

    if form not in FETCH_FORMATS:
        say(f"--format is csv or yt-dlp, got '{form}'.")
        raise typer.Exit(2)
    if name == CUSTOM:
        raise InputError("your own videos are there already; nothing is to be fetched.", hint="Name a published list.")
    to_score = test or (ALIASES.get(name, name) in ENTRIES and name not in TRAINING)
    entry = find_entry(name) if to_score else find_training_entry(name)
    data = data_root()
    wanted = find_wanted(name, annotations=annotations, videos=Path(), test=test)
    found = missing_clips(wanted, root or (None if data is None else data / entry.family))
    for line in render_fetch_list(found.items, form).splitlines():
        write_line(line)
    say(f"{len(found.items)} of {found.clips} clips of {name} are to be fetched.")
    if found.unknown:
        say(f"{len(found.unknown)} missing clips name no video, such as {found.unknown[0]}: see {entry.media_from}.")


def _say_report(report: PrepareReport, out: Path, *, as_json: bool) -> None:
    from dataclasses import asdict

    from tvsl_cli.shared.terminal import say, write_line
    from tvsl_core.data.training_sets.prepare import REPORT

    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2))
        return
    write_line(f"{report.name}: {report.done} of {report.clips} clips cut now, {report.there} were there, "
               f"{len(report.missing)} have no video, {len(report.failed)} failed")  # fmt: skip
    for failure in report.failed[:SHOWN]:
        say(f"failed: {failure.id}: {failure.reason}")
    for clip in report.missing[:SHOWN]:
        say(f"no video: {clip}")
    if not report.is_complete:
        say(f"All of them stand in {out / REPORT}.")


def list_training() -> None:
    """Name every training set, one a line."""
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.data.training_sets.catalog import OWN, TRAINING

    for entry in TRAINING.values():
        write_line(f"{entry.name:<28}{entry.about}")
    for name, about in OWN.items():
        write_line(f"{name:<28}{about}")


def describe_training(name: str) -> bool:
    """Say what a training set is and needs; False when there is none of this name."""
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.data.benchmarks.catalog import data_root, steps_to_get
    from tvsl_core.data.material import folder as material_folder
    from tvsl_core.data.training_sets import custom, samples
    from tvsl_core.data.training_sets.catalog import COMPOSED, CUSTOM, TRAINING

    own = {COMPOSED: material_folder, CUSTOM: custom, samples.SAMPLES: samples}
    if name in own:
        for line in (own[name].__doc__ or "").splitlines():
            write_line(line)
        return True
    entry = TRAINING.get(name)
    if entry is None:
        return False
    write_line(f"{entry.name}, to train on: {entry.about}")
    write_line(f"Annotation files: {', '.join(entry.files)}")
    write_line(f"  from {entry.annotations_from}")
    write_line(f"Media: {entry.media_from}")
    for trap in entry.traps:
        write_line(f"Take care: {trap}")
    for number, step in enumerate(steps_to_get(entry, data_root()), start=1):
        write_line(f"{number}. {step}")
    return True


def check_training(name: str, root: Path | None, annotations: Path | None, *, as_json: bool) -> bool:
    """Say what of a training set is there; whether all of it is."""
    from tvsl_cli.shared.terminal import say, write_line
    from tvsl_core.data.benchmarks.catalog import data_root
    from tvsl_core.data.training_sets.sets import load_training_set

    data = data_root()
    if data is None and annotations is None and root is not None:
        data = root.parent
    with bar(f"Checking {name}") as progress:
        found = load_training_set(name, annotations=annotations, media=root, root=data, on_progress=progress)
    if as_json:
        typer.echo(json.dumps(_facts(found), indent=2))
        return not (found.missing or found.skipped)
    pool = found.pool
    write_line(f"{found.name}: {len(pool.pictures)} pictures and {len(pool.sounds)} sounds of {len(found.classes)} "
               f"classes from {len(pool.groups)} groups")  # fmt: skip
    if pool.backgrounds or pool.others:
        write_line(f"{len(pool.backgrounds)} backgrounds, {len(pool.others)} other sounds")
    for note in found.notes:
        say(note)
    for media in found.missing[:SHOWN]:
        write_line(f"missing: {media.clip} ({media.lack})")
    for skipped in found.skipped[:SHOWN]:
        write_line(f"skipped: {skipped.label} ({skipped.reason})")
    if max(len(found.missing), len(found.skipped)) > SHOWN:
        write_line("and more; --json lists all")
    return not (found.missing or found.skipped)


def _facts(found: TrainingSet) -> dict[str, object]:
    return {
        "training_set": found.name,
        "classes": list(found.classes),
        "pictures": len(found.pool.pictures),
        "sounds": len(found.pool.sounds),
        "groups": len(found.pool.groups),
        "missing": {media.clip: media.lack for media in found.missing},
        "skipped": {one.label: one.reason for one in found.skipped},
        "notes": list(found.notes),
    }


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error with the time left; nothing when it is not a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from tvsl_cli.shared.terminal import console

    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(), transient=True, disable=not console().is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance
