"""``tvsl annotate``: videos in; heatmap videos, tables and thumbnails out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tvsl_cli.shared import config_file as kinds
from tvsl_cli.shared import limits
from tvsl_core.annotate.options import AnnotateOptions, Overlay, QueueOptions, TimeLimits

KEYS: dict[str, kinds.Converter] = {
    "out": kinds.path,
    "classes": kinds.names,
    "vocabulary": kinds.path,
    "min-score": kinds.number,
    "max-sources": kinds.whole,
    "fps": kinds.number,
    "window": kinds.number,
    "start": kinds.seconds,
    "end": kinds.seconds,
    "audio-track": kinds.whole,
    "overlay": kinds.one_of("sources", "combined", "none"),
    "save-maps": kinds.flag,
    "overwrite": kinds.flag,
    "retry-failed": kinds.flag,
    "fail-fast": kinds.flag,
    "max-failures": kinds.whole,
    "timeout": kinds.number,
    "model": kinds.text,
    "device": kinds.text,
    "precision": kinds.text,
    "batch": kinds.whole,
    "workers": kinds.whole,
    "shard": kinds.text,
    "engine": kinds.one_of("local", "ray"),
    "address": kinds.text,
    "log-file": kinds.path,
    **limits.LIMIT_KEYS,
}
"""What the section [annotate] of a configuration file may set: option name to the kind of its value."""

_WHAT, _WHEN, _HOW, _OUT, _SAY = "What to look for", "Which part", "Model and speed", "Results", "Messages"
_MANY = "Many videos"
_PRECISIONS = ("auto", "fp32", "bf16")
_DEFAULTS = AnnotateOptions()


def _moment(value: str) -> float:
    try:
        return kinds.seconds(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _class_names(value: str) -> tuple[str, ...]:
    try:
        return kinds.names(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def annotate(
    context: typer.Context,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT",
            help="Videos or sound files, folders (searched recursively), quoted globs, @list.txt, or - for paths on "
            "standard input.",
        ),
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder for the results.", rich_help_panel=_OUT)
    ] = Path("results"),
    overlay: Annotated[
        Overlay,
        typer.Option(
            help="sources: one heatmap video per source; combined: one video, a colour per source; none: tables only.",
            rich_help_panel=_OUT,
        ),
    ] = _DEFAULTS.overlay,
    save_maps: Annotated[
        bool, typer.Option("--save-maps", help="Store every localization map in the table.", rich_help_panel=_OUT)
    ] = _DEFAULTS.save_maps,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Annotate again what is already done with the same settings.", rich_help_panel=_OUT
        ),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Try again also videos that failed before with the same settings and have not changed. Without it "
            "they stay failed, unless the trouble lay outside of them, such as a full disk.",
            rich_help_panel=_MANY,
        ),
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first video that fails.", rich_help_panel=_MANY)
    ] = False,
    max_failures: Annotated[
        int | None, typer.Option(metavar="N", help="Stop when so many videos have failed.", rich_help_panel=_MANY)
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="Give up a video that makes no progress for so long, or takes longer than that plus 100 times its own "
            "length to be annotated or drawn; 0 never does.",
            rich_help_panel=_MANY,
        ),
    ] = 300.0,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl",
            help="Print every source row as one JSON object a line, instead of one line per written table.",
            rich_help_panel=_OUT,
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.", rich_help_panel=_OUT)
    ] = False,
    classes: Annotated[
        Any,
        typer.Option(
            parser=_class_names,
            metavar="A,B",
            help="Look only for these classes; `tvsl vocabulary` lists them.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Class names to use instead of the default ones.", rich_help_panel=_WHAT),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE",
            help="Least score that is reported, 0 to 1; by default the threshold that the model was calibrated with.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    max_sources: Annotated[
        int, typer.Option(metavar="N", help="At most so many sources at one instant.", rich_help_panel=_WHAT)
    ] = _DEFAULTS.max_sources,
    fps: Annotated[
        float, typer.Option(metavar="RATE", help="Instants annotated per second of video.", rich_help_panel=_WHEN)
    ] = _DEFAULTS.fps,
    window: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="Sound around each instant that is listened to.", rich_help_panel=_WHEN),
    ] = _DEFAULTS.window_s,
    start: Annotated[
        Any,
        typer.Option(
            parser=_moment, metavar="TIME", help="Begin here: seconds or [hh:]mm:ss[.f].", rich_help_panel=_WHEN
        ),
    ] = None,
    end: Annotated[
        Any,
        typer.Option(
            parser=_moment, metavar="TIME", help="Stop here: seconds or [hh:]mm:ss[.f].", rich_help_panel=_WHEN
        ),
    ] = None,
    audio_track: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Audio stream to listen to, from 0; by default the default-flagged one, else the first.",
            rich_help_panel=_WHEN,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(metavar="NAME", help="Model name, or the path of a weights file.", rich_help_panel=_HOW),
    ] = "compact",
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda:N|mps", help="Where the model runs.", rich_help_panel=_HOW)
    ] = "auto",
    precision: Annotated[
        str,
        typer.Option(
            metavar="auto|fp32|bf16", help="Number format of the model; auto is the exact one.", rich_help_panel=_HOW
        ),
    ] = "auto",
    batch: Annotated[
        int, typer.Option(metavar="N", help="Frames that go through the model together.", rich_help_panel=_HOW)
    ] = _DEFAULTS.batch,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Videos that are annotated side by side, each in a process of its own with its share of the cores; 0 "
            "is as many as this machine is good for.",
            rich_help_panel=_MANY,
        ),
    ] = 0,
    shard: Annotated[
        str,
        typer.Option(
            metavar="I/N",
            help="Only the I-th of N shares of the videos, from 1/N to N/N, for N machines that run the same command; "
            "auto: in a Slurm job array the share of this task, else everything; all: everything.",
            rich_help_panel=_HOW,
        ),
    ] = "auto",
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(
            help="local: worker processes of this machine; ray: actors of a Ray cluster (pip install 'tvsl[ray]').",
            rich_help_panel=_HOW,
        ),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Ray cluster to use, auto for the one on this machine; by default one is started for this run.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    max_pixels: limits.MaxPixels = limits.MAX_PIXELS,
    max_duration: limits.MaxDuration = limits.MAX_DURATION,
    max_frames: limits.MaxFrames = limits.MAX_FRAMES,
    max_sample_rate: limits.MaxSampleRate = limits.MAX_SAMPLE_RATE,
    max_channels: limits.MaxChannels = limits.MAX_CHANNELS,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="Settings from the section [annotate] of this file; the command line wins.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more on the terminal.", rich_help_panel=_SAY)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say only what went wrong.", rich_help_panel=_SAY)
    ] = False,
    log_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append everything, with times, to this file.", rich_help_panel=_SAY),
    ] = None,
) -> None:
    """Mark every sound source in each video: which class sounds, when, and where in the picture.

    A video that fails, crashes its decoder or hangs does not stop the others; the exit code is then 1. What is already
    done with the same settings is skipped, so an interrupted run continues when the command is given again, and several
    runs may share one output folder. `tvsl status` shows how far they are. Standard output gets one line per table;
    everything for people goes to standard error.

    Example: tvsl annotate sample_videos --out results
    """
    from tvsl_cli.annotate.run import run
    from tvsl_cli.shared.settings import merged, usage_errors

    with usage_errors():
        settings = merged(context, config=config, section="annotate", keys=KEYS)
        options, choices = options_from(settings), feed_options_from(settings)
        patience = TimeLimits(stall_s=settings["timeout"], factor=100.0 if settings["timeout"] else 0.0)
        if verbose and quiet:
            raise ValueError("--verbose and --quiet exclude each other: give one of them")
    code = run(inputs, settings, options, choices, patience, jsonl=jsonl, dry_run=dry_run, verbose=verbose, quiet=quiet)
    raise typer.Exit(code)


def options_from(settings: dict[str, Any]) -> AnnotateOptions:
    """The settings that steer the annotation of one video, checked. Raises: ValueError: A value is out of range."""
    if settings["workers"] < 0:
        raise ValueError(f"workers must be at least 1, or 0 for what fits this machine, got {settings['workers']}")
    if settings["address"] is not None and settings["engine"] != "ray":
        raise ValueError("--address is of a Ray cluster: give --engine ray with it")
    if settings["precision"] not in _PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(_PRECISIONS)}, got {settings['precision']!r}")
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", settings["device"]):
        raise ValueError(f"device must be auto, cpu, cuda, cuda:N or mps, got {settings['device']!r}")
    return AnnotateOptions(
        fps=settings["fps"],
        window_s=settings["window"],
        start_s=settings["start"] or 0.0,
        end_s=settings["end"],
        classes=tuple(settings["classes"] or ()),
        vocabulary=settings["vocabulary"],
        min_score=settings["min-score"],
        max_sources=settings["max-sources"],
        batch=settings["batch"],
        overlay=settings["overlay"],
        save_maps=settings["save-maps"],
        audio_track=settings["audio-track"],
        limits=limits.limits_from(settings),
    )


def feed_options_from(settings: dict[str, Any]) -> QueueOptions:
    """The settings that say which videos are worked on. Raises: ValueError: A value is out of range."""
    if settings["fail-fast"] and settings["max-failures"] not in (None, 1):
        raise ValueError("--fail-fast and --max-failures exclude each other: give one of them")
    return QueueOptions(
        overwrite=settings["overwrite"],
        retry_failed=settings["retry-failed"],
        max_failures=1 if settings["fail-fast"] else settings["max-failures"],
    )
