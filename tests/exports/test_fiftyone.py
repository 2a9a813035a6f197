"""FiftyOne's own reader of COCO, where somebody has installed it: it weighs half a gigabyte and is in no extra of ours.

Its datasets want a MongoDB that it fetches when it first runs; what reads the file does not.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

from tests.exports.conftest import BOX, EVENTS
from tvsl_core.exports.export import export_results
from tvsl_core.media.write.binary import find_ffmpeg

PAGE = Path(__file__).resolve().parents[2] / "docs/exports.md"
RECIPE = PAGE.read_text(encoding="utf-8").partition("## FiftyOne")[2].partition("\n## ")[0]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("fiftyone") is None, reason="fiftyone is not installed"),
]


def test_fiftyone_reads_boxes_and_scores_of_the_frames_that_the_recipe_cuts(results, tmp_path, monkeypatch):
    from fiftyone.utils import coco

    monkeypatch.chdir(tmp_path)
    list(export_results(results.folder, formats=["coco"], out=tmp_path))
    (frames,) = re.findall(r"^    ffmpeg (.+)$", RECIPE, re.MULTILINE)
    for name, clip in results.clips.items():
        Path("frames", name).mkdir(parents=True)
        command = [str(clip) if word == "VIDEO.mp4" else word.replace("VIDEO.mp4", name) for word in frames.split()]
        subprocess.run([str(find_ffmpeg()), *command], check=True, capture_output=True)
    (document,) = tmp_path.rglob("coco.json")
    reader = coco.COCODetectionDatasetImporter(data_path="frames", labels_path=str(document))
    with reader:
        read = {path: (size, label["detections"].detections) for path, size, label in reader if label}
    mine = [(size, box) for path, (size, boxes) in read.items() if "film.mp4" in path for box in boxes]

    assert {box.label for _, box in mine} == {one.name for one in EVENTS if one.box}
    assert {box.confidence for _, box in mine} == {0.9, 0.75}
    assert {round(box.bounding_box[2] * size.width) for size, box in mine} == {BOX.x_max - BOX.x_min}
