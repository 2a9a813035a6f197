"""``tvsl models calibrate``: fit the scorer of events on held-out material."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvsl_cli.models.score import DeviceOption, EachOption, MaterialArgument, SourcesOption, split_names


def calibrate(
    heads: Annotated[Path, typer.Argument(help="Trained heads, from `tvsl models export`.")],
    material: MaterialArgument,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the calibrated heads go.")],
    sources: SourcesOption = "",
    each: EachOption = 150,
    seed: Annotated[int, typer.Option(metavar="N", help="Not that of `tvsl models score`.")] = 5,
    device: DeviceOption = "auto",
) -> None:
    """Fit what judges events on long scenes from held-out material, and store it with the heads.

    Prints how far its scores can be believed, on events that it was not fitted on: how many, their mean score, the
    share that is right, expected calibration error, Brier score and AUROC; then the reliability table, a line a range
    of scores. Score it on others: tvsl models score.

    Example: tvsl models calibrate my.safetensors material --out calibrated.safetensors
    """
    from tvsl_cli.shared.terminal import write_fields
    from tvsl_core.api.calibrate import CalibrateRequest
    from tvsl_core.api.calibrate import calibrate as fit

    request = CalibrateRequest(
        heads=heads, material=material, out=out, sources=split_names(sources), each=each, seed=seed, device=device
    )
    told = fit(request).certainty
    write_fields("events", f"n={told.count}")
    for name, value in (
        ("mean score", told.mean_score),
        ("share right", told.share_right),
        ("calibration error", told.calibration_error),
        ("brier", told.brier),
        ("auroc", told.auroc),
    ):
        write_fields(name, f"{value:.3f}")
    for one in told.reliability:
        write_fields(f"score {one.low:.1f}-{one.high:.1f}", f"{one.share_right:.3f}", f"n={one.count}")
