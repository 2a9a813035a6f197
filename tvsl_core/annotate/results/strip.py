"""The thumbnail strip of a video: the strongest moment of each source."""

from __future__ import annotations

from pathlib import Path

from tvsl_core.annotate.results.job import Job
from tvsl_core.annotate.results.render import heat_of
from tvsl_core.annotate.results.timeline import Timelines
from tvsl_core.media.draw.strip import StripCell, write_strip
from tvsl_core.media.read.frames import read_frames
from tvsl_core.types import Frame, VideoInfo

MOST_CELLS = 12
"""Sources beyond the strongest twelve are left out of the strip."""
MOMENT_S = 0.5


def write_video_strip(job: Job, info: VideoInfo, timelines: Timelines) -> Path:
    """Write ``strips/<video>.jpg``; a video without sources shows its middle and says so.

    Raises: OutputError: It cannot be written.
    """
    job.make_room(job.strip.parent)
    best = [(source, source.strongest) for source in timelines.sources.values()]
    best.sort(key=lambda pair: -pair[0].scores[pair[1]])
    cells: list[StripCell] = []
    for source, index in sorted(best[:MOST_CELLS], key=lambda pair: pair[0].source_id):
        frame = _frame_at(info, source.times[index])
        if frame is not None:
            heat = heat_of(timelines.moment(source, index), own_colour=False)
            cells.append(StripCell(pixels=frame.pixels, time_s=source.times[index], heat=heat))
    if not cells:
        frame = _frame_at(info, (job.options.start_s + (job.options.end_s or info.duration_s)) / 2)
        cells = [StripCell(pixels=frame.pixels, time_s=float(frame.time))] if frame else []
    write_strip(job.strip, cells, title=job.item.path.name)
    return job.strip


def _frame_at(info: VideoInfo, time_s: float) -> Frame | None:
    """The frame that is shown at a time."""
    return next(read_frames(info, fps=1 / MOMENT_S, start_s=time_s), None)
