"""The commands, and the order in which the help shows them.

Everything imported here runs before ``tvsl --help`` answers: a command's module imports typer and the standard library
at its top, and everything heavy inside the command's body. To add a command, write one function in one file and list it
below; ``python -m tvsl_cli.manual`` then writes it into docs/commands.md, and a test fails until that is done.
"""

from __future__ import annotations

from typing import Annotated

import typer

from tvsl_cli.annotate.command import annotate
from tvsl_cli.bench.app import app as bench
from tvsl_cli.clips import clips
from tvsl_cli.datasets.app import app as datasets
from tvsl_cli.embed import embed
from tvsl_cli.evaluate.command import evaluate
from tvsl_cli.export import export
from tvsl_cli.info import info
from tvsl_cli.labels import import_labels
from tvsl_cli.merge import merge
from tvsl_cli.models.app import app as models
from tvsl_cli.report import report, view
from tvsl_cli.search import search
from tvsl_cli.status import status
from tvsl_cli.train.command import train
from tvsl_cli.vocabulary import vocabulary

app = typer.Typer(
    name="tvsl",
    help="What is sounding, and where in the picture: text-guided sound source localization for your videos.",
    epilog="Start with: tvsl annotate sample_videos --out results",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        import tvsl_core

        typer.echo(f"tvsl {tvsl_core.__version__}")
        raise typer.Exit


@app.callback()
def tvsl(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """What is sounding, and where in the picture: text-guided sound source localization for your videos."""


app.command()(annotate)
app.command()(merge)
app.command()(report)
app.command()(view)
app.command()(export)
app.command()(search)
app.command()(clips)
app.command("import-labels")(import_labels)
app.command()(status)
app.command()(evaluate)
app.command()(embed)
app.command()(train)
app.add_typer(datasets, name="datasets")
app.command()(vocabulary)
app.command()(info)
app.add_typer(models, name="models")
app.add_typer(bench, name="bench")
