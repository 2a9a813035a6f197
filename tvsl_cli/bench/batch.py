"""``tvsl bench batch``: how many videos a machine annotates at the same time, and what holds it up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvsl_cli.bench.document import JsonOption, write_figures

if TYPE_CHECKING:
    from tvsl_core.batch.bench import BatchBench


def bench_batch(
    video: Annotated[Path, typer.Argument(help="A video like those that you have many of.")],
    *,
    copies: Annotated[int, typer.Option(min=1, help="Copies of it that make the batch.")] = 32,
    workers: Annotated[int, typer.Option(min=0, help="Videos at the same time; 0 is what fits this machine.")] = 0,
    fps: Annotated[float, typer.Option(help="Instants per second that are annotated.")] = 2.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or mps.")] = "auto",
    model: Annotated[str, typer.Option(help="compact, audioclip, or a weights file.")] = "compact",
    batch: Annotated[int, typer.Option(min=1, help="Frames that go through the model together.")] = 8,
    as_json: JsonOption = False,
) -> None:
    """Annotate copies of one video in worker processes, tables only, and watch the processor and the GPU meanwhile.

    Says how many videos, and seconds of video, a second of the clock is good for, and whether the GPU waits for the
    processor or the other way round. Prints one line a figure.

    Example: tvsl bench batch clip.mp4 --copies 200 --device cuda
    """
    found = measure(video, copies=copies, workers=workers, fps=fps, device=device, model=model, batch=batch)
    write_figures(lines(found), as_json=as_json, batch=found)


def measure(
    video: Path,
    *,
    copies: int,
    workers: int = 0,
    fps: float = 2.0,
    device: str,
    model: str = "compact",
    batch: int = 8,
) -> BatchBench:
    """Annotate copies of one video, tables only."""
    from tvsl_core.annotate.options import AnnotateOptions
    from tvsl_core.batch.bench import bench_batch as bench
    from tvsl_core.batch.engines.task import ModelChoice

    options = AnnotateOptions(overlay="none", strips=False, fps=fps, batch=batch)
    return bench(video, ModelChoice(name=model, device=device), options, copies=copies, workers=workers)


def lines(found: BatchBench) -> Iterator[str]:
    """One line a figure."""
    rows = [
        ("videos", f"{found.videos}", f"of {found.video_s:.1f} s, {found.workers} at the same time"),
        ("start", f"{found.start_s:.2f} s", "until the first video began"),
        ("batch", f"{found.elapsed_s:.2f} s", f"{found.clips_per_s:.2f} videos/s, {found.speed:.1f} x real time"),
        ("processor busy", _share(found.cores), "of all cores"),
        ("GPU busy", _share(found.gpu), "" if found.gpu is None else f"idle {1 - found.gpu:.0%}"),
        ("bottleneck", found.bottleneck, ""),
    ]
    for name, value, note in rows:
        yield f"{name:<22}{value:>13}  {note}".rstrip()


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"
