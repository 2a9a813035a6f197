"""How fast each stage of annotation is by itself, and what the whole costs beside them, measured in one run."""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING

from tvsl_core.annotate.embed import Unheard, embed
from tvsl_core.annotate.find import SourceFinder
from tvsl_core.annotate.objects.moments import FoundEvent
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.progress import ignore
from tvsl_core.annotate.results.job import Job, VideoItem
from tvsl_core.annotate.results.render import plan_reels, render_heatmaps
from tvsl_core.annotate.results.timeline import Timelines
from tvsl_core.annotate.signals.listen import listen, sound_from_s
from tvsl_core.annotate.signals.pictures import Pictures
from tvsl_core.annotate.video import annotate_job
from tvsl_core.media.draw.frame import draw_heat_coded
from tvsl_core.media.read.decode import DecodedFrame
from tvsl_core.media.read.frames import read_coded, read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.media.write.encode import VideoEncoder
from tvsl_core.media.write.sound import SoundSource
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.types import VideoInfo

if TYPE_CHECKING:
    from av import VideoFrame

FRAMES_KEPT = 90
"""Decoded frames that the bare encoder is fed with, over and over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageTime:
    """One stage by itself."""

    stage: str
    elapsed_s: float
    speed: float
    """Seconds of video per second."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotateBench:
    """Every stage and the whole, of one run on one machine."""

    video_s: float
    width: int
    height: int
    """Of the frames as shown."""
    frame_rate: float
    stages: tuple[StageTime, ...]
    """Decode, model, draw, encode."""
    tables_only: StageTime
    pictures_only: StageTime
    """One combined heatmap video of what was found: a decode of its own, drawing, encoding."""
    whole: StageTime

    @property
    def to_sum(self) -> float:
        """Time of the whole over the sum of its parts; below 1 when stages overlap."""
        return self.whole.elapsed_s / sum(stage.elapsed_s for stage in self.stages)

    @property
    def tables_to_sum(self) -> float:
        """Time of the tables over the sum of their parts: decode and model by themselves; below 1 when they overlap."""
        parts = sum(stage.elapsed_s for stage in self.stages if stage.stage in ("decode", "model"))
        return self.tables_only.elapsed_s / parts

    @property
    def pictures_to_sum(self) -> float:
        """Time of a heatmap video over the sum of its parts: decode, draw and encode by themselves."""
        parts = sum(stage.elapsed_s for stage in self.stages if stage.stage != "model")
        return self.pictures_only.elapsed_s / parts

    @property
    def to_slowest(self) -> float:
        """Time of the whole over its slowest part; 1 when everything else hides behind it."""
        return self.whole.elapsed_s / max(stage.elapsed_s for stage in self.stages)


def bench_annotate(path: Path, model: TvslModel, options: AnnotateOptions) -> AnnotateBench:
    """Measure each stage by itself, the tables alone, a combined heatmap video alone, and the whole with that.

    Args:
        path: A video, best of a minute or more.
        model: Ready to use; loading it is not measured.
        options: ``fps``, ``window_s``, ``start_s``, ``end_s``, ``batch`` and ``encode`` are used.

    Raises: MediaError: The video cannot be used.
    """
    info = probe(path, limits=options.limits)
    options = replace(options, overlay="combined")
    length_s = (options.end_s or info.duration_s) - options.start_s
    _find(info, model, options, most=2)  # the first frames pay for set-up that no video pays again

    def timed(stage: str, work: Callable[[], object]) -> StageTime:
        began = time.perf_counter()
        work()
        return told(stage, time.perf_counter() - began)

    def told(stage: str, elapsed_s: float) -> StageTime:
        return StageTime(stage=stage, elapsed_s=elapsed_s, speed=length_s / max(elapsed_s, 1e-9))

    model_s, found = _find(info, model, options)
    with tempfile.TemporaryDirectory() as folder, Timelines(Path(folder), options.draw) as timelines:
        for one in found:
            timelines.add(one.event, [(moment.time_s, moment.box, moment.map) for moment in one.moments])
        job = Job(item=VideoItem(path=path, name=path.name), out=Path(folder), options=options, fingerprint="bench")
        frames = [frame.frame for frame in islice(_coded(info, options), FRAMES_KEPT)]
        stages = (
            timed("decode", lambda: deque(_coded(info, options), maxlen=0)),
            told("model", model_s),
            timed("draw", lambda: _draw(frames, info, timelines, options)),
            timed("encode", lambda: _encode(frames, info, options, Path(folder))),
        )
        pictures = timed("heatmap video", lambda: render_heatmaps(job, info, timelines, on_event=ignore))
    return AnnotateBench(
        video_s=length_s,
        width=info.width,
        height=info.height,
        frame_rate=float(info.frame_rate),
        stages=stages,
        tables_only=timed("tables only", lambda: _whole(path, model, replace(options, overlay="none"))),
        pictures_only=pictures,
        whole=timed("whole", lambda: _whole(path, model, options)),
    )


