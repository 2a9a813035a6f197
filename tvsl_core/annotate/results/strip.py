"""The thumbnail strip of a video: the peak of each source's best event."""

from __future__ import annotations

from pathlib import Path

from tvsl_core.annotate.results.job import Job
from tvsl_core.annotate.results.render import heat_of
from tvsl_core.annotate.results.timeline import Timelines
from tvsl_core.media.draw.strip import StripCell, write_strip
from tvsl_core.media.read.frames import read_frames
from tvsl_core.types import Frame, VideoInfo

MOMENT_S = 0.5


def write_video_strip(job: Job, info: VideoInfo, timelines: Timelines) -> Path:
    """Write ``strips/<video>.jpg``; a video without sources shows its middle and says so.

    Raises: OutputError: It cannot be written.
    """
    job.make_room(job.strip.parent)
    draw = job.options.draw
    best = sorted(timelines.sources.values(), key=lambda source: -source.strongest.event.score)[: draw.strip_cells]
    cells: list[StripCell] = []
    for source in sorted(best, key=lambda source: source.source_id):
        time_s, moment = timelines.peak(source)
        frame = _frame_at(info, time_s)
        if frame is not None:
            cells.append(StripCell(pixels=frame.pixels, time_s=time_s, heat=heat_of(moment, draw, own_colour=False)))
    if not cells:
        frame = _frame_at(info, (job.options.start_s + (job.options.end_s or info.duration_s)) / 2)
        cells = [StripCell(pixels=frame.pixels, time_s=float(frame.time))] if frame else []
    write_strip(job.strip, cells, title=job.item.path.name)
    return job.strip


def _frame_at(info: VideoInfo, time_s: float) -> Frame | None:
    """The frame that is shown at a time, or that a player holds then."""
    return next(read_frames(info, fps=1 / MOMENT_S, start_s=time_s, hold_s=MOMENT_S), None)
