"""VGG-SS and VGGSound-Duet: boxes on frames of VGGSound test clips.

Sources: Chen et al., "Localizing Visual Sounds the Hard Way", CVPR 2021 (boxes); Mo and Tian, CVPR 2023 (pairs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tvsl_core.data.benchmarks.boxes import check_form, read_boxes
from tvsl_core.data.benchmarks.files import find_file, read_json, read_rows
from tvsl_core.data.benchmarks.sample import (
    SAME_CLASS,
    Benchmark,
    CornerBox,
    Refused,
    Sample,
    Source,
    class_key,
    sorted_classes,
)
from tvsl_core.errors import ManifestError

NO_BOX = "no box with an area"


@dataclass(frozen=True, kw_only=True, slots=True)
class Marked:
    """What VGG-SS says about one clip."""

    name: str
    boxes: tuple[CornerBox, ...]


def read_vggss(folder: Path) -> tuple[Mapping[str, Marked], int]:
    """Read ``vggss.json``: boxes are corners in shares of the frame.

    Returns: What each clip id shows, and how many boxes without area were dropped (18 in the published file, 12 of them
        with a coordinate of -2.9e16).

    Raises: ManifestError: The file is missing, damaged, or lists an id twice.
    """
    path = find_file(folder, "vggss.json")
    marked: dict[str, Marked] = {}
    dropped = 0
    entries = read_json(path, list)
    try:
        check_form([box for entry in entries for box in entry["bbox"]], "xyxy", where=str(path))
        for entry in entries:
            boxes, lost = read_boxes(entry["bbox"], "xyxy")
            if entry["file"] in marked:
                raise ManifestError(f"'{path}' lists '{entry['file']}' twice.", hint="Fetch the file again.")
            marked[entry["file"]] = Marked(name=entry["class"], boxes=boxes)
            dropped += lost
    except (KeyError, TypeError, ValueError) as problem:
        raise ManifestError(f"'{path}' is not a VGG-SS list: entries need file, class and bbox ({problem}).") from None
    return marked, dropped


def video_of(clip: str) -> str:
    """The video that a VGGSound clip was cut from: its id without the start second."""
    return clip[:11]


def load_single(folder: Path) -> Benchmark:
    """VGGSound-Single, the 5,158 test clips of VGG-SS with one source each.

    Args:
        folder: Holds ``vggss.json`` and, if only a part of it is wanted, ``vggsound_single_test.csv`` (id, class).

    Raises: ManifestError: A file is missing or damaged, or the two disagree.
    """
    marked, dropped = read_vggss(folder)
    listed = folder / "vggsound_single_test.csv"
    rows = read_rows(listed, 2) if listed.is_file() else [[clip, entry.name] for clip, entry in marked.items()]
    samples, refused = [], []
    for clip, name in rows:
        entry = _entry(marked, clip, name, listed)
        if not entry.boxes:
            refused.append(Refused(id=clip, reason=NO_BOX))
            continue
        source = Source(name=entry.name, boxes=entry.boxes)
        samples.append(Sample(id=clip, video=video_of(clip), sources=(source,), clips=(clip,)))
    return Benchmark(
        name="vggsound-single",
        samples=tuple(samples),
        classes=sorted_classes(tuple(samples)),
        refused=tuple(refused),
        family="vggsound",
        dropped_boxes=dropped,
    )


def load_duet(folder: Path) -> Benchmark:
    """VGGSound-Duet: two VGG-SS clips side by side, their sounds added.

    A pair is called by its first id, which occurs once. A pair of one class on both sides carries the tag
    ``same-class``. A side without a usable box stays in the picture and in the sound, but is not scored.

    Raises: ManifestError: A file is missing or damaged, or the two disagree.
    """
    marked, dropped = read_vggss(folder)
    path = find_file(folder, "vggsound_duet_test.csv")
    samples, refused = [], []
    for left, left_name, right, right_name in read_rows(path, 4):
        entries = (_entry(marked, left, left_name, path), _entry(marked, right, right_name, path))
        sources = tuple(
            Source(name=entry.name, boxes=entry.boxes, tile=tile) for tile, entry in enumerate(entries) if entry.boxes
        )
        refused += [
            Refused(id=f"{left}+{right}", reason=f"{NO_BOX} on the {side}")
            for side, entry in zip(("left", "right"), entries, strict=True)
            if not entry.boxes
        ]
        names = tuple(entry.name for entry in entries)
        same = class_key(names[0]) == class_key(names[1])
        samples.append(
            Sample(
                id=left,
                video=video_of(left),
                sources=sources,
                clips=(left, right),
                sounding=names,
                tags=frozenset({SAME_CLASS}) if same else frozenset(),
            )
        )
    kept = tuple(sample for sample in samples if sample.sources)
    return Benchmark(
        name="vggsound-duet",
        samples=kept,
        classes=sorted_classes(kept),
        refused=tuple(refused),
        family="vggsound",
        dropped_boxes=dropped,
        notes=("The mixed-in clips repeat (3,255 different ones); intervals cluster by the first clip's video only.",),
    )


def _entry(marked: Mapping[str, Marked], clip: str, name: str, path: Path) -> Marked:
    """What VGG-SS says about a listed clip, after checking that both files mean the same class."""
    entry = marked.get(clip)
    if entry is None:
        raise ManifestError(f"'{path}' names the clip '{clip}', which vggss.json does not hold.")
    if class_key(entry.name) != class_key(name):
        raise ManifestError(f"'{path}' calls '{clip}' '{name}', but vggss.json calls it '{entry.name}'.")
    return entry
