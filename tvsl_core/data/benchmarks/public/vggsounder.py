"""VGGSounder: which classes are audible and which are visible, label by label; no places.

Source: Zverev et al., "VGGSounder: Audio-Visual Evaluations for Foundation Models", ICCV 2025.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from tvsl_core.data.benchmarks.files import find_file, read_text
from tvsl_core.data.benchmarks.sample import Benchmark, Sample, sorted_classes
from tvsl_core.errors import ManifestError

MODALITIES = ("A", "V", "AV")


def load_vggsounder(folder: Path) -> Benchmark:
    """Every clip of ``vggsounder.csv`` (video_id, label, modality, ...), one row a label.

    ``A`` sounds from outside the picture, ``AV`` sounds and is seen, ``V`` is seen and silent. A label with different
    modalities in two rows of one clip has both.

    Raises: ManifestError: The file is missing or damaged, or a modality is none of the three.
    """
    path = find_file(folder, "vggsounder.csv")
    reader = csv.DictReader(io.StringIO(read_text(path)))
    lacking = [name for name in ("video_id", "label", "modality") if name not in (reader.fieldnames or ())]
    if lacking:
        raise ManifestError(f"'{path}' lacks the column {lacking[0]}.", hint="Fetch the file again.")
    clips: dict[str, dict[str, set[str]]] = {}
    for number, row in enumerate(reader, start=2):
        if row["modality"] not in MODALITIES:
            raise ManifestError(f"'{path}', line {number}: the modality '{row['modality']}' is none of A, V and AV.")
        clips.setdefault(row["video_id"], {}).setdefault(row["label"], set()).update(row["modality"])
    samples = tuple(
        Sample(
            id=clip,
            video=clip[:11],
            sources=(),
            clips=(clip,),
            sounding=tuple(name for name, found in labels.items() if "A" in found),
            silent=tuple(name for name, found in labels.items() if "A" not in found),
            offscreen=tuple(name for name, found in labels.items() if "V" not in found),
        )
        for clip, labels in clips.items()
    )
    return Benchmark(
        name="vggsounder",
        samples=samples,
        classes=sorted_classes(samples),
        family="vggsound",
        notes=("Labels say what is audible and visible, not where: only classes and offscreen sounds are scored.",),
    )
