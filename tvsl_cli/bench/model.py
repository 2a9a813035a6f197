"""``tvsl bench model``: AudioCLIP's shipped path beside the plain network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvsl_cli.bench.document import JsonOption, write_figures

if TYPE_CHECKING:
    from tvsl_core.model.bench import ModelSpeed


def bench_model(
    *,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to measure with; random ones without it.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or mps.")] = "auto",
    batch: Annotated[int, typer.Option(help="Images, or sounds of 5 s, that go together.")] = 8,
    repeats: Annotated[int, typer.Option(help="Turns; the best of each path counts.")] = 3,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Also measure torch.compile; needs a C++ compiler, and minutes.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure AudioCLIP: images and seconds of sound per second, eager float32 and the shipped paths in one run.

    The ratios are what to compare between machines. Prints one line a figure, tab separated: modality, path, speed,
    ratio to eager float32, least cosine to it, and memory on a GPU.

    Example: tvsl bench model --batch 8
    """
    from tvsl_cli.shared.settings import usage_errors
    from tvsl_cli.shared.terminal import say
    from tvsl_core.model.bench import bench_audioclip
    from tvsl_core.model.load import pick_device

    with usage_errors():
        if batch < 1 or repeats < 1:
            raise ValueError(f"batch and repeats must be at least 1, got {batch} and {repeats}")
    if weights is None:
        say("Measuring with random weights: speed is the same, cosines are not those of a trained model.")
    found = bench_audioclip(
        weights=weights, device=pick_device(device), batch=batch, repeats=repeats, compiled=compiled
    )
    write_figures(lines(found), as_json=as_json, model=found)


def lines(found: Iterable[ModelSpeed]) -> Iterator[str]:
    """One line a path, tab separated."""
    for one in found:
        unit = "images/s" if one.modality == "image" else "audio-s/s"
        memory = () if one.memory_mb is None else (f"{one.memory_mb:.0f} MB",)
        speed, ratio = f"{one.per_second:.2f} {unit}", f"{one.ratio:.2f} x"
        yield "\t".join((one.modality, one.path, speed, ratio, f"cosine {one.cosine:.6f}", *memory))
