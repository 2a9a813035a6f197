"""The thumbnail strip of a video: each source's best event at its peak."""

from __future__ import annotations

from pathlib import Path

from tvsl_core.annotate.results.job import Job
from tvsl_core.annotate.results.render import heat_of
from tvsl_core.annotate.results.timeline import Timelines
from tvsl_core.annotate.signals.pictures import Pictures
from tvsl_core.media.draw.strip import StripCell, write_strip
from tvsl_core.media.read.frames import read_frames
from tvsl_core.types import Frame, VideoInfo

MOMENT_S = 0.5


def write_video_strip(job: Job, info: VideoInfo, timelines: Timelines, pictures: Pictures) -> Path:
    """Write ``strips/<video>.jpg``; a video without sources shows its middle and says so.

    Args:
        job: The video and its settings.
        info: Of the video.
        timelines: What was found.
        pictures: In which it was found; one that was not kept is read from the video again.

    Raises: OutputError: It cannot be written.
    """
    job.make_room(job.strip.parent)
    draw = job.options.draw
    best = sorted(timelines.sources.values(), key=lambda source: -source.strongest.event.score)[: draw.strip_cells]
    cells: list[StripCell] = []
    for source in sorted(best, key=lambda source: source.source_id):
        time_s, moment = timelines.peak(source, pictures.times_s)
        pixels = pictures.picture(time_s)
        if pixels is None and (frame := _frame_at(info, time_s)) is not None:
            pixels = frame.pixels
        if pixels is not None:
            heat = heat_of(moment, draw, own_colour=False)
            cells.append(StripCell(pixels=pixels, time_s=time_s, heat=heat, frame_size=(info.width, info.height)))
    if not cells:
        frame = _frame_at(info, (job.options.start_s + (job.options.end_s or info.duration_s)) / 2)
        cells = [StripCell(pixels=frame.pixels, time_s=float(frame.time))] if frame else []
    write_strip(job.strip, cells, title=job.item.path.name)
    return job.strip


def _frame_at(info: VideoInfo, time_s: float) -> Frame | None:
    """The frame that is shown at a time, or that a player holds then."""
    return next(read_frames(info, fps=1 / MOMENT_S, start_s=time_s, hold_s=MOMENT_S), None)
