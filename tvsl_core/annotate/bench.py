"""How fast each stage of annotation is by itself, and what the whole costs beside them, measured in one run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from tvsl_core.annotate.embed import Unheard, embed
from tvsl_core.annotate.find import SourceFinder
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.progress import ignore
from tvsl_core.annotate.results.job import Job, VideoItem
from tvsl_core.annotate.signals.listen import listen, sound_from_s
from tvsl_core.annotate.signals.pictures import Pictures
from tvsl_core.annotate.video import annotate_job
from tvsl_core.media.read.frames import read_all_frames, read_frames, read_pictures
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.media.write.command import SoundSource
from tvsl_core.media.write.encode import VideoEncoder
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.types import VideoInfo

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
    stages: tuple[StageTime, ...]
    tables_only: StageTime
    whole: StageTime

    @property
    def to_sum(self) -> float:
        """Time of the whole over the sum of its parts; below 1 when stages overlap."""
        return self.whole.elapsed_s / sum(stage.elapsed_s for stage in self.stages)

    @property
    def to_slowest(self) -> float:
        """Time of the whole over its slowest part; 1 when everything else hides behind it."""
        return self.whole.elapsed_s / max(stage.elapsed_s for stage in self.stages)


def bench_annotate(path: Path, model: TvslModel, options: AnnotateOptions) -> AnnotateBench:
    """Measure bare decode, bare model, bare encode, the tables alone, and the whole with one combined heatmap video.

    Args:
        path: A video, best of a minute or more.
        model: Ready to use; loading it is not measured.
        options: ``fps``, ``window_s``, ``start_s``, ``end_s`` and ``batch`` are used.

    Raises: MediaError: The video cannot be used.
    """
    info = probe(path, limits=options.limits)
    length_s = (options.end_s or info.duration_s) - options.start_s
    _model_seconds(info, model, options, most=2)  # the first frames pay for set-up that no video pays again

    def timed(stage: str, work: Callable[[], object]) -> StageTime:
        began = time.perf_counter()
        work()
        elapsed_s = time.perf_counter() - began
        return StageTime(stage=stage, elapsed_s=elapsed_s, speed=length_s / max(elapsed_s, 1e-9))

    model_s = _model_seconds(info, model, options)
    stages = (
        timed("decode", lambda: _decode(info, options)),
        StageTime(stage="model", elapsed_s=model_s, speed=length_s / max(model_s, 1e-9)),
        timed("encode", _encoder(info, options)),
    )
    return AnnotateBench(
        video_s=length_s,
        stages=stages,
        tables_only=timed("tables only", lambda: _whole(path, model, options, overlay="none")),
        whole=timed("whole", lambda: _whole(path, model, options, overlay="combined")),
    )


def _decode(info: VideoInfo, options: AnnotateOptions) -> None:
    for _ in read_pictures(info, start_s=options.start_s, end_s=options.end_s):
        pass


def _model_seconds(info: VideoInfo, model: TvslModel, options: AnnotateOptions, most: int | None = None) -> float:
    """Time that the model takes for frames that are decoded already."""
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
        finder.events()
        return time.perf_counter() - began


def _encoder(info: VideoInfo, options: AnnotateOptions) -> Callable[[], None]:
    """A function that encodes as many frames as the video has; decoding a few of them is not part of it."""
    end_s = options.end_s or info.duration_s
    count = max(1, round((end_s - options.start_s) * float(info.frame_rate)))
    frames = [frame.pixels for frame in islice(_all(info, options), FRAMES_KEPT)]

    def encode() -> None:
        with (
            tempfile.TemporaryDirectory() as folder,
            VideoEncoder(
                Path(folder) / "bench.mp4",
                width=info.width,
                height=info.height,
                frame_rate=info.frame_rate,
                sound=SoundSource.of(info),
                pixel_order="bgr24",
            ) as encoder,
        ):
            for pixels in islice(cycle(frames), count):
                encoder.write(pixels)

    return encode


def _all(info: VideoInfo, options: AnnotateOptions) -> Iterator:  # type: ignore[type-arg]  # of Frame
    return read_all_frames(info, start_s=options.start_s, end_s=options.end_s, order="bgr")


def _whole(path: Path, model: TvslModel, options: AnnotateOptions, *, overlay: str) -> None:
    import dataclasses

    with tempfile.TemporaryDirectory() as folder:
        job = Job(
            item=VideoItem(path=path, name=path.name),
            out=Path(folder),
            options=dataclasses.replace(options, overlay=overlay),  # type: ignore[arg-type]
            fingerprint="bench",
        )
        annotate_job(job, model, metadata={}, on_event=ignore)
