"""``tvsl bench``: how fast each part is, measured side by side. Its commands register here."""

from __future__ import annotations

import typer

from tvsl_cli.bench.all import bench_all
from tvsl_cli.bench.annotate import bench_annotate
from tvsl_cli.bench.batch import bench_batch
from tvsl_cli.bench.model import bench_model
from tvsl_cli.bench.train import bench_train

app = typer.Typer(help="Measure how fast each part is on this machine.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure how fast each part is on this machine."""


app.command("all")(bench_all)
app.command("annotate")(bench_annotate)
app.command("batch")(bench_batch)
app.command("model")(bench_model)
app.command("train")(bench_train)