def _coded(info: VideoInfo, options: AnnotateOptions) -> Iterator[DecodedFrame]:
    return read_coded(info, start_s=options.start_s, end_s=options.end_s)


def _find(
    info: VideoInfo, model: TvslModel, options: AnnotateOptions, most: int | None = None
) -> tuple[float, list[FoundEvent]]:
    """What is found in frames that are decoded already, and the time that the model takes for it."""
    frames = read_frames(
        info,
        fps=options.fps,
        start_s=options.start_s,
        end_s=options.end_s,
        max_side=options.analysis.longest_side,
    )
    ready = list(islice(frames, most))
    part = (options.start_s, min(options.end_s or info.duration_s, info.duration_s))
    start_s = sound_from_s(model, part[0])
    with (
        SoundStream(info, sample_rate=model.towers.sample_rate, start_s=start_s) as sound,
        Pictures(model, correspondence=0.0) as pictures,
    ):
        began = time.perf_counter()
        for clips in embed(ready, model, Unheard(model), window_s=options.window_s, batch=options.batch):
            pictures.add(clips)
        heard = listen(model, sound, options.analysis, begin_s=part[0], end_s=part[1])
        finder = SourceFinder(heard, pictures, model, options, frame_size=(info.width, info.height), part=part)
        found = finder.events()
        return time.perf_counter() - began, found


def _times(info: VideoInfo, options: AnnotateOptions) -> Iterator[float]:
    """When each frame is shown, if they come evenly."""
    end_s = options.end_s or info.duration_s
    count = max(1, round((end_s - options.start_s) * float(info.frame_rate)))
    return (options.start_s + number / float(info.frame_rate) for number in range(count))


def _draw(frames: Sequence[VideoFrame], info: VideoInfo, timelines: Timelines, options: AnnotateOptions) -> None:
    """Draw what was found at every frame's time, over a few frames again and again."""
    (reel,) = plan_reels(Path(), timelines, options)
    for time_s, frame in zip(_times(info, options), cycle(frames), strict=False):
        draw_heat_coded(frame, reel.heats_at(time_s), reel.style)


def _encode(frames: Sequence[VideoFrame], info: VideoInfo, options: AnnotateOptions, folder: Path) -> None:
    """Encode as many frames as the video has, a few of them again and again."""
    with VideoEncoder(
        folder / "bench.mp4",
        width=info.width,
        height=info.height,
        frame_rate=info.frame_rate,
        sound=SoundSource.of(info),
        options=options.encode,
    ) as encoder:
        for _, frame in zip(_times(info, options), cycle(frames), strict=False):
            encoder.write(frame)


def _whole(path: Path, model: TvslModel, options: AnnotateOptions) -> None:
    with tempfile.TemporaryDirectory() as folder:
        job = Job(item=VideoItem(path=path, name=path.name), out=Path(folder), options=options, fingerprint="bench")
        annotate_job(job, model, metadata={}, on_event=ignore)
