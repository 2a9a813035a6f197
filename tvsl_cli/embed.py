"""``tvsl embed``: videos and texts become points of one space, for search and clustering."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, cast

import typer

from tvsl_cli.shared import limits


def embed(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="Videos, folders (searched recursively), quoted globs, @list.txt, or - for paths."
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the tables.")] = Path("results"),
    modality: Annotated[str, typer.Option(metavar="A,B", help="image, audio or both.")] = "image,audio",
    text_file: Annotated[
        Path | None, typer.Option("--text-file", metavar="FILE", help="Also embed these texts, one a line.")
    ] = None,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="From one window to the next.")] = 5.0,
    window: Annotated[float, typer.Option(metavar="SECONDS", help="Sound around each instant.")] = 5.0,
    model: Annotated[str, typer.Option(help="compact or audioclip.")] = "compact",
    weights: Annotated[Path | None, typer.Option(metavar="FILE", help="Weights file for the model.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:N.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    batch: Annotated[int, typer.Option(help="Windows that go through the model together.")] = 8,
    max_pixels: limits.MaxPixels = limits.MAX_PIXELS,
    max_duration: limits.MaxDuration = limits.MAX_DURATION,
    max_frames: limits.MaxFrames = limits.MAX_FRAMES,
    max_sample_rate: limits.MaxSampleRate = limits.MAX_SAMPLE_RATE,
    max_channels: limits.MaxChannels = limits.MAX_CHANNELS,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Embed again what is done already.")] = False,
) -> None:
    """Write one row per window of each video, with its picture and its sound as vectors of one joint space.

    Texts of --text-file go into texts.parquet in the same space, so that the nearest windows answer a text. A video
    that fails does not stop the others; the exit code is then 1. What is done with the same settings is skipped.

    Example: tvsl embed sample_videos --out index --text-file queries.txt
    """
    from tvsl_cli.shared.settings import usage_errors
    from tvsl_cli.shared.terminal import say, sentence, write_line
    from tvsl_core.api.embed import EmbedRequest
    from tvsl_core.api.embed import embed as embed_all
    from tvsl_core.batch.inputs import find_videos
    from tvsl_core.model.load import Precision
    from tvsl_core.search.embeddings import EmbeddedTexts, EmbeddedVideo, EmbedOptions, Modality, read_texts

    with usage_errors():
        kinds = tuple(dict.fromkeys(part.strip() for part in modality.split(",") if part.strip()))
        options = EmbedOptions(
            modalities=cast(tuple[Modality, ...], kinds),
            every_s=every,
            window_s=window,
            batch=batch,
            limits=limits.limits_of(max_pixels, max_duration, max_frames, max_sample_rate, max_channels),
        )
        request = EmbedRequest(
            videos=find_videos(inputs, stdin=sys.stdin),
            out=out,
            texts=tuple(read_texts(text_file)) if text_file else (),
            options=options,
            model=model,
            weights=weights,
            device=device,
            precision=cast(Precision, precision),
            overwrite=overwrite,
        )

    def on_event(event: EmbeddedVideo | EmbeddedTexts) -> None:
        if isinstance(event, EmbeddedTexts):
            write_line(str(event.table))
        elif event.status == "failed":
            say(f"{event.video}: {sentence(event.error, event.hint)}", style="red")
        else:
            say(f"{event.video}: {event.windows} windows, {event.status}")
            write_line(str(event.table))

    result = embed_all(request, on_event=on_event)
    raise typer.Exit(1 if result.failed else 0)
