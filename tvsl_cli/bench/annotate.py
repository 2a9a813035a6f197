"""``tvsl bench annotate``: every stage of annotation by itself, and what the whole costs beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bench_annotate(
    video: Annotated[Path, typer.Argument(help="A video, best of a minute or more.")],
    fps: Annotated[float, typer.Option(help="Instants per second that are annotated.")] = 2.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or mps.")] = "auto",
    model: Annotated[str, typer.Option(help="compact, audioclip, or a weights file.")] = "compact",
    batch: Annotated[int, typer.Option(help="Frames that go through the model together.")] = 8,
) -> None:
    """Measure bare decode, bare model, bare encode, the tables alone, and the whole with one heatmap video.

    The ratios are what to compare between machines: the whole to the sum of its parts, and to the slowest part.
    Prints one line a figure.

    Example: tvsl bench annotate sample_videos/cow_and_sheep.mp4
    """
    from tvsl_cli.shared.terminal import write_line
    from tvsl_core.annotate.bench import bench_annotate as measure
    from tvsl_core.annotate.options import AnnotateOptions
    from tvsl_core.model.load import load_model

    found = measure(video, load_model(model, device=device), AnnotateOptions(fps=fps, batch=batch))
    stages = (*found.stages, found.tables_only, found.whole)
    rows = [
        ("video", f"{found.video_s:.1f} s", ""),
        *((stage.stage, f"{stage.elapsed_s:.2f} s", f"{stage.speed:.2f} x real time") for stage in stages),
        ("whole / sum of parts", f"{found.to_sum:.2f}", "decode + model + encode"),
        ("whole / slowest part", f"{found.to_slowest:.2f}", ""),
    ]
    for name, value, note in rows:
        write_line(f"{name:<22}{value:>10}  {note}".rstrip())
