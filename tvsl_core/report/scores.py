"""What an evaluation leaves behind for programs: ``scores.json`` and ``per_sample.parquet``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tvsl_core.errors import InputError
from tvsl_core.evaluation.classes import per_class_places
from tvsl_core.evaluation.compare import ScoredSystem
from tvsl_core.evaluation.metrics.recordings import RecordingScores
from tvsl_core.evaluation.metrics.recordings import figures as timing_figures
from tvsl_core.evaluation.protocols import find_protocol
from tvsl_core.evaluation.published import NOTE
from tvsl_core.evaluation.run import Evaluation
from tvsl_core.evaluation.scoring import SourceRow
from tvsl_core.evaluation.summary import Score
from tvsl_core.system.files import make_folder, write_bytes

LISTED = 1000
"""At most so many missing or refused samples are listed by name; all are counted."""


def as_json(evaluation: Evaluation, *, command: Sequence[str] = (), version: str = "") -> dict[str, Any]:
    """Everything that was measured, as plain values.

    Returns: ``scores`` and ``floors`` hold, for every name, value, n, interval, floor and margin, in shares of 1.
    """
    own = [score for score in evaluation.scores if score.classes not in evaluation.floor_rows]
    floors = [score for score in evaluation.scores if score.classes in evaluation.floor_rows]
    return {
        "benchmark": evaluation.benchmark,
        "protocol": evaluation.protocol.as_dict(),
        "tvsl": version,
        "command": list(command),
        "counts": counts(evaluation),
        "scores": _named(own),
        "floors": _named(floors),
        "same_class": _named(evaluation.apart),
        "detection": evaluation.detection,
        "measures": evaluation.measures,
        "timing": {name: _timing(found) for name, found in evaluation.timing.items()},
        "certainty": None if evaluation.certainty is None else asdict(evaluation.certainty),
        "per_class": [asdict(row) for row in evaluation.per_class],
        "per_class_localization": [
            asdict(place) for place in per_class_places(evaluation.rows, evaluation.floor_rows, evaluation.protocol)
        ],
        "reported": {
            "note": NOTE,
            "percent": {entry.system: dict(entry.values) for entry in evaluation.reported},
            "protocol": {entry.system: entry.protocol for entry in evaluation.reported},
        },
        "notes": list(evaluation.notes),
        "missing": [asdict(problem) for problem in evaluation.missing[:LISTED]],
        "unusable": [asdict(problem) for problem in evaluation.unusable[:LISTED]],
        "unknown": list(evaluation.unknown[:LISTED]),
        "refused": [asdict(entry) for entry in evaluation.refused[:LISTED]],
    }


def _timing(scores: RecordingScores) -> dict[str, dict[str, float]]:
    """When things are reported: every figure by its name, with what it was counted on."""
    return {
        one.name: {"value": one.value, "n": one.number, "low": one.low, "high": one.high}
        for one in timing_figures(scores)
    }


def combined(evaluations: Sequence[Evaluation], *, command: Sequence[str] = (), version: str = "") -> dict[str, Any]:
    """One document; several lists, protocols or numbers of sources stand under ``evaluations``."""
    documents = [as_json(evaluation, command=command, version=version) for evaluation in evaluations]
    whole = dict(documents[0])
    if len(documents) > 1:
        same = [
            one for one in documents if one["benchmark"] == whole["benchmark"] and one["protocol"] != whole["protocol"]
        ]
        for one in same:
            whole["floors"] = {**whole["floors"], **one["floors"]}
            whole["scores"] = {**whole["scores"], **one["scores"]}
        whole["evaluations"] = documents
    return whole


def counts(evaluation: Evaluation) -> dict[str, int]:
    """How much was scored, and how much was not."""
    first = next(iter(evaluation.floor_rows.values()), [])
    return {
        "samples": evaluation.samples,
        "sources": len(first),
        "videos": evaluation.videos,
        "missing": len(evaluation.missing),
        "unusable": len(evaluation.unusable),
        "unknown": len(evaluation.unknown),
        "refused": len(evaluation.refused),
        "dropped_boxes": evaluation.dropped_boxes,
    }


def _named(scores: Sequence[Score]) -> dict[str, dict[str, object]]:
    return {score.name: score.as_dict() for score in scores}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON, complete or not at all; numbers that are none become null.

    Raises: OutputError: The file cannot be written.
    """
    text = json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n"
    write_whole(path, text.encode())


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, complete or not at all, and the folder that it lies in.

    Raises: OutputError: The file cannot be written.
    """
    make_folder(path.parent)
    write_bytes(path, content)


def write_rows(path: Path, evaluation: Evaluation) -> None:
    """Write one row for each source, class mode and floor: ``per_sample.parquet``.

    Raises: OutputError: The file cannot be written.
    """
    import io

    import pyarrow
    import pyarrow.parquet

    labelled: list[tuple[str, SourceRow]] = [(row.classes, row) for row in evaluation.rows]
    labelled += [(name, row) for name, rows in evaluation.floor_rows.items() for row in rows]
    texts = ("sample", "video", "klass", "answered_by", "tag")
    columns: dict[str, Any] = {"classes": pyarrow.array([label for label, _ in labelled]).dictionary_encode()}
    for name in SourceRow.__dataclass_fields__:
        if name == "classes":
            continue
        values = pyarrow.array([getattr(row, name) for _, row in labelled])
        columns["class" if name == "klass" else name] = values.dictionary_encode() if name in texts else values
    table = pyarrow.table(columns)
    metadata = {"benchmark": evaluation.benchmark, "protocol": json.dumps(evaluation.protocol.as_dict())}
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), buffer, compression="zstd")
    write_whole(path, buffer.getvalue())


def read_system(folder: Path, name: str = "") -> ScoredSystem:
    """Read back what an evaluation wrote into a folder.

    Args:
        folder: Holds ``per_sample.parquet``.
        name: What the system is called; by default the folder's own name.

    Raises: InputError: There is no such file, or it is no table of an evaluation.
    """
    import pyarrow
    import pyarrow.parquet

    path = folder / "per_sample.parquet"
    if not path.is_file():
        raise InputError(
            f"'{folder}' holds no per_sample.parquet.", hint="Name a folder that 'tvsl evaluate --out DIR' wrote."
        )
    try:
        table = pyarrow.parquet.read_table(path)
        stored = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        noted = json.loads(stored["protocol"])
        protocol = find_protocol(noted["name"])
        if protocol.as_dict() != noted:
            raise ValueError(f"its protocol '{protocol.name}' is that of another version")
        names = {"class" if one == "klass" else one: one for one in SourceRow.__dataclass_fields__}
        entries = table.select(list(names)).to_pylist()
        rows = [SourceRow(**{names[key]: value for key, value in entry.items()}) for entry in entries]
    except (pyarrow.ArrowException, KeyError, ValueError, TypeError) as problem:
        raise InputError(
            f"'{path}' is no table of an evaluation: {problem}.", hint="Run 'tvsl evaluate --out DIR' again."
        ) from None
    own = tuple(row for row in rows if row.classes in ("oracle", "predicted"))
    return ScoredSystem(name=name or folder.resolve().name, benchmark=stored["benchmark"], protocol=protocol, rows=own)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return value
