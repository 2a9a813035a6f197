"""VGG-Instruments: masks on frames of instrument players; the masks are supplied by the user.

Source: Mo and Tian, "Audio-Visual Grouping Network for Sound Localization from Mixtures", CVPR 2023.
"""

from __future__ import annotations

from pathlib import Path

from tvsl_core.data.benchmarks.files import find_file, read_rows
from tvsl_core.data.benchmarks.sample import SAME_CLASS, Benchmark, Refused, Sample, Source, class_key, sorted_classes
from tvsl_core.errors import ManifestError

MASK_FOLDERS = ("vgginstruments_masks", "masks")
MASK_SUFFIXES = (".pkl", ".pickle", ".npy", ".png")


def load_instruments(folder: Path) -> Benchmark:
    """VGG-Instruments, one source a frame.

    Args:
        folder: Holds ``vgginstruments_test.csv`` (id, class) and the masks in ``vgginstruments_masks/<id>.pkl``.

    Raises: ManifestError: The list is missing or damaged, or no mask is there.
    """
    rows = read_rows(find_file(folder, "vgginstruments_test.csv"), 2)
    return _load("vggsound-instruments", folder, [((clip, name),) for clip, name in rows])


def load_instruments_multi(folder: Path) -> Benchmark:
    """VGG-Instruments pairs: two frames side by side, their sounds added; called by the first id, which occurs once."""
    rows = read_rows(find_file(folder, "vgginstruments_multi_test.csv"), 4)
    return _load("vggsound-instruments-multi", folder, [((row[0], row[1]), (row[2], row[3])) for row in rows])


def find_mask(folder: Path, clip: str) -> Path | None:
    """Where the mask of a clip lies, or None."""
    for place in MASK_FOLDERS:
        for suffix in MASK_SUFFIXES:
            path = folder / place / f"{clip}{suffix}"
            if path.is_file():
                return path
    return None


def _load(name: str, folder: Path, rows: list[tuple[tuple[str, str], ...]]) -> Benchmark:
    samples, refused = [], []
    for sides in rows:
        names = tuple(label.replace("_", " ") for _, label in sides)
        sources = []
        for tile, (clip, _) in enumerate(sides):
            mask = find_mask(folder, clip)
            if mask is None:
                refused.append(Refused(id=clip, reason="its mask file is missing"))
            else:
                sources.append(Source(name=names[tile], mask=mask, tile=tile))
        if sources:
            same = len({class_key(one) for one in names}) < len(names)
            samples.append(
                Sample(
                    id=sides[0][0],
                    video=sides[0][0],
                    sources=tuple(sources),
                    clips=tuple(clip for clip, _ in sides),
                    sounding=names,
                    tags=frozenset({SAME_CLASS}) if same else frozenset(),
                )
            )
    if not samples:
        raise ManifestError(
            f"none of the {len(refused)} masks of {name} is in '{folder / MASK_FOLDERS[0]}'.",
            hint=f"Put <id>.pkl (or .npy, .png) there; 'tvsl datasets describe {name}' says where to get them.",
        )
    kept = tuple(samples)
    return Benchmark(
        name=name, samples=kept, classes=sorted_classes(kept), refused=tuple(refused), family="vgg-instruments"
    )
