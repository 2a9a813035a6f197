"""Stage 7 of annotation: what was found is drawn on every frame, with the video's own sound and times."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.prefetch import Prefetch
from tvsl_core.annotate.progress import EventHandler, VideoAdvanced
from tvsl_core.annotate.results.job import Job
from tvsl_core.annotate.results.names import heatmap_name
from tvsl_core.annotate.results.timeline import DrawnSource, SourceTimeline, Timelines
from tvsl_core.annotate.rules import DrawOptions
from tvsl_core.media.draw.colours import source_colour
from tvsl_core.media.draw.frame import Heat, HeatStyle, draw_heat_coded
from tvsl_core.media.read.decode import DecodedFrame
from tvsl_core.media.read.frames import read_coded
from tvsl_core.media.read.planes import colour_standard
from tvsl_core.media.write.encode import VideoEncoder
from tvsl_core.media.write.pace import hold, pace, timeline_zero
from tvsl_core.media.write.sound import SoundSource
from tvsl_core.types import VideoInfo

if TYPE_CHECKING:
    from av import VideoFrame

ENCODER_MEMORY = 1 << 30
"""Bytes that the encoders of one pass over the frames may take together; it decides how many there are."""
HELD_FRAMES = 50
"""Frames that an encoder holds, about: those that it looks ahead at, looks back at and works on."""
DRAWN_AHEAD = 4
"""Frames of each heatmap video that wait for the compressors, while the next ones are decoded and drawn."""
LEAST_RATE = 5
"""Frames per second that a heatmap video has at least: a slide stands for seconds, and sounds change meanwhile."""
CLOCK = Fraction(90_000)
"""Ticks per second for frames that come unevenly, which keep their times: what broadcasting counts in."""
COMBINED_NAME = "combined.mp4"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Reel:
    """One heatmap video: where it goes, and what is drawn at each time."""

    path: Path
    heats_at: Callable[[float], list[Heat]]
    style: HeatStyle


def render_heatmaps(job: Job, info: VideoInfo, timelines: Timelines, *, on_event: EventHandler) -> list[Path]:
    """Write the heatmap videos that the settings ask for, and remove those of an earlier run.

    Raises:
        MediaError: The video can no longer be read.
        OutputError: A video cannot be written.
    """
    reels = plan_reels(job.heatmaps, timelines, job.options) if info.has_picture else []
    if reels:
        job.make_room(job.heatmaps)
    at_once = max(1, ENCODER_MEMORY // (HELD_FRAMES * max(1, info.width * info.height) * 3 // 2))
    groups = [reels[i : i + at_once] for i in range(0, len(reels), at_once)]
    for number, group in enumerate(groups):
        for done_s, total_s in _render(job, info, group):
            share = (number + done_s / max(total_s, 1e-9)) / len(groups)
            on_event(VideoAdvanced(video=job.item.name, stage="render", done_s=share * total_s, total_s=total_s))
    _remove_others(job.heatmaps, {reel.path for reel in reels})
    return [reel.path for reel in reels]


def heat_of(moment: DrawnSource, options: DrawOptions, *, own_colour: bool) -> Heat:
    """A moment as it is drawn; with a colour of its own where several share one picture."""
    return Heat(
        name=moment.name + "?" * (moment.verdict == "uncertain"),
        score=moment.score,
        strength=_visible_strength(moment.strength, moment.score, options.faintest),
        values=moment.values,
        boxes=(moment.box,) if moment.box else (),
        colour=source_colour(moment.source_id) if own_colour else None,
    )


def _visible_strength(strength: float, score: float, faintest: float) -> float:
    """How much is seen: what is barely sure is still seen, fading in and out stays."""
    fade = strength / score if score > 0 else 0.0
    return min(1.0, max(0.0, fade * (faintest + (1 - faintest) * score)))


def plan_reels(folder: Path, timelines: Timelines, options: AnnotateOptions) -> list[Reel]:
    """The heatmap videos that the settings ask for.

    Args:
        folder: Where they will be.
        timelines: What was found.
        options: The overlay says how many there are; and how they are drawn.
    """
    draw = options.draw
    if options.overlay == "none":
        return []
    if options.overlay == "combined":

        def all_heats(time_s: float) -> list[Heat]:
            return [heat_of(moment, draw, own_colour=True) for moment in timelines.all_at(time_s)]

        return [Reel(path=folder / COMBINED_NAME, heats_at=all_heats, style=replace(draw.style, legend=True))]
    return [
        Reel(
            path=folder / heatmap_name(source.source_id, source.name),
            heats_at=_heats_of(source, timelines, draw),
            style=draw.style,
        )
        for source in timelines.sources.values()
    ]


def _heats_of(source: SourceTimeline, timelines: Timelines, draw: DrawOptions) -> Callable[[float], list[Heat]]:
    def heats_at(time_s: float) -> list[Heat]:
        moment = timelines.at(source, time_s)
        return [] if moment is None else [heat_of(moment, draw, own_colour=False)]

    return heats_at


def _render(job: Job, info: VideoInfo, reels: Sequence[Reel]) -> Iterator[tuple[float, float]]:
    """Write some reels in one pass over the frames; yield (seconds done, seconds in all) now and then."""
    start, end = Fraction(job.options.start_s), _end(job, info)
    rate = heatmap_rate(info)
    grid = CLOCK if info.is_variable_rate else rate
    reading = read_coded(info, start_s=float(start), end_s=job.options.end_s, holds=True)
    with closing(reading), ExitStack() as stack:
        first = next(reading, None)
        if first is None:
            return
        zero = timeline_zero(first.time, grid, start)
        encoders = [stack.enter_context(_open(reel, info, zero, first, job)) for reel in reels]
        total_s = max(0.0, float((end or first.time) - start))
        frames: Iterator[DecodedFrame] = hold(chain([first], reading), step=1 / rate, start=zero, end=end)
        shown = pace(frames, frame_rate=grid, zero=zero, end=end)
        for time_s, ticks, pictures in stack.enter_context(closing(Prefetch(_drawn(shown, reels), depth=DRAWN_AHEAD))):
            for encoder, picture in zip(encoders, pictures, strict=True):
                encoder.write(picture, repeat=ticks)
            yield min(total_s, time_s - start), total_s


def _drawn(
    frames: Iterable[tuple[DecodedFrame, int]], reels: Sequence[Reel]
) -> Iterator[tuple[float, int, list[VideoFrame]]]:
    """Draw each frame for every reel: its time in seconds, for how many ticks it is shown, and one picture a reel."""
    for shown, ticks in frames:
        time_s = float(shown.time)
        yield time_s, ticks, [draw_heat_coded(shown.frame, reel.heats_at(time_s), reel.style) for reel in reels]


def heatmap_rate(info: VideoInfo) -> Fraction:
    """Frames per second of the heatmap videos: the video's own, or the least multiple of it in which heat can move."""
    return info.frame_rate * max(1, math.ceil(LEAST_RATE / info.frame_rate))


def _open(reel: Reel, info: VideoInfo, zero: Fraction, first: DecodedFrame, job: Job) -> VideoEncoder:
    end = None if job.options.end_s is None else Fraction(job.options.end_s)
    return VideoEncoder(
        reel.path,
        width=info.width,
        height=info.height,
        frame_rate=heatmap_rate(info),
        clock=CLOCK if info.is_variable_rate else None,
        sound=SoundSource.of(info, start=zero, end=end),
        standard=colour_standard(first.frame),
        options=job.options.encode,
    )


def _end(job: Job, info: VideoInfo) -> Fraction | None:
    """Until when the last picture is held; None shows it once."""
    if job.options.end_s is None:
        return info.duration or None
    end = Fraction(job.options.end_s)
    return min(end, info.duration) if info.duration else end


def _remove_others(folder: Path, keep: set[Path]) -> None:
    """Take away heatmap videos of an earlier run: their source numbers no longer mean anything."""
    for old in folder.glob("*.mp4"):
        if old not in keep:
            with contextlib.suppress(OSError):
                old.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()  # succeeds only when nothing is left in it
