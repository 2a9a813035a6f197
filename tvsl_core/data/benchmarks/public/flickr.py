"""Flickr-SoundNet: boxes of several annotators, without classes; and the lists with silent pairs.

Sources: Senocak et al., CVPR 2018 (boxes); Mo and Morgado, "A Closer Look at Weakly-Supervised Audio-Visual Source
Localization", NeurIPS 2022 (Extended Flickr-SoundNet and Extended VGG-SS).
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from tvsl_core.data.benchmarks.boxes import read_boxes
from tvsl_core.data.benchmarks.files import find_file, read_text
from tvsl_core.data.benchmarks.sample import Benchmark, CornerBox, Refused, Sample, Source, sorted_classes
from tvsl_core.data.benchmarks.vggsound import load_single, video_of
from tvsl_core.errors import ManifestError

SIDE = 256
"""Pixels of the square that annotators saw."""
VOTES = 2
"""So many annotators must agree for full weight."""


def load_flickr(folder: Path) -> Benchmark:
    """Flickr-SoundNet: ``flickr_test.csv`` (its first column is the id) and ``Annotations/<id>.xml``.

    Every box is one vote; a pixel of ``VOTES`` or more has weight 1, of one the half.

    Raises: ManifestError: The list or an annotation is missing or damaged.
    """
    path = find_file(folder, "flickr_test.csv")
    clips = list(dict.fromkeys(row[0].strip() for row in csv.reader(read_text(path).splitlines()) if row and row[0]))
    samples, refused, dropped = [], [], 0
    for clip in clips:
        boxes, lost = read_boxes(_marked(find_file(folder, f"Annotations/{clip}.xml", f"{clip}.xml")), "xyxy")
        dropped += lost
        if boxes:
            samples.append(Sample(id=clip, video=clip, sources=(Source(boxes=boxes, votes=VOTES),), clips=(clip,)))
        else:
            refused.append(Refused(id=clip, reason="no box with an area"))
    return Benchmark(
        name="flickr-soundnet",
        samples=tuple(samples),
        classes=(),
        refused=tuple(refused),
        family="flickr",
        dropped_boxes=dropped,
        notes=("Sources have no class: the surest map answers, whatever its name.",),
    )


def load_flickr_extended(folder: Path) -> Benchmark:
    """Flickr-SoundNet and pairs of a frame with a sound that is not in it."""
    return _with_silent(load_flickr(folder), folder, "flickr_test_plus_silent.csv", "flickr-extended")


def load_vggss_extended(folder: Path) -> Benchmark:
    """VGG-SS and pairs of a frame with a sound that is not in it."""
    return _with_silent(load_single(folder), folder, "vggss_test_plus_silent.csv", "vggss-extended")


def _with_silent(plain: Benchmark, folder: Path, name: str, new_name: str) -> Benchmark:
    """The samples of a benchmark, and the rows (frame, sound, ``non-sounding``) of an extended list."""
    path = find_file(folder, name)
    silent = {}
    for number, row in enumerate(csv.reader(read_text(path).splitlines()), start=1):
        cells = [cell.strip() for cell in row]
        if len(cells) < 3:
            raise ManifestError(f"'{path}', line {number}: expected frame, sound and kind, got {len(cells)} columns.")
        if cells[2] == "non-sounding":
            frame, sound = cells[:2]
            sample = Sample(id=f"{frame}~{sound}", video=video_of(frame), sources=(), clips=(frame,), sounds=(sound,))
            silent[sample.id] = sample
    if not silent:
        raise ManifestError(f"'{path}' has no row of the kind 'non-sounding'.", hint="Fetch the file again.")
    samples = (*plain.samples, *silent.values())
    return replace(
        plain, name=new_name, samples=samples, classes=sorted_classes(plain.samples), measures=("negatives",)
    )


def _marked(path: Path) -> list[CornerBox]:
    """The boxes of one annotation file: of each ``bbox`` the numbers after its first child, in pixels of ``SIDE``."""
    text = read_text(path)
    if "<!" in text:  # neither document types nor entities belong here
        raise ManifestError(f"'{path}' holds a document type, which no annotation has.", hint="Fetch the file again.")
    try:
        found = [
            [float(part.text or "") for part in list(box)[1:]] for box in ElementTree.fromstring(text).iter("bbox")
        ]
        return [(left / SIDE, top / SIDE, right / SIDE, bottom / SIDE) for left, top, right, bottom in found]
    except (ElementTree.ParseError, ValueError) as problem:
        raise ManifestError(f"'{path}' is not an annotation of Flickr-SoundNet: {problem}.") from None
