"""``tvsl bench all``: every figure in one run, with the machine and the versions that they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvsl_cli.bench.document import JsonOption, surroundings, write_figures

if TYPE_CHECKING:
    from tvsl_core.annotate.bench import AnnotateBench


def bench_all(
    videos: Annotated[list[Path], typer.Argument(help="Videos of a minute or more: one of each resolution you have.")],
    *,
    copies: Annotated[int, typer.Option(min=1, help="Copies of the first video that make the batch.")] = 8,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or mps.")] = "auto",
    audioclip: Annotated[bool, typer.Option(help="Also AudioCLIP, and steps of training over it; minutes.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Measure everything in one run: each video's stages and whole, a batch, AudioCLIP, and steps of training.

    What is compared is measured side by side: stages and whole of one video, paths of one network, ways of one step.
    Ends with what a second of video costs, by stage and resolution. AudioCLIP has random weights, as fast as any.

    Example: tvsl bench all sample_videos/cow_and_sheep.mp4 --copies 4 --no-audioclip
    """
    from tvsl_cli.bench import annotate, batch, model, train
    from tvsl_core.model.bench import bench_audioclip, random_towers
    from tvsl_core.model.load import pick_device
    from tvsl_core.training.speed import bench_training

    stages = [annotate.measure(video, device=device) for video in videos]
    batched = batch.measure(videos[0], copies=copies, device=device)
    networks = bench_audioclip(device=pick_device(device)) if audioclip else ()
    steps = bench_training(random_towers(pick_device(device)), batch=8) if audioclip else ()
    parts = [(str(video), annotate.lines(found)) for video, found in zip(videos, stages, strict=True)]
    parts.append((f"{copies} copies of {videos[0]}", batch.lines(batched)))
    if audioclip:
        parts += [("AudioCLIP", model.lines(networks)), ("a step of training", train.lines(steps))]
    parts.append(("seconds for a second of video", _costs(stages)))
    write_figures(_report(parts), as_json=as_json, annotate=stages, batch=batched, model=networks, train=steps)


def _report(parts: Sequence[tuple[str, Iterator[str]]]) -> Iterator[str]:
    """The machine and the versions, then each part under its title."""
    for title, facts in surroundings().items():
        yield f"{title}: " + ", ".join(f"{name} {value}" for name, value in facts.items())
    for title, lines in parts:
        yield from ("", title, *lines)


def _costs(videos: list[AnnotateBench]) -> Iterator[str]:
    """What a second of video costs: a line a stage, a column a resolution."""
    yield f"{'':<22}" + "".join(f"{f'{one.width} x {one.height}':>13}" for one in videos)
    for row in zip(*((*one.stages, one.tables_only, one.pictures_only, one.whole) for one in videos), strict=True):
        yield f"{row[0].stage:<22}" + "".join(f"{1 / one.speed:>13.4f}" for one in row)
