"""One video from file to results: the stages of annotation, called in order.

    pictures -> sound -> score -> choose -> localize, boxes -> link -> tables, then strip and heatmap videos

Pictures and sound are read once for the tables. What sounds is known when all of it was heard, so the evidence of the
pictures waits on the disk until then; memory grows by some 100 MB an hour. The heatmap videos read the pictures again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tvsl_core.annotate.embed import Unheard, embed, open_windows
from tvsl_core.annotate.find import BEHIND_S, SourceFinder
from tvsl_core.annotate.objects.follow import LONGEST_SIDE, Sight, Sought, follow
from tvsl_core.annotate.objects.footage import Footage
from tvsl_core.annotate.objects.moments import FoundEvent
from tvsl_core.annotate.objects.shots import Shots
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.prefetch import Prefetch
from tvsl_core.annotate.progress import EventHandler, VideoAdvanced, VideoStarted
from tvsl_core.annotate.results.event_table import write_events
from tvsl_core.annotate.results.job import Job
from tvsl_core.annotate.results.render import render_heatmaps
from tvsl_core.annotate.results.strip import write_video_strip
from tvsl_core.annotate.results.table import SourceTable
from tvsl_core.annotate.results.timeline import Timelines
from tvsl_core.annotate.signals.listen import SoundEvidence, listen_on, sound_from_s
from tvsl_core.annotate.signals.pictures import Pictures
from tvsl_core.annotate.signals.reading import Reading
from tvsl_core.media.read.frames import read_all_frames
from tvsl_core.media.read.report import ReadReport
from tvsl_core.media.read.sound import SoundStream
from tvsl_core.media.write.compressor import compressor
from tvsl_core.model.threads import runs_beside_itself
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.system.results import lies_in_results
from tvsl_core.types import VideoInfo

FRAMES_AHEAD = 8
LOOKING = 0.85
"""Share of annotating a video, as progress counts it, that its pictures take; the rest is listening."""


@dataclass(slots=True)
class Annotation:
    """What became of one video."""

    info: VideoInfo
    size_bytes: int
    mtime_s: float
    """Of the input file, before it was read."""
    rows: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    sources: int = 0
    events: int = 0
    warnings: list[str] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)

    def outcome(self) -> dict[str, Any]:
        """What a row of videos.parquet says of it; stands in the table too, so that it is never lost."""
        return {
            "duration_s": self.info.duration_s,
            "frame_width": self.info.width,
            "frame_height": self.info.height,
            "frame_rate": float(self.info.frame_rate),
            "size_bytes": self.size_bytes,
            "mtime_s": self.mtime_s,
            "rows": self.rows,
            "sources": self.sources,
            "events": self.events,
            "classes": tuple(name for name, _ in self.classes.most_common()),
            "warnings": tuple(dict.fromkeys(self.warnings)),
        }


def annotate_job(
    job: Job, model: TvslModel, *, metadata: dict[str, str], on_event: EventHandler, reading: Reading | None = None
) -> Annotation:
    """Annotate one video and write everything that its settings ask for.

    The table gets its final name last: once it is there, all other results of the video are complete.

    Args:
        job: The video, its settings and its place.
        model: Ready to use.
        metadata: What stands in the table about how it was made.
        on_event: Told about progress, in this thread.
        reading: The video, where it is being read already; it is closed.

    Raises:
        MediaError: The video cannot be used.
        OutputError: A result cannot be written, the output folder is gone, or another process took the video over.
    """
    options, metadata = job.options, metadata | {"precision": model.precision}
    with closing(reading or Reading(job.item.path, options)) as video:
        key, info = job.key(), video.info
        on_event(VideoStarted(video=job.item.name, duration_s=info.duration_s))
        if options.overlay != "none" and info.has_picture:
            compressor(options.encode, pixels=info.width * info.height)  # one that is not there is said before any work
        warnings = list(_warnings(info, model))
        result = Annotation(info=info, size_bytes=video.size_bytes, mtime_s=video.mtime_s, warnings=warnings)
        for place in (job.table, job.events):
            job.make_room(place.parent)
        table = SourceTable(
            job.table,
            video=job.item.name,
            frame_size=(info.width, info.height),
            save_maps=options.save_maps,
            metadata=metadata | key,
        )
        try:
            found = _annotate(job, model, video, result, table, on_event)
            outcome = json.dumps(result.outcome())
            job.check_lease()
            facts = {"outcome": outcome, "video": job.item.name, "path": _as_text(job.item.path.absolute())}
            write_events(job.events, job.item.name, [one.event for one in found], metadata=metadata | key | facts)
            table.close(outcome=outcome)
        except BaseException:
            table.discard()
            raise
    result.outputs[:0] = [job.table, job.events]
    return result


def _annotate(
    job: Job, model: TvslModel, reading: Reading, result: Annotation, table: SourceTable, on_event: EventHandler
) -> list[FoundEvent]:
    """Find the sources, fill the table, and make the pictures."""
    options, info = job.options, reading.info
    with (
        Pictures(
            model,
            correspondence=options.maps.correspondence,
            folder=job.table.parent,
            people=options.people if info.has_picture else None,
        ) as pictures,
        Timelines(job.table.parent, options.draw) as timelines,
    ):
        sound = _perceive(job, model, reading, pictures, result, on_event)
        info, cuts = result.info, reading.cuts
        length_s = info.duration_s or float(reading.report.seen_until)
        finder = SourceFinder(
            sound,
            pictures,
            model,
            options,
            frame_size=(info.width, info.height),
            part=(options.start_s, min(options.end_s or length_s, length_s)),
            shots=Shots.seen([float(cut) for cut in cuts.cuts], pictures.times_s.tolist(), cuts.places()),
            footage=Footage.of_file(info) if info.has_picture else None,
        )
        found, sights = _followed(info, options, finder.events())
        for row in finder.rows(found, sights):
            table.write(row)
        for one in found:
            timelines.add(one.event, one.places, one.trajectory)
            result.classes[one.event.name] += 1
        on_event(_advanced(job, info, done_s=None))
        result.rows, result.sources, result.events = table.rows, len(timelines.sources), len(found)
        if info.has_picture and options.strips:
            result.outputs.append(write_video_strip(job, info, timelines, pictures))
        result.outputs.extend(render_heatmaps(job, info, timelines, on_event=on_event))
    return found


def _as_text(path: Path) -> str:
    """A path without halves of characters, which stand for bytes that are not UTF-8: tables hold none."""
    return str(path).encode("utf-8", "replace").decode()


def _warnings(info: VideoInfo, model: TvslModel) -> Iterator[str]:
    """What is odd about a video and its model before it is read."""
    if not model.found_scorer.fitted:
        yield "scores are not calibrated for this model: its scorer was fitted for another one"
    if info.sound_track is None:
        yield "the video has no sound track, so no source can be found"
    if not info.has_picture:
        yield "it is a sound file: every source is offscreen, and there is no picture to draw on"
    if lies_in_results(info.path):
        yield "it lies in results of tvsl: what is annotated may be what was drawn before"


def _with_length(info: VideoInfo, report: ReadReport, options: AnnotateOptions) -> VideoInfo:
    """A live recording does not say how long it is; that is known once it was read to its end."""
    if info.duration or (options.end_s is not None and report.seen_until >= options.end_s):
        return info
    return replace(info, duration=report.seen_until)


def _advanced(job: Job, info: VideoInfo, *, done_s: float | None) -> VideoAdvanced:
    """How far annotating is; None is all of it."""
    options = job.options
    end_s = min(options.end_s or info.duration_s, info.duration_s) if info.duration else options.end_s or 0.0
    total_s = max(0.0, end_s - options.start_s)
    return VideoAdvanced(
        video=job.item.name, stage="annotate", done_s=total_s if done_s is None else done_s, total_s=total_s
    )


def _perceive(
    job: Job, model: TvslModel, reading: Reading, pictures: Pictures, result: Annotation, on_event: EventHandler
) -> SoundEvidence:
    """Fill ``pictures`` with every instant of the video, and hear all of its sound."""
    info, options, odd = reading.info, job.options, list[str]()
    with ExitStack() as stack:
        beside: Prefetch[SoundEvidence] | None = None
        if info.duration and runs_beside_itself(model.towers):
            beside = stack.enter_context(closing(Prefetch(_sound(info, model, options, info.duration_s, odd), depth=0)))
        _look(job, model, reading, pictures, on_event)
        result.info = info = _with_length(info, reading.report, options)
        length_s = info.duration_s or float(reading.report.seen_until)
        heard: list[SoundEvidence] = []
        for block in beside or _sound(info, model, options, length_s, odd):
            heard.append(block)
            part_s = max(1e-9, min(options.end_s or length_s, length_s) - options.start_s)
            share = min(1.0, max(0.0, block.end_s - options.start_s) / part_s)
            on_event(_advanced(job, info, done_s=(LOOKING + (1 - LOOKING) * share) * part_s))
        result.warnings.extend((*reading.report.warnings, *odd))
    return SoundEvidence.join(heard)


def _look(job: Job, model: TvslModel, reading: Reading, pictures: Pictures, on_event: EventHandler) -> None:
    """Fill ``pictures``."""
    options, info = job.options, reading.info
    begin_s = max(0.0, options.start_s - options.window_s / 2 - model.towers.sound_span_s)
    # Maps are the names' own by default; only where sound has a say in them is it heard around every instant.
    listens = options.maps.correspondence > 0
    with SoundStream(info, sample_rate=model.towers.sample_rate, start_s=begin_s) as sound:
        windows = open_windows(model, sound, options.analysis, begin_s=begin_s) if listens else Unheard(model)
        for clips in embed(reading.frames, model, windows, window_s=options.window_s, batch=options.batch):
            pictures.add(clips)
            on_event(_advanced(job, info, done_s=LOOKING * (float(clips[-1].time) - options.start_s)))


def _sound(
    info: VideoInfo, model: TvslModel, options: AnnotateOptions, length_s: float, odd: list[str]
) -> Generator[SoundEvidence, None, None]:
    """What the sound of a video says, block by block; at the end ``odd`` has what was odd about it."""
    end_s, begin_s = min(options.end_s or length_s, length_s), max(0.0, options.start_s - BEHIND_S)
    rate = model.towers.sample_rate
    with SoundStream(info, sample_rate=rate, start_s=sound_from_s(model, begin_s)) as sound:
        until_s = 0.0 if sound.silent else min(end_s + BEHIND_S, length_s)
        yield from listen_on(model, sound, options.analysis, begin_s=begin_s, end_s=until_s)
        odd.extend(sound.warnings)


def _followed(
    info: VideoInfo, options: AnnotateOptions, found: Sequence[FoundEvent]
) -> tuple[list[FoundEvent], tuple[Sight, ...]]:
    """Events with the trajectories of their sources through every frame, and those frames, where that is asked for."""
    if not options.video_rate or not info.has_picture:
        return list(found), ()
    frames = read_all_frames(info, start_s=options.start_s, end_s=options.end_s, max_side=LONGEST_SIDE)
    sought = [Sought(start_s=one.event.start_s, end_s=one.event.end_s, places=one.places) for one in found]
    with closing(Prefetch(frames, depth=FRAMES_AHEAD)) as ahead:
        followed = follow(ahead, sought, width=info.width)
    pairs = zip(found, followed.trajectories, strict=True)
    return [replace(one, trajectory=trajectory) for one, trajectory in pairs], followed.sights
