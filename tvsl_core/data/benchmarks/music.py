"""MUSIC-Solo and MUSIC-Duet: boxes on frames of musicians, in two published lists each.

Boxes are corner and size (x, y, width, height), although much published code reads them as two corners.

The larger lists number the classes after the 15 instruments of the detector that made the boxes, from 0, *not* after
the 11 classes of MUSIC: by the videos' own labels 1 is the cello, 3 the guitar, 8 the saxophone, 10 the trumpet, 11 the
violin, 12 the flute and 13 the accordion. The detector knows neither clarinet, erhu, tuba nor xylophone, so in their
videos only the partner is marked, and only the partner can be scored for place.

Sources: Zhao et al., "The Sound of Pixels", ECCV 2018 (the videos); Hu et al., "Discriminative Sounding Objects
Localization via Self-supervised Audiovisual Matching", NeurIPS 2020 (the larger lists).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tvsl_core.data.benchmarks.boxes import check_form, read_boxes
from tvsl_core.data.benchmarks.files import find_file, read_json
from tvsl_core.data.benchmarks.sample import Benchmark, CornerBox, Refused, Sample, Source, class_key
from tvsl_core.errors import ManifestError

MUSIC_CLASSES = (
    "accordion",
    "acoustic guitar",
    "cello",
    "clarinet",
    "erhu",
    "flute",
    "saxophone",
    "trumpet",
    "tuba",
    "violin",
    "xylophone",
)
DETECTOR_CLASSES = (
    "banjo",
    "cello",
    "drum",
    "acoustic guitar",
    "harp",
    "harmonica",
    "oboe",
    "piano",
    "saxophone",
    "trombone",
    "trumpet",
    "violin",
    "flute",
    "accordion",
    "horn",
)
"""What the numbers in the larger lists mean, from 0 (MUSIC has acoustic guitars only)."""
_LARGE_KEY = re.compile(r"^(?P<video>.{11})_0_1000/frame_(?P<second>\d+)/(?P<frame>\d+)\.jpg$")


def load_solo(folder: Path) -> Benchmark:
    """MUSIC-Solo as later papers use it: 2,124 frames of 20 videos, 7 of the 11 classes."""
    path = find_file(folder, "music_solo.json")
    entries = read_json(path, list)
    return _short_list("music-solo", path, entries, [("class", "bbox")])


def load_duet_short(folder: Path) -> Benchmark:
    """MUSIC-Duet as later papers use it: 1,020 frames of 6 videos, 1,012 of them cello and guitar."""
    path = find_file(folder, "music_duet.json")
    entries = read_json(path, list)
    columns = [("class_src1", "bbox_src1"), ("class_src2", "bbox_src2")]
    note = "1,012 of the 1,020 frames are cello and guitar, most of one video: prefer the list 'music-duet'."
    return _short_list("music-duet-short", path, entries, columns, notes=(note,))


def load_duet(folder: Path) -> Benchmark:
    """MUSIC-Duet with the annotations of Hu et al. 2020: 16 videos, 8 pairs of instruments; the better test.

    Args:
        folder: Holds ``dsol_music_duet_test.json`` and ``MUSIC_duet_videos.json`` (which classes sound).
    """
    return _large_list("music-duet", folder, "dsol_music_duet_test.json", "MUSIC_duet_videos.json")


def load_solo_large(folder: Path) -> Benchmark:
    """MUSIC-Solo with the annotations of Hu et al. 2020: 27 videos."""
    return _large_list("music-solo-large", folder, "dsol_music_solo_test.json", "MUSIC_solo_videos.json")


def _short_list(
    name: str,
    path: Path,
    entries: Sequence[Mapping[str, Any]],
    columns: Sequence[tuple[str, str]],
    notes: tuple[str, ...] = (),
) -> Benchmark:
    """One entry a frame, a class and a box in named columns."""
    samples, refused, dropped = [], [], 0
    try:
        check_form([entry[box] for entry in entries for _, box in columns], "xywh", where=str(path))
        for entry in entries:
            clip, sources = entry["file"], []
            for class_column, box_column in columns:
                boxes, lost = read_boxes([entry[box_column]], "xywh")
                dropped += lost
                if boxes:
                    sources.append(Source(name=entry[class_column].replace("_", " "), boxes=boxes))
            if not sources:
                refused.append(Refused(id=clip, reason="no box with an area"))
                continue
            samples.append(Sample(id=clip, video=clip[:11], sources=tuple(sources), clips=(clip,)))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise ManifestError(f"'{path}' is not a MUSIC list: an entry lacks or spoils {problem}.") from None
    return Benchmark(
        name=name,
        samples=tuple(samples),
        classes=MUSIC_CLASSES,
        refused=tuple(refused),
        family="music",
        dropped_boxes=dropped,
        notes=notes,
    )


def _large_list(name: str, folder: Path, boxes_file: str, videos_file: str) -> Benchmark:
    """A dictionary of frames; classes are numbers of the detector, the sounding ones come from the videos list."""
    path = find_file(folder, boxes_file)
    labels = _video_labels(find_file(folder, videos_file))
    frames = read_json(path, dict)
    samples, refused, dropped = [], [], 0
    try:
        check_form([box["normbox"] for frame in frames.values() for box in frame["bbox"]], "xywh", where=str(path))
        for key, frame in frames.items():
            clip, video = _large_id(key, path)
            sources, lost = _detected_sources(frame["bbox"])
            dropped += lost
            if not sources:
                refused.append(Refused(id=clip, reason="nothing is marked in this frame"))
                continue
            _check_labels(video, sources, labels, path)
            sample = Sample(id=clip, video=video, sources=sources, clips=(clip,), sounding=labels[video])
            samples.append(sample)
    except (KeyError, TypeError, IndexError, ValueError) as problem:
        raise ManifestError(f"'{path}' is not a list of marked frames: {problem!r}.") from None
    unmarked = sum(len(sample.names) - len(sample.sources) for sample in samples)
    return Benchmark(
        name=name,
        samples=tuple(samples),
        classes=MUSIC_CLASSES,
        refused=tuple(refused),
        family="music",
        dropped_boxes=dropped,
        notes=(
            f"{unmarked} sounding sources have no box (mostly classes unknown to the detector): not scored for place.",
        ),
    )


def _large_id(key: str, path: Path) -> tuple[str, str]:
    """``VIDEO_0_1000/frame_175/05257.jpg`` is called ``VIDEO_175_05257``, like the frames of the short lists."""
    match = _LARGE_KEY.match(key)
    if match is None:
        raise ManifestError(f"'{path}': '{key}' is not VIDEO_0_1000/frame_SECOND/FRAME.jpg.")
    return f"{match['video']}_{match['second']}_{match['frame']}", match["video"]


def _detected_sources(boxes: Sequence[Mapping[str, Any]]) -> tuple[tuple[Source, ...], int]:
    """Boxes of one class make one source."""
    by_class: dict[str, list[CornerBox]] = {}
    dropped = 0
    for box in boxes:
        number = box["category_id"]
        if number < 0:
            raise IndexError(number)
        corners, lost = read_boxes([box["normbox"]], "xywh")
        by_class.setdefault(DETECTOR_CLASSES[number], []).extend(corners)
        dropped += lost
    return tuple(Source(name=name, boxes=tuple(found)) for name, found in by_class.items() if found), dropped


def _video_labels(path: Path) -> dict[str, tuple[str, ...]]:
    """Which classes sound in each video; a pair of instruments is written with a space between."""
    videos = read_json(path, dict).get("videos")
    if not isinstance(videos, dict):
        raise ManifestError(f"'{path}' has no table 'videos'.", hint="Fetch the file again.")
    return {
        video: tuple(name.replace("_", " ") for name in names.split()) for names, ids in videos.items() for video in ids
    }


def _check_labels(video: str, sources: Sequence[Source], labels: Mapping[str, tuple[str, ...]], path: Path) -> None:
    """A marked class must be one of those that the video's own label names."""
    known = {class_key(name) for name in labels[video]}
    for source in sources:
        if class_key(source.name) not in known:
            raise ManifestError(
                f"'{path}' marks '{source.name}' in {video}, which is a video of {' and '.join(labels[video])}.",
                hint="The class numbers of the file are not those that this loader knows.",
            )
