"""Cut what training and scoring read from videos: of every clip one frame (JPEG) and 5 s of sound (WAV).

A video is looked for by the clip's id (then its middle is meant) or by the id of the whole video that it comes from
(then the instant that the list names). Files appear under their names only when they are whole; a clip that has both is
left alone, so that the same command again goes on after an interruption.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.layout import VIDEO_SUFFIXES
from tvsl_core.errors import InputError, MediaError, OutputError, TvslError
from tvsl_core.system.results import make_results_folder, outside_results

SAMPLE_RATE = 44100
"""Of the sounds, in Hz: the highest that any of our towers listens at."""
LARGEST = 480
"""Frames have at most so many pixels on their shorter side."""
JPEG_QUALITY = 92
REPORT = "prepare.json"
QUEUED = 4
"""So many clips wait for each worker."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One clip that is to be cut."""

    id: str
    video: str = ""
    """The whole video that it is a part of; empty when there is only the clip."""
    time_s: float | None = None
    """Its instant on the timeline of the whole video."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A clip that could not be cut, and why."""

    id: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareReport:
    """What became of the clips of a list."""

    name: str
    clips: int
    done: int
    """Cut in this run."""
    there: int
    """Cut before."""
    missing: tuple[str, ...]
    """Clips without a video."""
    failed: tuple[Failure, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every clip is there now."""
        return self.done + self.there == self.clips


def prepare(
    name: str,
    wanted: Sequence[Wanted],
    videos: Path,
    out: Path,
    *,
    workers: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> PrepareReport:
    """Cut the clips of a list from videos, in parallel processes.

    Args:
        name: Of the list; for the report.
        wanted: The clips.
        videos: Folder with ``<clip id>.mp4`` or ``<video id>.mp4`` and the like, at any depth.
        out: Gets ``frames/<id>.jpg``, ``audio/<id>.wav`` and the report ``prepare.json``.
        workers: Processes.
        on_progress: Told how many clips are settled, of how many.

    Returns: What became of every clip; the same as in ``prepare.json``.

    Raises:
        InputError: The folder of videos does not exist, or a clip's id would lead out of ``out``.
        OutputError: The results cannot be written, for example because the disk is full.
    """
    if not videos.is_dir():
        raise InputError(f"the folder of videos '{videos}' does not exist.", hint="Name it with --videos DIR.")
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    astray = next((one.id for one in wanted if ".." in Path(one.id).parts or Path(one.id).is_absolute()), None)
    if astray is not None:
        raise InputError(
            f"the clip id '{astray}' leads out of the output folder.", hint="Ids are relative, without '..'."
        )
    found = index_videos(videos)
    jobs: list[Job] = []
    missing, there = [], 0
    for one in wanted:
        if frame_path(out, one.id).is_file() and sound_path(out, one.id).is_file():
            there += 1
        elif one.id in found:
            jobs.append((one.id, found[one.id], None, out))
        elif one.video and one.video in found:
            jobs.append((one.id, found[one.video], one.time_s, out))
        else:
            missing.append(one.id)
    failed: list[Failure] = []
    settled = there + len(missing)
    _make_folders(out)
    for identity, reason in _run(jobs, workers):
        settled += 1
        if reason:
            failed.append(Failure(id=identity, reason=reason))
        if on_progress is not None:
            on_progress(settled, len(wanted))
    report = PrepareReport(
        name=name,
        clips=len(wanted),
        done=len(jobs) - len(failed),
        there=there,
        missing=tuple(missing),
        failed=tuple(sorted(failed, key=lambda one: one.id)),
    )
    _write(out / REPORT, json.dumps(asdict(report), indent=2).encode())
    return report


def index_videos(folder: Path) -> dict[str, Path]:
    """Video files by their names without ending, and by their paths in the folder; results of tvsl do not count."""
    found: dict[str, Path] = {}
    for path in outside_results(sorted(folder.rglob("*")), folder):
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
            found.setdefault(path.stem, path)
            found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), path)
    return found


def frame_path(out: Path, clip: str) -> Path:
    """Where the frame of a clip lies."""
    return out / "frames" / f"{clip}.jpg"


def sound_path(out: Path, clip: str) -> Path:
    """Where the sound of a clip lies."""
    return out / "audio" / f"{clip}.wav"


def cut_clip(clip: str, video: Path, time_s: float | None, out: Path) -> None:
    """Cut one clip: its sound, then its frame.

    Args:
        clip: Its id.
        video: The file.
        time_s: The instant on the file's timeline; None is its middle.
        out: Output folder.

    Raises:
        MediaError: The video cannot be decoded, shows nothing at that instant or has no sound.
        OutputError: A file cannot be written.
    """
    from tvsl_core.data.benchmarks.clips import read_around, read_frame
    from tvsl_core.media.read.probe import probe

    if probe(video).sound_track is None:
        raise MediaError(f"'{video}' has no sound track.", stage="decode")
    frame = read_frame(video, time_s)
    _write(sound_path(out, clip), wav_bytes(read_around(video, time_s, SAMPLE_RATE), SAMPLE_RATE))
    _write(frame_path(out, clip), jpeg_bytes(frame))


def wav_bytes(waveform: NDArray[np.float32], sample_rate: int) -> bytes:
    """A WAV file of 16 bits, mono."""
    import io
    import wave

    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.rint(waveform.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return data.getvalue()


def jpeg_bytes(frame: NDArray[np.uint8]) -> bytes:
    """A JPEG file of a frame, made smaller if it is large."""
    import cv2

    height, width = frame.shape[:2]
    factor = min(1.0, LARGEST / min(height, width))
    if factor < 1:
        size = (round(width * factor), round(height * factor))
        frame = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(frame[:, :, ::-1]), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise MediaError(f"a frame of {width} x {height} pixels cannot be written as JPEG.", stage="write")
    return bytes(data)


Job = tuple[str, Path, float | None, Path]


def _run(jobs: Sequence[Job], workers: int) -> Iterator[tuple[str, str]]:
    """Every clip's id and why it failed, empty when it did not, in the order in which they are done."""
    if workers == 1 or len(jobs) < 2:
        yield from map(_cut, jobs)
        return
    waiting = iter(jobs)
    # 'spawn': a fork would copy the locks of decoders that may be at work in this process
    with ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn"), initializer=_begin_worker) as pool:
        running = {pool.submit(_cut, job): job for job in islice(waiting, workers * QUEUED)}
        try:
            while running:
                ready, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ready:
                    job = running.pop(future)
                    yield future.result()
                    running |= {pool.submit(_cut, more): more for more in islice(waiting, 1)}
        except BrokenProcessPool:
            left = [job[0] for job in running.values()]
            raise OutputError(
                f"a worker process was killed while it cut one of {', '.join([job[0], *left][:5])}.",
                hint="Memory may be short: give the same command again with fewer --workers; what is done is kept.",
            ) from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin_worker() -> None:
    """One thread, no traceback on Ctrl-C (the parent answers it), and no life after the parent's."""
    import cv2

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for its next clip for ever."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _cut(job: Job) -> tuple[str, str]:
    """Cut one clip; a failure of its own is told, one of the disk is raised."""
    identity, video, time_s, out = job
    try:
        cut_clip(identity, video, time_s, out)
    except OutputError:
        raise
    except TvslError as problem:
        return identity, str(problem)
    return identity, ""


def _make_folders(out: Path) -> None:
    make_results_folder(out)
    for name in ("frames", "audio"):
        try:
            (out / name).mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise OutputError(
                f"the folder '{out / name}' cannot be made: {problem.strerror or problem}.",
                hint="Choose another folder with --out DIR.",
            ) from problem


def _write(path: Path, data: bytes) -> None:
    from tvsl_core.system.files import write_bytes

    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, data)


def wanted_of(clips: Iterable[str]) -> tuple[Wanted, ...]:
    """Clips that are known by their id only; of a VGGSound or MUSIC id the whole video is known too."""
    from tvsl_core.data.training_sets.lists import music_clip, vggsound_clip

    found = []
    for clip in clips:
        listed = None
        for read in (vggsound_clip, music_clip):
            try:
                listed = read(clip, ())
                break
            except ValueError:
                continue
        found.append(Wanted(id=clip) if listed is None else Wanted(id=clip, video=listed.video, time_s=listed.time_s))
    return tuple(found)
