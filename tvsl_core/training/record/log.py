"""What a run says about itself: one JSON object a line, and one file about the whole."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from tvsl_core.errors import OutputError
from tvsl_core.system.files import write_bytes, write_error
from tvsl_core.training.validate import ClassScore

CLASSES = "classes.csv"
METRICS = "metrics.jsonl"
RUN = "run.json"


class MetricsLog:
    """``metrics.jsonl`` of a run; lines of steps that a continued run repeats are dropped.

    Args:
        run: The run's folder.
        after: Steps that are behind the run; later lines are from before it was interrupted.
        writes: False for all but one of several processes.
    """

    def __init__(self, run: Path, *, after: int, writes: bool = True) -> None:
        self.path = run / METRICS
        self._file: IO[str] | None = None
        if not writes:
            return
        run.mkdir(parents=True, exist_ok=True)
        kept = [line for line in read_metrics(run) if line["step"] <= after] if after else []
        write_bytes(self.path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self._file = self.path.open("a", encoding="utf-8")

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # what was written line by line is there
                self._file.close()

    def write(self, kind: str, step: int, values: Mapping[str, float]) -> None:
        """One line. Raises: OutputError: The disk is full."""
        if self._file is None:
            return
        try:
            self._file.write(json.dumps({"kind": kind, "step": step, **values}) + "\n")
            self._file.flush()
        except OSError as error:
            raise write_error(self.path, error) from error


def read_metrics(run: Path) -> list[dict[str, Any]]:
    """All whole lines of a run's metrics; a line that was being written when the run was killed is left out."""
    path = run / METRICS
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines


def write_classes(run: Path, classes: Mapping[str, ClassScore]) -> None:
    """Write ``classes.csv``: every class of the validation split with what was right of it; nothing without classes.

    Raises: OutputError: It cannot be written.
    """
    if not classes:
        return
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("class", "heard", "sounding", "placed", "marked"))
    for name, (heard, sounding, placed, marked) in classes.items():
        table.writerow((name, _share(heard, sounding), sounding, _share(placed, marked), marked))
    write_bytes(run / CLASSES, text.getvalue().encode())


def _share(right: int, of: int) -> str:
    return f"{right / of:.4f}" if of else ""


def write_run(run: Path, facts: Mapping[str, Any]) -> None:
    """Write ``run.json``. Raises: OutputError: It cannot be written."""
    try:
        text = json.dumps(facts, indent=2, ensure_ascii=False, default=str)
    except (TypeError, ValueError) as error:
        raise OutputError(f"{run / RUN} cannot hold these facts: {error}.") from error
    write_bytes(run / RUN, text.encode("utf-8", "backslashreplace"))


MAY_DIFFER = frozenset({"out", "device", "workers", "cache", "checkpoint_steps", "keep_checkpoints"})
"""What a run is asked and may be asked otherwise when it is continued."""


def differences(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What two runs were asked differently: option to its value then and now; ``losses.see`` for one of a table.

    Args:
        earlier: ``run.json`` of one, with ``options`` and perhaps ``request``.
        now: The same facts of another.
    """
    before, after = (flat_settings(json.loads(json.dumps(facts, default=str))) for facts in (earlier, now))
    return {
        name: (before.get(name), after.get(name))
        for name in dict.fromkeys((*after, *before))
        if before.get(name) != after.get(name) and name not in MAY_DIFFER
    }


def flat_settings(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a run was asked, by option; ``losses.see`` for one of a table."""
    found: dict[str, Any] = {}
    for part in ("options", "request"):
        for key, value in (facts.get(part) or {}).items():
            name = key.replace("-", "_")
            found |= (
                {f"{name}.{inner}": one for inner, one in value.items()} if isinstance(value, dict) else {name: value}
            )
    return found


def read_run(run: Path) -> dict[str, Any]:
    """``run.json`` of a run; empty when there is none or it cannot be read."""
    try:
        found = json.loads((run / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
