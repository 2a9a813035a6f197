"""``tvsl bench annotate``: every stage of annotation by itself, and what the whole costs beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tvsl_cli.bench.document import JsonOption, write_figures
from tvsl_core.media.write.options import EncodeOptions, Preset

if TYPE_CHECKING:
    from tvsl_core.annotate.bench import AnnotateBench


def bench_annotate(
    video: Annotated[Path, typer.Argument(help="A video, best of a minute or more.")],
    *,
    fps: Annotated[float, typer.Option(help="Instants per second that are annotated.")] = 2.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:N or mps.")] = "auto",
    model: Annotated[str, typer.Option(help="compact, audioclip, or a weights file.")] = "compact",
    batch: Annotated[int, typer.Option(help="Frames that go through the model together.")] = 8,
    preset: Annotated[Preset, typer.Option(help="How long the compressor of the heatmap video thinks.")] = "superfast",
    as_json: JsonOption = False,
) -> None:
    """Measure decode, model, draw and encode by themselves, tables and heatmap video alone, and the whole with both.

    The ratios are what to compare between machines: the whole to the sum of its parts, and to the slowest part.
    Prints one line a figure.

    Example: tvsl bench annotate sample_videos/cow_and_sheep.mp4
    """
    found = measure(video, fps=fps, device=device, model=model, batch=batch, preset=preset)
    write_figures(lines(found), as_json=as_json, annotate=found)


def measure(
    video: Path,
    *,
    fps: float = 2.0,
    device: str,
    model: str = "compact",
    batch: int = 8,
    preset: Preset = "superfast",
) -> AnnotateBench:
    """Load the model as a worker of ``tvsl annotate`` does, and measure one video."""
    from tvsl_core.annotate.bench import bench_annotate as bench
    from tvsl_core.annotate.options import AnnotateOptions
    from tvsl_core.model.load import load_model
    from tvsl_core.model.threads import share_by_pieces

    loaded = load_model(model, device=device)
    share_by_pieces(loaded.towers)  # as a worker of tvsl annotate does
    return bench(video, loaded, AnnotateOptions(fps=fps, batch=batch, encode=EncodeOptions(preset=preset)))


def lines(found: AnnotateBench) -> Iterator[str]:
    """One line a figure."""
    stages = (*found.stages, found.tables_only, found.pictures_only, found.whole)
    rows = [
        ("video", f"{found.video_s:.1f} s", f"{found.width} x {found.height}, {found.frame_rate:.4g} frames/s"),
        *((stage.stage, f"{stage.elapsed_s:.2f} s", f"{stage.speed:.2f} x real time") for stage in stages),
        ("tables / their parts", f"{found.tables_to_sum:.2f}", "decode + model"),
        ("heatmap / its parts", f"{found.pictures_to_sum:.2f}", "decode + draw + encode"),
        ("whole / sum of parts", f"{found.to_sum:.2f}", "decode + model + draw + encode"),
        ("whole / slowest part", f"{found.to_slowest:.2f}", ""),
    ]
    for name, value, note in rows:
        yield f"{name:<22}{value:>10}  {note}".rstrip()
