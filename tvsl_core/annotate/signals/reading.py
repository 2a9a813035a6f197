"""A video whose pictures are being read, which needs no model: they are decoded while it is still loaded."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.prefetch import Prefetch
from tvsl_core.errors import InputError
from tvsl_core.media.read.cuts import CutFinder
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.instants import read_instants
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.report import ReadReport
from tvsl_core.media.read.safety import check_file
from tvsl_core.types import Frame, VideoInfo


class Reading:
    """Reads the pictures of every instant ahead, from now on.

    Args:
        path: Of the video.
        options: Which instants.

    Raises: MediaError: The video cannot be used.
    """

    def __init__(self, path: Path, options: AnnotateOptions) -> None:
        check_file(path)
        stat = path.stat()
        self.size_bytes, self.mtime_s = stat.st_size, stat.st_mtime
        """Of the file, before it was read."""
        self.info = probe(path, audio_track=options.audio_track, limits=options.limits, needs_picture=False)
        _check_range(self.info, options.start_s)
        self.report, self.cuts = ReadReport(), CutFinder()
        """Of what was read so far."""
        # While torch loads, the other core has time for so many.
        self.frames = Prefetch(self._frames(options), depth=8 * options.batch)

    def close(self) -> None:
        """Stop reading."""
        self.frames.close()

    def _frames(self, options: AnnotateOptions) -> Generator[Frame, None, None]:
        """What is seen at each instant; of a sound file only the instants."""
        if not self.info.has_picture:
            return read_instants(
                self.info, fps=options.fps, start_s=options.start_s, end_s=options.end_s, report=self.report
            )
        return read_frames(
            self.info,
            fps=options.fps,
            start_s=options.start_s,
            end_s=options.end_s,
            max_side=options.analysis.longest_side,
            hold_s=max(options.analysis.hold_s, 1 / options.fps),
            report=self.report,
            on_picture=self.cuts.look,
        )


def _check_range(info: VideoInfo, start_s: float) -> None:
    if info.duration and start_s >= info.duration_s:
        raise InputError(
            f"--start {start_s:g} lies behind the end of the video ({info.duration_s:.1f} s).",
            hint="Choose an earlier start.",
            stage="probe",
        )
