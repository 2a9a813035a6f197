"""Standard output of ``tvsl annotate``: one line per table, or one JSON object per source row."""

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
        jsonl: Write the rows of each table instead of its path.
        dry_run: Nothing is annotated: write the paths of the tables that would be made.
    """

    def __init__(self, *, jsonl: bool, dry_run: bool = False) -> None:
        self.jsonl = jsonl
        self.dry_run = dry_run
        self._closed = False
        self._lock = Lock()

    def hear(self, event: Event) -> None:
        """Write what a finished video has to show; a skipped one shows what it already had."""
        if not isinstance(event, VideoFinished) or event.status == "failed" or not event.outputs:
            return
        table = event.outputs[0]
        if self.dry_run and (self.jsonl or event.status == "skipped"):
            return
        with self._lock:
            for line in _rows(table) if self.jsonl else [str(table)]:
                if self._closed:
                    return
                self._write(line)

    def _write(self, line: str) -> None:
        from tvsl_cli.shared.terminal import console, say, write_line

        try:
            if sys.stdout.isatty() and console().is_terminal:
                say(line)  # the same screen: the progress bars make room for it
            else:
                write_line(line)
        except BrokenPipeError:
            self._closed = True
            _log.info("standard output was closed; going on without it")
        except OSError as error:
            raise OutputError(f"standard output cannot be written: {error.strerror}.", stage="write") from error


def _rows(table: Path) -> Iterator[str]:
    """The rows of a sources table, each as one JSON object of plain ASCII."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(table) as file:
        single = {field.name for field in file.schema_arrow if pa.types.is_float32(field.type)}
        for batch in file.iter_batches(batch_size=1024):
            for row in batch.to_pylist():
                yield json.dumps({name: plain(value, single=name in single) for name, value in row.items()})


def plain(value: Any, *, single: bool = False) -> Any:
    """A table value as JSON can hold it.

    Args:
        value: Number, text, list or None.
        single: It is a 32-bit float: written with the digits that it has, 0.9 instead of 0.8999999761581421.
    """
    if isinstance(value, list):
        return [plain(item, single=True) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return float(f"{value:.7g}") if single else value
    return value
