"""The sample videos as a training set: a first training on a machine that has nothing else.

``truth.json`` says which object is where, and when it sounds. A picture is an object's box with some surroundings,
where nothing else is to be seen; a sound is a stretch in which it sounds alone. They are paired anew in every scene.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tvsl_core.data.benchmarks.truth import TRUTH, read_truth
from tvsl_core.data.scenes.pool import MediaPool, PictureItem, SoundItem
from tvsl_core.errors import InputError, ManifestError

SAMPLES = "samples"
MARGIN = 0.15
"""Surroundings of an object, as a share of its box on each side."""
LEAST_ALONE_S = 0.4
"""Shorter stretches say little."""
MOST_COVERED = 0.1
"""At most this share of another object may lie in a picture."""
BEGINNING = 2 / 3
"""Share of an object's pictures, and of each of its stretches, that counts as one group; the rest is another."""
NOTES = (
    "What is held out are other moments of the same videos: validation shows that training works, not how good the "
    "heads are. The composed benchmarks are made of the same videos, so no score on them counts.",
)


def samples_pool(folder: Path) -> MediaPool:
    """Every object of the sample videos that can be seen by itself, and every one that can be heard by itself.

    People who speak are neither: their mouths say who does.

    Args:
        folder: Holds the videos and ``truth.json``.

    Raises:
        InputError: The folder does not hold them.
        ManifestError: ``truth.json`` is damaged.
    """
    if not (folder / TRUTH).is_file():
        raise InputError(
            f"the sample videos are not in '{folder}'.",
            hint="Name the folder sample_videos of the tvsl repository: --media DIR.",
        )
    pictures: list[PictureItem] = []
    sounds: list[SoundItem] = []
    try:
        for video, clip in read_truth(folder).items():
            for thing in clip["objects"]:
                pictures += _pictures(folder, video, clip, thing)
                sounds += _sounds(folder, video, clip, thing)
    except (KeyError, TypeError, ValueError) as problem:
        raise ManifestError(f"'{folder / TRUTH}' is not a truth file of sample videos: {problem!r}.") from None
    return MediaPool(pictures=tuple(pictures), sounds=tuple(sounds))


def _pictures(folder: Path, video: str, clip: Mapping[str, Any], thing: Mapping[str, Any]) -> Iterator[PictureItem]:
    for number, one in enumerate(thing["boxes"]):
        time_s = float(one["time_s"])
        crop = _surroundings(one["box"], int(clip["width"]), int(clip["height"]))
        others = (box["box"] for other in clip["objects"] if other is not thing for box in other["boxes"]
                  if float(box["time_s"]) == time_s)  # fmt: skip
        if any(_covered(box, crop) > MOST_COVERED for box in others):
            continue
        name = str(thing["class"])
        yield PictureItem(
            names=(name,),
            file=folder / video,
            label=f"{video}@{time_s:g}",
            group=_group(video, number < BEGINNING * len(thing["boxes"])),
            size=(crop[2] - crop[0], crop[3] - crop[1]),
            time_s=time_s,
            crop=crop,
        )


def _sounds(folder: Path, video: str, clip: Mapping[str, Any], thing: Mapping[str, Any]) -> Iterator[SoundItem]:
    others = [span for other in clip["objects"] if other is not thing for span in other["sounding"]]
    for begin, end in _alone(thing["sounding"], others):
        middle = begin + BEGINNING * (end - begin)
        for first, last in ((begin, middle), (middle, end)):
            if last - first < LEAST_ALONE_S:
                continue
            length = round(last - first, 3)
            yield SoundItem(
                names=(str(thing["class"]),),
                file=folder / video,
                label=f"{video}@{first:.2f}-{last:.2f}",
                group=_group(video, first == begin),
                seconds=length,
                active=((0.0, length),),
                span=(round(first, 3), round(last, 3)),
            )


def _group(video: str, beginning: bool) -> str:
    return f"{video} {'beginning' if beginning else 'end'}"


def _alone(mine: Sequence[Sequence[float]], others: Sequence[Sequence[float]]) -> Iterator[tuple[float, float]]:
    """The stretches of one object in which no other sounds, in seconds."""
    for begin, end in mine:
        edges = sorted({begin, end, *(edge for span in others for edge in span if begin < edge < end)})
        for first, last in pairwise(edges):
            if not any(span[0] < last and first < span[1] for span in others):
                yield first, last


def _surroundings(box: Sequence[float], width: int, height: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    across, down = MARGIN * (right - left), MARGIN * (bottom - top)
    return (
        max(0, int(left - across)),
        max(0, int(top - down)),
        min(width, int(right + across)),
        min(height, int(bottom + down)),
    )


def _covered(box: Sequence[float], crop: tuple[int, int, int, int]) -> float:
    """Share of a box that lies in a crop."""
    left, top, right, bottom = box
    across = max(0.0, min(right, crop[2]) - max(left, crop[0]))
    down = max(0.0, min(bottom, crop[3]) - max(top, crop[1]))
    return across * down / ((right - left) * (bottom - top))
