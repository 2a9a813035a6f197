"""``tvsl models calibrate``: fit the thresholds of detection on held-out material."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvsl_cli.models.score import DeviceOption, EachOption, MaterialArgument, SourcesOption, split_names


def calibrate(
    heads: Annotated[Path, typer.Argument(help="Trained heads, from `tvsl models export`.")],
    material: MaterialArgument,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the calibrated heads go.")],
    sources: SourcesOption = "tonejs,musescore,gcompris,heldout",
    each: EachOption = 150,
    seed: Annotated[int, typer.Option(metavar="N", help="Not that of `tvsl models score`.")] = 5,
    device: DeviceOption = "auto",
) -> None:
    """Fit the thresholds of detection on scenes from held-out material, and store them with the heads.

    Prints one line a figure: what it reaches on the scenes that it was fitted on, which flatters it a little. Score it
    on others: tvsl models score.

    Example: tvsl models calibrate my.safetensors material --out calibrated.safetensors
    """
    from tvsl_cli.shared.terminal import write_fields
    from tvsl_core.api.calibrate import CalibrateRequest
    from tvsl_core.api.calibrate import calibrate as fit

    request = CalibrateRequest(
        heads=heads, material=material, out=out, sources=split_names(sources), each=each, seed=seed, device=device
    )
    for name, value in fit(request).figures.items():
        write_fields(name, f"{value:.3f}")
