"""``tvsl models calibrate``: fit the thresholds of detection on held-out material."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tvsl_cli.models_score import DeviceOption, EachOption, MaterialArgument, SourcesOption, split_names


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
    from dataclasses import replace

    from tvsl_cli.terminal import write_fields
    from tvsl_core.media.atomic import write_bytes
    from tvsl_core.model.heads_file import dump_heads, load_heads
    from tvsl_core.model.load import load_model
    from tvsl_core.pipeline.calibrate import calibrate as fit
    from tvsl_core.pipeline.judge import embed_scenes, held_out_pool

    model = load_model(str(heads), device=device)
    pool = held_out_pool(material, split_names(sources))
    scenes = list(embed_scenes(model, pool, each=each, seed=seed))
    fitted = fit(model, scenes, name=f"scenes from {sources}, seed {seed}")
    trained, info = load_heads(heads)
    write_bytes(out, dump_heads(trained, replace(info, calibration=fitted.calibration.as_dict()), half=True))
    for name, value in fitted.figures.items():
        write_fields(name, f"{value:.3f}")
