"""Where the media of a benchmark lie, and which are missing.

Two layouts are accepted and may be mixed: ``<root>/audio/<id>.wav`` with ``<root>/frames/<id>.jpg``, or
``<root>/videos/<id>.mp4``. Missing media are listed and counted, never replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tvsl_core.data.benchmarks.sample import Benchmark

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png")
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".ogg")
VIDEO_SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipMedia:
    """The files of one clip: a frame and its sound, or a video that holds both."""

    clip: str
    frame: Path | None = None
    audio: Path | None = None
    video: Path | None = None
    sound_video: Path | None = None
    """A video of another clip whose sound is used."""

    @property
    def complete(self) -> bool:
        """Whether a picture and a sound are there."""
        seen = self.frame is not None or self.video is not None
        heard = self.audio is not None or self.video is not None or self.sound_video is not None
        return seen and heard

    @property
    def lack(self) -> str:
        """What is missing, in words; empty when complete."""
        if self.complete:
            return ""
        if self.frame is None and self.audio is None and self.sound_video is None:
            return "frame and sound"
        return "frame" if self.frame is None else "sound"


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaCheck:
    """Which media of a benchmark are there."""

    root: Path
    clips: int
    """Different clips that the benchmark needs."""
    missing: tuple[ClipMedia, ...]
    usable_samples: int
    samples: int


def find_media(root: Path, clip: str) -> ClipMedia:
    """Look for the files of one clip under a media root, in either layout."""

    def first(folder: str, suffixes: Iterable[str]) -> Path | None:
        candidates = (root / folder / f"{clip}{suffix}" for suffix in suffixes)
        return next((path for path in candidates if path.is_file()), None)

    return ClipMedia(
        clip=clip,
        frame=first("frames", FRAME_SUFFIXES),
        audio=first("audio", AUDIO_SUFFIXES),
        video=first("videos", VIDEO_SUFFIXES),
    )


def find_all(root: Path, clips: Iterable[str]) -> tuple[ClipMedia, ...]:
    """The files of many clips; each folder is listed once, so that tens of thousands take a moment."""

    def listed(folder: str, suffixes: tuple[str, ...]) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for path in sorted((root / folder).rglob("*")) if (root / folder).is_dir() else ():
            if path.suffix.lower() in suffixes:
                found.setdefault(path.relative_to(root / folder).with_suffix("").as_posix(), path)
        return found

    frames, sounds = listed("frames", FRAME_SUFFIXES), listed("audio", AUDIO_SUFFIXES)
    videos = listed("videos", VIDEO_SUFFIXES)
    return tuple(
        ClipMedia(clip=clip, frame=frames.get(clip), audio=sounds.get(clip), video=videos.get(clip)) for clip in clips
    )


def check_media(benchmark: Benchmark, root: Path) -> MediaCheck:
    """List what is missing under a media root.

    Args:
        benchmark: Whose clips are looked for.
        root: Holds ``audio`` and ``frames``, or ``videos``.
    """
    clips = dict.fromkeys(clip for sample in benchmark.samples for clip in sample.clips)
    found = {media.clip: media for media in find_all(root, clips)}
    usable = sum(all(found[clip].complete for clip in sample.clips) for sample in benchmark.samples)
    return MediaCheck(
        root=root,
        clips=len(found),
        missing=tuple(media for media in found.values() if not media.complete),
        usable_samples=usable,
        samples=len(benchmark.samples),
    )
