"""AVSBench S4 and MS3: masks on the five seconds of a clip.

Source: Zhou et al., "Audio-Visual Segmentation", ECCV 2022.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from tvsl_core.data.benchmarks.files import find_file, read_text
from tvsl_core.data.benchmarks.masks import read_mask
from tvsl_core.data.benchmarks.sample import Benchmark, Refused, Sample, Source, sorted_classes
from tvsl_core.errors import ManifestError

SECONDS = 5
"""Every clip has so many masks, one a second."""


def load_s4(folder: Path) -> Benchmark:
    """S4, one source a clip: ``s4_meta_data.csv`` and ``gt_masks/test/<category>/<name>/<name>_<second>.png``."""
    return _load("avsbench-s4", folder, "s4_meta_data.csv")


def load_ms3(folder: Path) -> Benchmark:
    """MS3, several sources in one mask, without classes: ``ms3_meta_data.csv`` and ``gt_masks/test/<name>/...``."""
    return _load("avsbench-ms3", folder, "ms3_meta_data.csv")


def _load(name: str, folder: Path, file: str) -> Benchmark:
    path = find_file(folder, file)
    reader = csv.DictReader(io.StringIO(read_text(path)))
    columns = tuple(reader.fieldnames or ())
    if "split" not in columns or not columns:
        raise ManifestError(f"'{path}' lacks the column split.", hint="Fetch the file again.")
    samples: list[Sample] = []
    refused: list[Refused] = []
    for row in reader:
        if row["split"] != "test":
            continue
        clip, category = row[columns[0]], row.get("category") or ""
        for second in range(1, SECONDS + 1):
            mask = folder / "gt_masks" / "test" / category / clip / f"{clip}_{second}.png"
            if not mask.is_file():
                refused.append(Refused(id=f"{clip}_{second}", reason="its mask file is missing"))
                continue
            source = Source(name=category.replace("_", " "), mask=mask)
            there = (source,) if read_mask(mask, empty=True).any() else ()
            samples.append(
                Sample(id=f"{clip}_{second}", video=clip, sources=there, clips=(f"{clip}_{second}",), sounds=(clip,))
            )
    if not samples:
        raise ManifestError(
            f"none of the {len(refused)} masks of {name} is in '{folder / 'gt_masks'}'.",
            hint=f"'tvsl datasets describe {name}' says where to get them.",
        )
    kept = tuple(samples)
    return Benchmark(
        name=name,
        samples=kept,
        classes=sorted_classes(kept),
        refused=tuple(refused),
        family=name,
        measures=("segmentation",),
        notes=()
        if any(source.name for one in kept for source in one.sources)
        else ("Sources have no class: the surest map answers, whatever its name.",),
    )
