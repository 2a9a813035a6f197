"""One video's place in the results: where everything goes, and whether it is already there."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.results.names import result_folder, result_path
from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.errors import OutputError
from tvsl_core.system.files import PARTIAL_PATTERN, discard_partial, make_folder
from tvsl_core.system.leases import Lease
from tvsl_core.system.results import HEATMAPS
from tvsl_core.types import AnyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoItem:
    """One video to annotate."""

    path: Path
    name: str
    """Path relative to the scanned root, with forward slashes; unique within a run; names the results.

    Always text: bytes of a file name that are not UTF-8 stand as U+FFFD in it.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One video, the settings, and the files that will come of it."""

    item: VideoItem
    out: Path
    options: AnnotateOptions
    fingerprint: str
    """Of everything that can change the result."""
    lease: Lease | None = None
    """What gives the right to write the results; None where nobody else can be at work."""

    @property
    def table(self) -> Path:
        """``sources/<video>.parquet``; a video whose table exists under the same key is done."""
        return result_path(self.out, "sources", self.item.name, ".parquet")

    @property
    def events(self) -> Path:
        """``events/<video>.parquet``."""
        return result_path(self.out, "events", self.item.name, ".parquet")

    @property
    def strip(self) -> Path:
        """``strips/<video>.jpg``."""
        return result_path(self.out, "strips", self.item.name, ".jpg")

    @property
    def heatmaps(self) -> Path:
        """``heatmaps/<video>/``, the folder of the heatmap videos."""
        return result_folder(self.out, HEATMAPS, self.item.name)

    def key(self) -> dict[str, str]:
        """What must be equal for an earlier result to be still valid."""
        return {"fingerprint": self.fingerprint} | input_key(self.item.path)

    def staleness(self) -> str | None:
        """Why an earlier result of this video does not hold; empty when it does, None when there is none."""
        from tvsl_core.annotate.results.table import read_metadata  # most runs over finished results open no table

        metadata = read_metadata(self.table) if self.table.is_file() else {}
        if metadata.get("schema_version") != SCHEMA_VERSION:
            return "made by an earlier version, without events" if metadata else None
        try:
            key = self.key()
        except OSError:
            return "its input cannot be read"
        wrong = {name for name, value in key.items() if metadata.get(name) != value}
        if wrong & {"input_size", "input_mtime_ns"}:
            return "its input changed"
        if "input_id" in wrong:
            return "another file had its name"
        gone = "" if self.events.is_file() else "its table of events is gone"
        return "other settings, model or version" if wrong else gone

    def is_done(self) -> bool:
        """Whether the table of an earlier run with the same input and settings is there, whole."""
        return self.staleness() == ""

    def make_room(self, folder: Path) -> None:
        """Create a folder below the output folder.

        Raises: OutputError: The output folder is gone, or the folder cannot be created.
        """
        make_folder(folder, inside=self.out)

    def check_lease(self) -> None:
        """Make sure that the results are still ours to write.

        Raises: OutputError: Another process took the video over, because this one showed no life for too long.
        """
        if self.lease is not None and not self.lease.holds():
            raise OutputError(
                f"{self.item.name} was taken over by another process, since this one showed no life for too long.",
                hint="Nothing is lost: the other one finishes it.",
                stage="write",
            )

    def discard_leftovers(self) -> None:
        """Remove unfinished heatmap videos of a worker that was ended in the middle."""
        for partial in self.heatmaps.glob(PARTIAL_PATTERN):
            discard_partial(partial)


def tables_stamp(table: AnyPath, events: AnyPath) -> str:
    """Size and time of a video's two tables, and the version of their columns; empty when one is not there.

    While it is what it was when they were written, nobody has to open them to know what they are.
    """
    try:
        stats = [os.stat(path) for path in (table, events)]  # noqa: PTH116 paths may be text, which is faster
    except OSError:
        return ""
    return " ".join([SCHEMA_VERSION, *(f"{stat.st_size} {stat.st_mtime_ns}" for stat in stats)])


def input_key(path: Path) -> dict[str, str]:
    """What tells that an input is not the file it was: its place, size and time, as metadata of a table.

    Raises: OSError: It is not there.
    """
    stat = path.stat()
    place = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:16]
    return {"input_id": place, "input_size": str(stat.st_size), "input_mtime_ns": str(stat.st_mtime_ns)}
