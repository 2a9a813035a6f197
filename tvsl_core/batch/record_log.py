"""What became of every video, kept in few files: one of all, and one of each run since.

A run appends a line to a file of its own as it happens; when it ends, all lines become one file, ``records.jsonl``,
written whole or not at all, and the files of runs that are over go. Whoever reads takes the runs' files first: what is
gone by the time it is opened stands in the whole already. A line that was cut off is no record.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from tvsl_core.batch.records import VideoRecord, parse_record
from tvsl_core.system.files import append_line, make_folder, write_bytes

EARLIER = "units"
"""Folder of one JSON file a video, as the first versions kept them; read, and taken in when a run ends."""
HEAD_BYTES = 1024
"""So much of the beginning of a run's file tells it from another one of its name."""


class RecordLog:
    """The records of one output folder: those that stood there at the last look, and what was added here.

    Args:
        folder: Of the journal.
        inside: The output folder, which must be there.
    """

    def __init__(self, folder: Path, *, inside: Path) -> None:
        self._inside, self._earlier = inside, folder / EARLIER
        self._whole, self._parts = folder / "records.jsonl", folder / "records"
        self._records: dict[str, VideoRecord] | None = None
        self._read: dict[Path, tuple[bytes, int]] = {}
        self._whole_read = (0, 0, 0)

    def read(self, video: str) -> VideoRecord | None:
        """The latest record of a video."""
        return self._all().get(video)

    def records(self) -> Iterator[VideoRecord]:
        """The latest record of every video."""
        yield from self._all().values()

    def append(self, record: VideoRecord, *, run: str, is_urgent: bool) -> None:
        """Add what has just become of a video, in the file of a run.

        Args:
            record: What became of it.
            run: Id of the run.
            is_urgent: Bring it to the disk now. What can be found out again needs no such care.

        Raises: OutputError: It cannot be written.
        """
        path = self._parts / f"{run}.jsonl"
        if not path.exists():  # the first one, or we slept so long that others took us for dead and tidied up
            make_folder(self._parts, inside=self._inside)
        append_line(path, _line(record), sync=is_urgent)
        self._keep(record)

    def refresh(self) -> None:
        """See what other processes have added since the last look."""
        if self._records is None:
            self._records = {}
            for path in self._earlier.glob("*/*.json"):
                with contextlib.suppress(OSError):
                    self._take(path.read_bytes().replace(b"\n", b" "))
        for path in self._parts.glob("*.jsonl"):
            self._read_part(path)
        self._read_whole()

    def compact(self, *, alive: Collection[str]) -> None:
        """Make one file of all. Only for who holds the lease for it.

        Args:
            alive: Ids of other runs that are at work; their files stay.

        Raises: OutputError: It cannot be written.
        """
        self.refresh()
        parts = [path for path in self._parts.glob("*.jsonl") if path.stem not in alive]
        if not parts and not self._earlier.is_dir():
            return
        write_bytes(self._whole, b"".join(_line(record) for record in self.records()))
        for path in parts:
            with contextlib.suppress(OSError):
                path.unlink()
        if not alive:
            shutil.rmtree(self._earlier, ignore_errors=True)

    def _all(self) -> dict[str, VideoRecord]:
        if self._records is None:
            self.refresh()
        assert self._records is not None
        return self._records

    def _read_part(self, path: Path) -> None:
        """The whole lines of a run's file that were not read yet; all of them when it is another file of that name."""
        head, at = self._read.get(path, (b"", 0))
        with contextlib.suppress(OSError), path.open("rb") as file:
            if file.read(len(head)) != head:
                at = 0
            file.seek(at)
            lines, end, _ = file.read().rpartition(b"\n")
            self._take(lines)
            self._read[path] = (head if at else lines[:HEAD_BYTES], at + len(lines) + len(end))

    def _read_whole(self) -> None:
        """The file of all, when it is not the one that was read."""
        with contextlib.suppress(OSError), self._whole.open("rb") as file:
            stat = os.fstat(file.fileno())
            stamp = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if stamp != self._whole_read:
                self._take(file.read())
                self._whole_read = stamp

    def _take(self, lines: bytes) -> None:
        for line in lines.split(b"\n"):
            with contextlib.suppress(ValueError):
                values: Any = json.loads(line)
                record = parse_record(values) if isinstance(values, dict) else None
                if record is not None:
                    self._keep(record)

    def _keep(self, record: VideoRecord) -> None:
        """Of two records of a video the later one counts; by the clock only where the turns do not tell."""
        records = self._all()
        known = records.get(record.row.video)
        if known is None or (record.turn, record.finished) >= (known.turn, known.finished):
            records[record.row.video] = record


def _line(record: VideoRecord) -> bytes:
    return (json.dumps(record.as_json(), separators=(",", ":")) + "\n").encode()
