"""``tvsl models calibrate``: fit the thresholds of detection on held-out material."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tvsl_core.model.heads import TvslHeads
    from tvsl_core.model.heads_file import HeadsInfo

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
    from dataclasses import replace

    from tvsl_cli.shared.terminal import write_fields
    from tvsl_core.model.heads_file import load_heads
    from tvsl_core.model.load import load_model
    from tvsl_core.tuning.fit import calibrate as fit
    from tvsl_core.tuning.fit import support_of
    from tvsl_core.tuning.scenes import embed_scenes, split_material

    learned_from, held_out = split_material(material, split_names(sources))
    trained, info = load_heads(heads)
    supported = replace(info, details={**info.details, **support_of(learned_from)})
    model = load_model(dump_to(out, trained, supported), device=device)
    scenes = list(embed_scenes(model, held_out, each=each, seed=seed))
    fitted = fit(model, scenes, name=f"scenes from {sources}, seed {seed}")
    dump_to(out, trained, replace(supported, calibration=fitted.calibration.as_dict()))
    for name, value in fitted.figures.items():
        write_fields(name, f"{value:.3f}")


def dump_to(out: Path, heads: TvslHeads, info: HeadsInfo) -> str:
    """Write heads as a file; its path."""
    from tvsl_core.model.heads_file import dump_heads
    from tvsl_core.system.files import write_bytes

    write_bytes(out, dump_heads(heads, info, half=True))
    return str(out)
