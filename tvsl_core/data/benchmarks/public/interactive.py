"""IS3 and VPO: one image, the sound of one of its objects at a time.

Sources: Senocak et al., "Aligning Sight and Sound", 2024 (IS3, and the boxes of VPO that go with it); Chen et al.,
"Unraveling Instance Associations", CVPR 2024 (VPO).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tvsl_core.data.benchmarks.boxes import check_form, read_boxes
from tvsl_core.data.benchmarks.files import find_file, read_json
from tvsl_core.data.benchmarks.sample import Benchmark, Refused, Sample, Source, sorted_classes
from tvsl_core.errors import ManifestError

SIDE = 224
"""Pixels of the square in which boxes are written."""
CLASS_KEYS = ("class", "category", "gt_category", "label")


def load_is3(folder: Path) -> Benchmark:
    """IS3: ``IS3_annotation.json`` (or ``synthetic3240_bbox.json``), a list of {image, audio, gt_box}."""
    return _load("is3", find_file(folder, "IS3_annotation.json", "synthetic3240_bbox.json"), "is3")


def load_vpo_single(folder: Path) -> Benchmark:
    """VPO-SS: ``vpo_ss_bbox.json``, in the same form."""
    return _load("vpo-ss", find_file(folder, "vpo_ss_bbox.json"), "vpo")


def load_vpo_multi(folder: Path) -> Benchmark:
    """VPO-MS: ``vpo_ms_bbox.json``, in the same form."""
    return _load("vpo-ms", find_file(folder, "vpo_ms_bbox.json"), "vpo")


def _load(name: str, path: Path, family: str) -> Benchmark:
    entries = read_json(path, list)
    samples, refused, dropped = [], [], 0
    try:
        boxes = [[float(value) / SIDE for value in entry["gt_box"]] for entry in entries]
        check_form(boxes, "xyxy", where=str(path))
        for entry, box in zip(entries, boxes, strict=True):
            clip = Path(entry["image"]).stem
            corners, lost = read_boxes([box], "xyxy")
            dropped += lost
            if not corners:
                refused.append(Refused(id=clip, reason="no box with an area"))
                continue
            picture, _, ending = clip.rpartition("_")
            source = Source(name=_class_of(entry, ending), boxes=corners)
            sound = Path(entry["audio"]).stem if "audio" in entry else clip
            samples.append(
                Sample(id=clip, video=picture, sources=(source,), clips=(clip,), sounds=(sound,), pair=picture)
            )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise ManifestError(f"'{path}' is no list of images, sounds and boxes ({problem!r}).") from None
    kept = tuple(samples)
    return Benchmark(
        name=name,
        samples=kept,
        classes=sorted_classes(kept),
        refused=tuple(refused),
        family=family,
        dropped_boxes=dropped,
        measures=("interaction",),
    )


def _class_of(entry: dict[str, Any], ending: str) -> str:
    """What the entry calls its object; else the last part of the file's name."""
    named = next((entry[key] for key in CLASS_KEYS if entry.get(key)), ending)
    return str(named).replace("_", " ")
