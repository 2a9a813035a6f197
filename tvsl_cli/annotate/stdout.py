"""Standard output of ``tvsl annotate``: one line per table, or events and source rows as JSON, or events as CSV."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any

from tvsl_core.annotate.progress import Event, VideoFinished
from tvsl_core.errors import OutputError

_log = logging.getLogger(__name__)


class ResultWriter:
    """Writes a video's results to standard output as soon as the video is finished.

    When nobody reads standard output any more, the annotation goes on without it: its results are files.
    Any other failure to write (a full disk behind a redirection) ends the batch with an ``OutputError``.

    Args:
        jsonl: Write the events and the rows of each table instead of its path.
        csv: Write the events instead, with the names of the columns before the first of them.
        dry_run: Nothing is annotated: write the paths of the tables that would be made.
    """

    def __init__(self, *, jsonl: bool = False, csv: bool = False, dry_run: bool = False) -> None:
        self.jsonl, self.csv, self.dry_run = jsonl, csv, dry_run
        self._closed = self._has_header = False
        self._lock = Lock()

    def hear(self, event: Event) -> None:
        """Write what a finished video has to show; a skipped one shows what it already had."""
        if not isinstance(event, VideoFinished) or event.status == "failed" or not event.outputs:
            return
        if self.dry_run and (self.jsonl or self.csv or event.status == "skipped"):
            return
        with self._lock:
            for line in self._lines(event):
                if self._closed:
                    return
                self._write(line)

    def _lines(self, video: VideoFinished) -> Iterator[str]:
        table = video.outputs[0]
        if self.csv:
            yield from self._csv(video)
        elif self.jsonl:
            if video.event_table is not None:
                yield from _rows(video.event_table, kind="event")
            yield from _rows(table)
        else:
            yield str(table)

    def _csv(self, video: VideoFinished) -> Iterator[str]:
        from tvsl_core.annotate.results.event_table import read_events
        from tvsl_core.exports.tables import event_header, event_lines_of

        if not self._has_header:
            self._has_header = True
            yield event_header()
        if video.event_table is not None:
            yield from event_lines_of(video.video, read_events(video.event_table))

    def _write(self, line: str) -> None:
        from tvsl_cli.shared.terminal import console, say, write_line

        try:
            if sys.stdout.isatty() and console().is_terminal:
                say(line.rstrip("\r\n"))  # the same screen: the progress bars make room for it
            elif self.csv:  # quoting already keeps a value to its cell
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                write_line(line)
        except BrokenPipeError:
            self._closed = True
            _log.info("standard output was closed; going on without it")
        except OSError as error:
            raise OutputError(f"standard output cannot be written: {error.strerror}.", stage="write") from error


def _rows(table: Path, *, kind: str = "") -> Iterator[str]:
    """The rows of a table, each as one JSON object of plain ASCII; a kind stands before the columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(table) as file:
        single = {field.name for field in file.schema_arrow if pa.types.is_float32(field.type)}
        for batch in file.iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                values = {name: plain(value, single=name in single) for name, value in row.items()}
                yield json.dumps({"kind": kind} | values if kind else values)


def plain(value: Any, *, single: bool = False) -> Any:
    """A table value as JSON can hold it.

    Args:
        value: Number, text, None, or a list or dictionary of them, whose numbers are 32-bit floats.
        single: It is a 32-bit float: written with the digits that it has, 0.9 instead of 0.8999999761581421.
    """
    if isinstance(value, list):
        return [plain(item, single=True) for item in value]
    if isinstance(value, dict):
        return {name: plain(item, single=True) for name, item in value.items()}
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return float(f"{value:.7g}") if single else value
    return value
