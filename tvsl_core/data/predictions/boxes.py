"""Predictions that are boxes: the tables of ``tvsl annotate``, and COCO files of other systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tvsl_core.data.benchmarks.boxes import to_corners
from tvsl_core.data.benchmarks.files import read_json
from tvsl_core.data.benchmarks.sample import CornerBox, Sample
from tvsl_core.data.predictions.prediction import Prediction, Predictions, boxes_as_prediction
from tvsl_core.errors import ManifestError

TABLE_COLUMNS = (
    *("video", "window_start_s", "window_end_s", "time_s", "class", "score"),
    *("x_min", "y_min", "x_max", "y_max", "frame_width", "frame_height"),
)
_Boxes = list[tuple[str, CornerBox, float]]


def open_tables(files: Sequence[Path], known: Mapping[str, str]) -> Predictions:
    """Tables of ``tvsl annotate``: the video's name without folder and ending is the sample's id.

    A sample is one instant, so of each table the rows of the instant nearest to the middle of its windows count. A
    source without a box (offscreen) is reported but not placed.

    Raises: ManifestError: Two tables speak of one sample.
    """
    by_id: dict[str, Path] = {}
    for file in files:
        name = known.get(file.stem, file.stem)
        if name in by_id:
            raise ManifestError(f"'{name}' is predicted twice, by '{by_id[name]}' and '{file}'.")
        by_id[name] = file

    def read(sample: Sample) -> Prediction | None:
        file = by_id.get(sample.id)
        return None if file is None else _read_table(file, tiles=len(sample.clips))

    return Predictions(kind="table", ids=frozenset(by_id), read=read)


def _read_table(path: Path, *, tiles: int) -> Prediction:
    import pyarrow
    import pyarrow.parquet

    try:
        rows = pyarrow.parquet.read_table(path, columns=list(TABLE_COLUMNS)).to_pylist()
    except (pyarrow.ArrowException, OSError, KeyError) as problem:
        raise ManifestError(f"the table '{path}' is not one of tvsl annotate: {problem}.") from None
    if not rows:
        return boxes_as_prediction([], tiles=tiles)
    middle = (min(row["window_start_s"] for row in rows) + max(row["window_end_s"] for row in rows)) / 2
    instant = min((row["time_s"] for row in rows), key=lambda time: abs(time - middle))
    boxes: _Boxes = []
    for row in rows:
        if row["time_s"] != instant:
            continue
        corners: CornerBox | None = (0.0, 0.0, 0.0, 0.0)
        if row["x_min"] is not None:
            across, down = row["frame_width"], row["frame_height"]
            edges = (row["x_min"] / across, row["y_min"] / down, row["x_max"] / across, row["y_max"] / down)
            corners = to_corners(edges, "xyxy")
        if corners is not None:
            boxes.append((row["class"], corners, float(row["score"])))
    return boxes_as_prediction(boxes, tiles=tiles)


def open_coco(path: Path, known: Mapping[str, str]) -> Predictions:
    """A COCO file: ``images``, ``categories``, and ``annotations`` with ``bbox`` in pixels and optional ``score``.

    The sample's id is the image's file name without its ending. An image without annotations says that nothing sounds.

    Raises: ManifestError: The file is damaged or lists an image twice.
    """
    content: Mapping[str, Any] = read_json(path, dict)
    by_id: dict[str, _Boxes] = {}
    try:
        names = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
        images = {}
        for image in content["images"]:
            stem = Path(image["file_name"]).stem
            name = known.get(stem, stem)
            if name in by_id:
                raise ManifestError(f"'{path}' lists the image '{name}' twice.")
            by_id[name] = []
            images[image["id"]] = (name, float(image["width"]), float(image["height"]))
        for entry in content["annotations"]:
            name, across, down = images[entry["image_id"]]
            left, top, width, height = (float(value) for value in entry["bbox"])
            corners = to_corners((left / across, top / down, width / across, height / down), "xywh")
            if corners is not None:
                by_id[name].append((names[entry["category_id"]], corners, float(entry.get("score", 1.0))))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as problem:
        raise ManifestError(f"'{path}' is not a COCO file of boxes: {problem!r} is missing or wrong.") from None

    def read(sample: Sample) -> Prediction | None:
        boxes = by_id.get(sample.id)
        return None if boxes is None else boxes_as_prediction(boxes, tiles=len(sample.clips))

    return Predictions(kind="coco", ids=frozenset(by_id), read=read)
