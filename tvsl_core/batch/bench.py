"""How fast a batch is on this machine, what its processor and its GPU do meanwhile, and which of them holds it up."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.progress import Event, VideoFinished, VideoStarted
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.engines.processes import ProcessEngine, good_count
from tvsl_core.batch.engines.task import ModelChoice
from tvsl_core.errors import TvslError
from tvsl_core.media.read.probe import probe
from tvsl_core.system.usage import Usage

FULL = 0.85
"""From this share on a processor or a GPU has nothing left to give."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchBench:
    """One batch on one machine."""

    videos: int
    video_s: float
    """Length of each."""
    workers: int
    start_s: float
    """Until the first video began: the workers start and load the model."""
    elapsed_s: float
    """From then until the last one was done."""
    cores: float | None
    """Share of all processor cores that was used, in [0, 1]; None where the system does not say."""
    gpu: float | None
    """Share of the time in which the GPU did something, in [0, 1]; None without one."""

    @property
    def clips_per_s(self) -> float:
        """Videos per second of the clock."""
        return self.videos / self.elapsed_s

    @property
    def speed(self) -> float:
        """Seconds of video per second of the clock."""
        return self.clips_per_s * self.video_s

    @property
    def bottleneck(self) -> Literal["the GPU", "the processor", "neither"]:
        """What has nothing left to give."""
        if self.gpu is not None and self.gpu >= FULL:
            return "the GPU"
        return "the processor" if self.cores is not None and self.cores >= FULL else "neither"


def bench_batch(
    path: Path, choice: ModelChoice, options: AnnotateOptions, *, copies: int, workers: int = 0
) -> BatchBench:
    """Annotate copies of one video in worker processes, as ``tvsl annotate`` does it, and watch the machine.

    Args:
        path: A video.
        choice: The model that every worker loads; on a GPU they share it.
        options: What is done with each copy.
        copies: How many.
        workers: Videos at the same time; 0 is what fits this machine.

    Raises:
        MediaError: The video cannot be used.
        TvslError: A copy failed; its sentence is the one that the batch has for it.
    """
    info = probe(path, limits=options.limits)
    engine = ProcessEngine(choice, count=min(copies, workers or good_count()))
    began = time.perf_counter()
    first: list[float] = []
    gpu = _gpu(choice.device)

    def follow(event: Event) -> None:
        if isinstance(event, VideoStarted) and not first:
            first.append(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder, Usage(gpu=gpu) as usage:
        videos = Path(folder) / "videos"
        _copy(path, videos, copies)
        report = annotate_videos(str(videos), out=Path(folder) / "out", options=options, engine=engine, on_event=follow)
        ended = time.perf_counter()
    _refuse_failures(report.finished)
    start_s = first[0] - began
    return BatchBench(
        videos=copies,
        video_s=min(options.end_s or info.duration_s, info.duration_s) - options.start_s,
        workers=engine.workers,
        start_s=start_s,
        elapsed_s=ended - began - start_s,
        cores=usage.cores,
        gpu=usage.gpu,
    )


def _gpu(device: str) -> int | None:
    """Number of the GPU that the workers share; None when they have none."""
    from tvsl_core.model.load import pick_device

    picked = pick_device(device)
    return (picked.index or 0) if picked.type == "cuda" else None


def _copy(path: Path, folder: Path, copies: int) -> None:
    """Names for one file, so that a thousand of them take no room where links can be made."""
    folder.mkdir()
    for number in range(copies):
        place = folder / f"{number:05}{path.suffix}"
        try:
            os.link(path, place)
        except OSError:
            shutil.copyfile(path, place)


def _refuse_failures(finished: tuple[VideoFinished, ...]) -> None:
    for video in finished:
        if video.status == "failed":
            raise TvslError(f"A copy could not be annotated: {video.error}", hint=video.hint)
