"""What may be asked of ``tvsl annotate``; every option of the command is a field, here or in what is nested here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from tvsl_core.annotate.options import AnnotateOptions, QueueOptions, TimeLimits
from tvsl_core.option import option

_OUT, _MANY, _HOW, _SAY = "Results", "Many videos", "Model and speed", "Messages"
_PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotateRequest:
    """Everything but the videos."""

    out: Path = option(Path("results"), short="-o", metavar="DIR", topic=_OUT)
    """Folder for the results."""
    queue: QueueOptions = option(QueueOptions(), flat=True)
    """Which videos are worked on."""
    fail_fast: bool = option(False, topic=_MANY)
    """Stop at the first video that fails."""
    times: TimeLimits = option(TimeLimits(), flat=True)
    """When a video is given up."""
    workers: int = option(0, topic=_MANY)
    """Videos that are annotated side by side, each in a process of its own with its share of the cores; 0 is as many as
    this machine is good for."""
    jsonl: bool = option(False, topic=_OUT, in_file=False)
    """Print every event (its "kind" is "event") and every source row as one JSON object a line, instead of one line per
    written table."""
    csv: Literal["-"] | None = option(None, metavar="-", topic=_OUT, in_file=False)
    """With -, print every event as a line of comma-separated values as soon as its video is finished; for files use
    --export csv."""
    export: tuple[str, ...] = option((), metavar="NAMES", topic=_OUT)
    """When all is done, write the results in these formats too, as `tvsl export` does: csv, webvtt, coco, ..."""
    report: bool = option(False, topic=_OUT)
    """When all is done, make pages to look through the results, as `tvsl report` does."""
    dry_run: bool = option(False, topic=_OUT, in_file=False)
    """Say what would be done, and write nothing."""
    options: AnnotateOptions = option(AnnotateOptions(), flat=True)
    """How each video is annotated."""
    model: str = option("compact", metavar="NAME", topic=_HOW)
    """Model name, or the path of a weights file."""
    device: str = option("auto", metavar="auto|cpu|cuda:N|mps", topic=_HOW)
    """Where the model runs."""
    precision: str = option("auto", metavar="auto|fp32|bf16", topic=_HOW)
    """Number format of the model; auto is fp32; bf16 is faster on processors that know it."""
    shard: str = option("auto", metavar="I/N", topic=_HOW)
    """Only the I-th of N shares of the videos, from 1/N to N/N, for N machines that run the same command; auto: in a
    Slurm job array the share of this task, else everything; all: everything."""
    engine: Literal["local", "ray"] = option("local", topic=_HOW)
    """local: worker processes of this machine; ray: actors of a Ray cluster (pip install 'tvsl[ray]')."""
    address: str | None = option(None, metavar="HOST:PORT", topic=_HOW)
    """Ray cluster to use, auto for the one on this machine; by default one is started for this run."""
    verbose: bool = option(False, short="-v", topic=_SAY, in_file=False)
    """Say more on the terminal."""
    quiet: bool = option(False, short="-q", topic=_SAY, in_file=False)
    """Say only what went wrong."""
    log_file: Path | None = option(None, metavar="FILE", topic=_SAY)
    """Append everything, with times, to this file."""

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ValueError(f"workers must be at least 1, or 0 for what fits this machine, got {self.workers}")
        if self.address is not None and self.engine != "ray":
            raise ValueError("--address is of a Ray cluster: give --engine ray with it")
        if self.precision not in _PRECISIONS:
            raise ValueError(f"precision must be one of {', '.join(_PRECISIONS)}, got {self.precision!r}")
        if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", self.device):
            raise ValueError(f"device must be auto, cpu, cuda, cuda:N or mps, got {self.device!r}")
        if self.fail_fast and self.queue.max_failures not in (None, 1):
            raise ValueError("--fail-fast and --max-failures exclude each other: give one of them")
        if self.jsonl and self.csv:
            raise ValueError("--jsonl and --csv exclude each other: give one of them")
        if self.verbose and self.quiet:
            raise ValueError("--verbose and --quiet exclude each other: give one of them")

    @property
    def choices(self) -> QueueOptions:
        """Which videos are worked on, and when to give up."""
        return replace(self.queue, max_failures=1) if self.fail_fast else self.queue

    @property
    def patience(self) -> TimeLimits:
        """When a video is given up; never, when there is no time limit."""
        return self.times if self.times.stall_s else replace(self.times, factor=0.0)
