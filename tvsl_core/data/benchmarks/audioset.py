"""AudioSet-Instrument: boxes on frames of AudioSet clips, several instances of a class in one frame.

Source: Hu et al., NeurIPS 2020. Boxes are corner and size in shares of the frame. The file numbers the classes from 0
to 12; we read them in the order of the detector that also made the MUSIC lists, where seven of them can be checked.
"""

from __future__ import annotations

from pathlib import Path

from tvsl_core.data.benchmarks.boxes import check_form, read_boxes
from tvsl_core.data.benchmarks.files import find_file, read_json
from tvsl_core.data.benchmarks.music import DETECTOR_CLASSES
from tvsl_core.data.benchmarks.sample import Benchmark, CornerBox, Refused, Sample, Source, sorted_classes
from tvsl_core.errors import ManifestError


def load_audioset_instruments(folder: Path) -> Benchmark:
    """The marked frames of ``dsol_audioset_instrument_box.json``; boxes of one class make one source.

    A frame ``VIDEO/SECOND`` is called ``VIDEO_SECOND``; SECOND counts seconds of the 10 s clip, from 0.

    Raises: ManifestError: The file is missing or damaged.
    """
    path = find_file(folder, "dsol_audioset_instrument_box.json")
    frames = read_json(path, dict)
    samples, refused, dropped = [], [], 0
    try:
        check_form([box["normbox"] for frame in frames.values() for box in frame["bbox"]], "xywh", where=str(path))
        for key, frame in frames.items():
            video, _, second = key.rpartition("/")
            by_class: dict[str, list[CornerBox]] = {}
            for box in frame["bbox"]:
                corners, lost = read_boxes([box["normbox"]], "xywh")
                by_class.setdefault(DETECTOR_CLASSES[int(box["category"])], []).extend(corners)
                dropped += lost
            sources = tuple(Source(name=name, boxes=tuple(found)) for name, found in by_class.items() if found)
            clip = f"{video}_{second}"
            if not sources:
                refused.append(Refused(id=clip, reason="nothing is marked in this frame"))
                continue
            samples.append(Sample(id=clip, video=video, sources=sources, clips=(clip,)))
    except (KeyError, TypeError, IndexError, ValueError) as problem:
        raise ManifestError(f"'{path}' is not a list of marked frames: {problem!r}.") from None
    kept = tuple(samples)
    return Benchmark(
        name="audioset-instruments",
        samples=kept,
        classes=sorted_classes(kept),
        refused=tuple(refused),
        family="audioset-instruments",
        dropped_boxes=dropped,
        notes=(
            "The file gives class numbers only; their order is inferred from the MUSIC lists of the same authors.",
            "A marked instrument is visible; that it sounds is known for the clip, not for the instant.",
        ),
    )
