"""One video's place in the results: where everything goes, and whether it is already there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tvsl_core.pipeline.inputs import VideoItem
from tvsl_core.pipeline.options import AnnotateOptions
from tvsl_core.pipeline.table import read_metadata

MAX_NAME_BYTES = 200
"""Longest file name that we make; most file systems allow 255 bytes, and our endings need some."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One video, the settings, and the files that will come of it."""

    item: VideoItem
    out: Path
    options: AnnotateOptions
    fingerprint: str
    """Of everything that can change the result."""

    @property
    def table(self) -> Path:
        """``sources/<video>.parquet``; a video whose table exists under the same key is done."""
        return result_path(self.out, "sources", self.item.name, ".parquet")

    @property
    def strip(self) -> Path:
        """``strips/<video>.png``."""
        return result_path(self.out, "strips", self.item.name, ".png")

    @property
    def heatmaps(self) -> Path:
        """``heatmaps/<video>/``, the folder of the heatmap videos."""
        return result_path(self.out, "heatmaps", self.item.name, "")

    def key(self) -> dict[str, str]:
        """What must be equal for an earlier result to be still valid."""
        return {"fingerprint": self.fingerprint} | input_key(self.item.path)

    def is_done(self) -> bool:
        """Whether the table of an earlier run with the same input and settings is there, whole."""
        if not self.table.is_file():
            return False
        metadata = read_metadata(self.table)
        try:
            return all(metadata.get(name) == value for name, value in self.key().items())
        except OSError:
            return False


def result_path(out: Path, room: str, video: str, ending: str) -> Path:
    """Where a result of a video goes: below its room, under the video's own relative name, on any file system."""
    parts = [_safe_name(part) for part in video.split("/")]
    return out.joinpath(room, *parts[:-1], parts[-1] + ending)


def input_key(path: Path) -> dict[str, str]:
    """What tells that an input is not the file it was: its size and time, as metadata of a table."""
    stat = path.stat()
    return {"input_size": str(stat.st_size), "input_mtime_ns": str(stat.st_mtime_ns)}


def heatmap_name(source_id: int, klass: str) -> str:
    """``<source_id>-<class>.mp4`` with a class name that any file system takes."""
    return f"{source_id}-{_safe_name(klass.replace('/', ' '))}.mp4"


def _safe_name(part: str) -> str:
    """A path part that stays inside its folder on any system: no separators, no control characters, not too long."""
    cleaned = "".join("_" if ord(c) < 32 or ord(c) == 127 or c in '/\\:*?"<>|' else c for c in part)
    if cleaned.strip(". ") == "":
        cleaned = "_" + cleaned.replace(".", "_")
    raw = cleaned.encode("utf-8", errors="surrogateescape")
    if len(raw) <= MAX_NAME_BYTES:
        return cleaned
    import hashlib

    digest = hashlib.sha256(raw).hexdigest()[:12]
    return raw[: MAX_NAME_BYTES - 13].decode("utf-8", errors="ignore") + "-" + digest
