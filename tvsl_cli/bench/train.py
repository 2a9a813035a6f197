"""``tvsl bench train``: steps of training from the feature cache beside steps through the towers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvsl_cli.bench.document import JsonOption, write_figures

if TYPE_CHECKING:
    from tvsl_core.training.speed import StepSpeed


def bench_train(
    *,
    model: Annotated[str, typer.Option(metavar="compact|audioclip", help="Over which towers.")] = "audioclip",
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Their weights; AudioCLIP takes random ones without it.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or mps.")] = "auto",
    batch: Annotated[int, typer.Option(help="Scenes of a step.")] = 64,
    repeats: Annotated[int, typer.Option(help="Turns; the best of each way counts.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Measure whole steps of training, through the frozen towers and from the feature cache, in one run.

    Scenes are noise, two objects on 448 x 224 pixels with 5 s of sound: nothing has to be decoded, which flatters the
    way through the towers. Prints one line a way, tab separated: way, seconds a step, scenes per second, ratio.

    Example: tvsl bench train --model audioclip --batch 64
    """
    from tvsl_cli.shared.settings import usage_errors
    from tvsl_cli.shared.terminal import say
    from tvsl_core.model.load import load_towers, pick_device
    from tvsl_core.model.towers import require_trainable
    from tvsl_core.training.speed import bench_training

    with usage_errors():
        if batch < 1 or repeats < 1:
            raise ValueError(f"batch and repeats must be at least 1, got {batch} and {repeats}")
    if model == "audioclip" and weights is None:
        from tvsl_core.model.bench import random_towers

        say("Measuring with random weights: speed is the same.")
        towers = random_towers(pick_device(device))
    else:
        towers = require_trainable(load_towers(model, weights=weights, device=device))
    found = bench_training(towers, batch=batch, repeats=repeats)
    write_figures(lines(found), as_json=as_json, train=found)


def lines(found: Iterable[StepSpeed]) -> Iterator[str]:
    """One line a way, tab separated."""
    for one in found:
        yield "\t".join((one.way, f"{one.seconds:.3f} s", f"{one.scenes_per_s:.1f} scenes/s", f"{one.ratio:.1f} x"))
