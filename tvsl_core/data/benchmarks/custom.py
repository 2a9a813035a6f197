"""A benchmark of one's own: a CSV table or a COCO file of boxes.

CSV: a header with ``id, class`` and either ``x_min, y_min, x_max, y_max`` or ``x, y, width, height``, in shares of the
frame, or in pixels when the columns ``frame_width, frame_height`` say of what. Optional: ``video`` (what the bootstrap
draws; default the id). Rows of one id and class are one source; where all four corners are empty, the class sounds and
nobody marked it. COCO: the usual ``images``, ``annotations`` and ``categories`` with boxes in pixels; the id is the
file name without its ending. A results folder stands for the labels that ``tvsl import-labels`` keeps in it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tvsl_core.data.benchmarks.boxes import BoxForm, check_form, read_boxes
from tvsl_core.data.benchmarks.files import read_json, read_text
from tvsl_core.data.benchmarks.sample import Benchmark, CornerBox, Refused, Sample, Source, sorted_classes
from tvsl_core.errors import ManifestError

CORNER_COLUMNS = ("x_min", "y_min", "x_max", "y_max")
SIZE_COLUMNS = ("x", "y", "width", "height")
LABELS = "labels"
"""Folder of what people said, inside the results of what the model said."""
BENCHMARK_LIST, TRAINING_LIST = "benchmark.csv", "training.csv"
"""Its instants, to score on and to train on."""
_Row = tuple[str, str, str, CornerBox | None]


def load_custom(path: Path, *, form: BoxForm | None = None) -> Benchmark:
    """Read a list of one's own.

    Args:
        path: A ``.csv`` or COCO ``.json`` file, or a results folder with labels.
        form: How boxes are written; None takes it from the column names (CSV) or the convention (COCO: xywh).

    Raises: ManifestError: The file is missing or damaged, lacks a column, or its boxes are in the other form.
    """
    if path.is_dir():
        path = labels_of(path) / BENCHMARK_LIST
    if not path.is_file():
        raise ManifestError(
            f"the list '{path}' does not exist.", hint="Name a CSV or COCO file: --benchmark custom --annotations FILE."
        )
    if path.suffix.lower() == ".json":
        rows, form = _coco_rows(path), form or "xywh"
    else:
        rows, form = _csv_rows(path, form)
    if not rows:
        raise ManifestError(f"'{path}' lists no box.")
    check_form([row[3] for row in rows if row[3] is not None], form, where=str(path))
    return _group(rows, form)


def labels_of(results: Path) -> Path:
    """The labels of a results folder: lists, frames and sounds.

    Raises: ManifestError: Nobody labelled anything there.
    """
    labels = results / LABELS
    if not (labels / BENCHMARK_LIST).is_file():
        raise ManifestError(
            f"the folder '{results}' holds no labels.",
            hint="Bring corrections in with tvsl import-labels FILE --results DIR.",
        )
    return labels


def _group(rows: Iterable[_Row], form: BoxForm) -> Benchmark:
    """Rows of one id and class make one source."""
    found: dict[str, tuple[str, dict[str, list[CornerBox]]]] = {}
    dropped = 0
    for clip, video, name, box in rows:
        _, sources = found.setdefault(clip, (video, {}))
        corners, lost = read_boxes([box] if box else [], form)
        sources.setdefault(name, []).extend(corners)
        dropped += lost
    samples, refused = [], []
    for clip, (video, sources) in found.items():
        kept = tuple(Source(name=name, boxes=tuple(boxes)) for name, boxes in sources.items() if boxes)
        if kept:
            samples.append(Sample(id=clip, video=video, sources=kept, clips=(clip,), sounding=tuple(sources)))
        else:
            refused.append(Refused(id=clip, reason="no box with an area"))
    listed = tuple(samples)
    return Benchmark(
        name="custom",
        samples=listed,
        classes=sorted_classes(listed),
        refused=tuple(refused),
        family="custom",
        dropped_boxes=dropped,
    )


def _csv_rows(path: Path, form: BoxForm | None) -> tuple[list[_Row], BoxForm]:
    reader = csv.DictReader(io.StringIO(read_text(path)))
    header = tuple(reader.fieldnames or ())
    columns: tuple[str, ...] = ()
    named: BoxForm = "xyxy"
    if set(CORNER_COLUMNS) <= set(header):
        columns, named = CORNER_COLUMNS, "xyxy"
    elif set(SIZE_COLUMNS) <= set(header):
        columns, named = SIZE_COLUMNS, "xywh"
    missing = [name for name in ("id", "class") if name not in header]
    if missing or not columns:
        needed = f"id, class and {', '.join(CORNER_COLUMNS)} (or {', '.join(SIZE_COLUMNS)})"
        raise ManifestError(f"'{path}' must have a header with {needed}; it has {', '.join(header) or 'none'}.")
    rows: list[_Row] = []
    for number, row in enumerate(reader, start=2):
        try:
            box = _csv_box(row, columns)
        except (TypeError, ValueError, ZeroDivisionError):
            raise ManifestError(f"'{path}', line {number}: a box coordinate is missing or no number.") from None
        if not row["id"] or not row["class"]:
            raise ManifestError(f"'{path}', line {number}: id or class is empty.")
        if box and max(abs(value) for value in box) > 10:
            raise ManifestError(
                f"'{path}', line {number}: the box {box} is not in shares of the frame.",
                hint="Add the columns frame_width and frame_height if coordinates are pixels.",
            )
        rows.append((row["id"], row.get("video") or row["id"], row["class"], box))
    return rows, form or named


def _csv_box(row: Mapping[str, str], columns: tuple[str, ...]) -> CornerBox | None:
    if not any(row[name] for name in columns):
        return None
    left, top, third, fourth = (float(row[name]) for name in columns)
    across, down = float(row.get("frame_width") or 1), float(row.get("frame_height") or 1)
    return left / across, top / down, third / across, fourth / down


def _coco_rows(path: Path) -> list[_Row]:
    content: Mapping[str, Any] = read_json(path, dict)
    try:
        names = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
        images = {entry["id"]: entry for entry in content["images"]}
        rows: list[_Row] = []
        for entry in content["annotations"]:
            image = images[entry["image_id"]]
            clip = Path(image["file_name"]).stem
            left, top, third, fourth = (float(value) for value in entry["bbox"])
            across, down = float(image["width"]), float(image["height"])
            box = (left / across, top / down, third / across, fourth / down)
            rows.append((clip, str(image.get("video", clip)), names[entry["category_id"]], box))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as problem:
        raise ManifestError(f"'{path}' is not a COCO file of boxes: {problem!r} is missing or wrong.") from None
    return rows
