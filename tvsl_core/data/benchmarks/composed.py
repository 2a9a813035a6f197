"""Benchmarks that need no data: composed by recipe and seed from the sample videos.

Every moment of a sample video is known exactly (``truth.json``): which objects are in the picture, where, and which of
them sound. Moments in which one visible object sounds alone are the material. A composed frame sets square cut-outs of
such moments side by side and adds their sounds:

- ``composed-single``: one source;
- ``composed-duet``: two, both sounding;
- ``composed-mixture``: one to four, all sounding; for robustness against the number of sources;
- ``composed-silent``: two, neither sounding: the sound is silence or noise. Nothing may be reported;
- ``composed-offscreen``: a silent object, and the sound of one that is not in the picture;
- ``composed-swap``: two in the picture, first one sounds, then the other. The map must move.

They are easier than life (few objects, clean sounds), and meant to catch what is broken, not to be published.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tvsl_core.data.benchmarks.boxes import to_corners
from tvsl_core.data.benchmarks.clips import Clip, ClipLoader, join_clips, read_instant
from tvsl_core.data.benchmarks.sample import Benchmark, CornerBox, Sample, Source, sorted_classes
from tvsl_core.data.benchmarks.truth import TRUTH, read_truth
from tvsl_core.errors import InputError, ManifestError

NAMES = (
    "composed-single",
    "composed-duet",
    "composed-mixture",
    "composed-silent",
    "composed-offscreen",
    "composed-swap",
)
NUMBER = 48
"""Samples of each benchmark; ``composed-mixture`` has as many for each number of sources."""
LEAST_ALONE_S = 0.8
"""A moment counts when its object sounds alone for so long around it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleMoment:
    """One object that sounds alone, or a visible object, at one instant of a sample video."""

    video: str
    time_s: float
    name: str
    box: CornerBox
    """In the square cut-out."""
    square: tuple[int, int, int]
    """Left, top and side of the cut-out, in pixels of the video."""
    alone: tuple[float, float]
    """When it sounds alone, in seconds of the video."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComposedPart:
    """One tile of a composed frame, or only its sound."""

    moment: SampleMoment
    seen: bool = True
    heard: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class ComposedRecipe:
    """How one sample is made."""

    parts: tuple[ComposedPart, ...]
    noise: float = 0.0
    """Loudness of white noise that is added, as root mean square of full scale."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Composed:
    """A benchmark and the recipes of its media."""

    benchmark: Benchmark
    recipes: dict[str, ComposedRecipe] = field(default_factory=dict)
    folder: Path = Path()

    def loader(self) -> ClipLoader:
        """What makes the media of a sample."""
        read: dict[tuple[str, float, int], Clip] = {}

        def load(sample: Sample, sample_rate: int) -> Clip | None:
            recipe = self.recipes[sample.id]
            for part in recipe.parts:
                key = (part.moment.video, part.moment.time_s, sample_rate)
                if key not in read:
                    read[key] = read_instant(self.folder / part.moment.video, part.moment.time_s, sample_rate)
            found = [read[part.moment.video, part.moment.time_s, sample_rate] for part in recipe.parts]
            return _compose(recipe, found, sample.id)

        return load


def compose(name: str, folder: Path, *, seed: int = 0) -> Composed:
    """Build a benchmark from the sample videos.

    Args:
        name: One of ``NAMES``.
        folder: Holds the videos and ``truth.json``.
        seed: Of the choice of pairs; the same seed gives the same benchmark.

    Raises:
        InputError: There is no such benchmark, or the folder does not hold the sample videos.
        ManifestError: ``truth.json`` is damaged.
    """
    if name not in NAMES:
        raise InputError(f"there is no composed benchmark '{name}'.", hint=f"Known: {', '.join(NAMES)}.")
    if not (folder / TRUTH).is_file():
        raise InputError(
            f"the sample videos are not in '{folder}'.",
            hint="Composed benchmarks are made from the folder sample_videos of the tvsl repository: --media DIR.",
        )
    moments = find_moments(folder)
    recipes = _recipes(name, moments, random.Random(f"{name}/{seed}"))
    samples = tuple(_sample(identity, recipe) for identity, recipe in recipes.items())
    benchmark = Benchmark(
        name=name,
        samples=samples,
        classes=sorted_classes(samples),
        family="composed",
        notes=(f"Composed from {len(moments)} moments of the sample videos, seed {seed}: easier than life.",),
    )
    return Composed(benchmark=benchmark, recipes=recipes, folder=folder)


def find_moments(folder: Path) -> tuple[SampleMoment, ...]:
    """Every instant of the sample videos at which one visible object sounds alone; of people who speak none.

    Raises: ManifestError: ``truth.json`` is damaged.
    """
    moments = []
    try:
        for video, clip in read_truth(folder).items():
            for thing in clip["objects"]:
                for box in thing["boxes"]:
                    moment = _moment(video, clip, thing, box)
                    if moment is not None:
                        moments.append(moment)
    except (KeyError, TypeError, ValueError) as problem:
        raise ManifestError(f"'{folder / TRUTH}' is not a truth file of sample videos: {problem!r}.") from None
    if len({moment.name for moment in moments}) < 4:
        raise ManifestError(f"'{folder / TRUTH}' has fewer than four classes that sound alone somewhere.")
    return tuple(moments)


def _moment(video: str, clip: dict[str, Any], thing: dict[str, Any], box: dict[str, Any]) -> SampleMoment | None:
    """The cut-out around an object, if it sounds alone then."""
    time = float(box["time_s"])
    alone = _alone(clip, thing, time)
    if alone is None:
        return None
    edges = (float(box["box"][0]), float(box["box"][1]), float(box["box"][2]), float(box["box"][3]))
    for square in _squares(int(clip["width"]), int(clip["height"]), edges, turn=round(2 * time)):
        x, y, side = square
        shares = tuple((edge - origin) / side for edge, origin in zip(edges, (x, y, x, y), strict=True))
        corners = to_corners(shares, "xyxy")
        inside = min(shares) >= -0.01 and max(shares) <= 1.01
        if corners is not None and inside and not _others_seen(clip, thing, time, square):
            return SampleMoment(
                video=video, time_s=time, name=str(thing["class"]), box=corners, square=square, alone=alone
            )
    return None


def _squares(width: int, height: int, edges: CornerBox, *, turn: int) -> Iterator[tuple[int, int, int]]:
    """Cut-outs around a box, large ones first; ``turn`` decides where in the cut-out the object is tried first."""
    left, top, right, bottom = edges
    places = (0.5, 0.3, 0.7, 0.1, 0.9, 0.0, 1.0)
    for share in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
        side = int(share * min(width, height))
        for number in range(len(places)):
            place = places[(number + turn) % len(places)]
            x = left - place * (side - (right - left))
            y = top - 0.5 * (side - (bottom - top))
            yield int(min(max(x, 0), width - side)), int(min(max(y, 0), height - side)), side


def _alone(clip: dict[str, Any], thing: dict[str, Any], time: float) -> tuple[float, float] | None:
    """The longest stretch around an instant in which this object sounds and no other does."""
    mine = next(((begin, end) for begin, end in thing["sounding"] if begin <= time < end), None)
    if mine is None:
        return None
    begin, end = mine
    for other in clip["objects"]:
        if other is thing:
            continue
        for first, last in other["sounding"]:
            if first <= time < last:
                return None
            if last <= time:
                begin = max(begin, last)
            else:
                end = min(end, first)
    return (begin, end) if end - begin >= LEAST_ALONE_S else None


def _others_seen(clip: dict[str, Any], thing: dict[str, Any], time: float, square: tuple[int, int, int]) -> bool:
    """Whether more than a tenth of another object lies in the cut-out."""
    x, y, side = square
    for other in clip["objects"]:
        if other is thing:
            continue
        for box in other["boxes"]:
            if float(box["time_s"]) != time:
                continue
            left, top, right, bottom = (float(value) for value in box["box"])
            across = max(0.0, min(right, x + side) - max(left, x))
            down = max(0.0, min(bottom, y + side) - max(top, y))
            if across * down > 0.1 * (right - left) * (bottom - top):
                return True
    return False


def _recipes(name: str, moments: tuple[SampleMoment, ...], rng: random.Random) -> dict[str, ComposedRecipe]:
    """So many recipes of a kind, by sample id."""
    by_class: dict[str, list[SampleMoment]] = {}
    for moment in moments:
        by_class.setdefault(moment.name, []).append(moment)

    def draw(number: int) -> list[SampleMoment]:
        return [rng.choice(by_class[one]) for one in rng.sample(sorted(by_class), number)]

    recipes: dict[str, ComposedRecipe] = {}
    numbers = (1, 2, 3, 4) if name == "composed-mixture" else (1 if name == "composed-single" else 2,)
    for count in numbers:
        for index in range(NUMBER):
            identity = f"{name.removeprefix('composed-')}{count if len(numbers) > 1 else ''}-{index:03d}"
            chosen = draw(count)
            if name == "composed-silent":
                parts = tuple(ComposedPart(moment=moment, heard=False) for moment in chosen)
                recipes[identity] = ComposedRecipe(parts=parts, noise=(0.0, 0.003, 0.03)[index % 3])
            elif name == "composed-offscreen":
                shown, off = chosen
                recipes[identity] = ComposedRecipe(
                    parts=(ComposedPart(moment=shown, heard=False), ComposedPart(moment=off, seen=False))
                )
            elif name == "composed-swap":
                for side, sounding in zip(("a", "b"), chosen, strict=True):
                    parts = tuple(ComposedPart(moment=moment, heard=moment is sounding) for moment in chosen)
                    recipes[f"{identity}{side}"] = ComposedRecipe(parts=parts)
            else:
                recipes[identity] = ComposedRecipe(parts=tuple(ComposedPart(moment=moment) for moment in chosen))
    return recipes


def _sample(identity: str, recipe: ComposedRecipe) -> Sample:
    """What is true of a composed clip."""
    seen = [part for part in recipe.parts if part.seen]
    sources = tuple(
        Source(name=part.moment.name, boxes=(part.moment.box,), tile=tile)
        for tile, part in enumerate(seen)
        if part.heard
    )
    swap = identity.startswith("swap-")
    return Sample(
        id=identity,
        video=identity[:-1] if swap else identity,
        sources=sources,
        clips=tuple(f"{part.moment.video}@{part.moment.time_s:g}" for part in seen),
        sounding=tuple(part.moment.name for part in recipe.parts if part.heard),
        silent=tuple(part.moment.name for part in seen if not part.heard),
        swap=identity[:-1] if swap else "",
    )


def _compose(recipe: ComposedRecipe, found: list[Clip], identity: str) -> Clip:
    """Cut the squares out, bring the sounds to one loudness, and add what is heard."""
    rate = found[0].sample_rate
    seen, heard = [], []
    for part, clip in zip(recipe.parts, found, strict=True):
        x, y, side = part.moment.square
        sound = _only_alone(part.moment, clip) if part.heard else np.zeros_like(clip.waveform)
        if part.seen:
            square = clip.frame[y : y + side, x : x + side]
            seen.append(Clip(frame=square, waveform=sound, sample_rate=rate))
        else:
            heard.append(sound)
    joined = join_clips(seen)
    waveform = joined.waveform.copy()
    for sound in heard:
        waveform += sound
    if recipe.noise:
        generator = np.random.default_rng(sum(identity.encode()))
        waveform += recipe.noise * generator.standard_normal(len(waveform)).astype(np.float32)
    return Clip(frame=joined.frame, waveform=waveform.clip(-1, 1).astype(np.float32), sample_rate=rate)


def _only_alone(moment: SampleMoment, clip: Clip) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The sound of the stretch in which the object is alone, at an even loudness; silence before and after."""
    length = len(clip.waveform)
    start = moment.time_s - length / clip.sample_rate / 2
    first = max(0, round((moment.alone[0] - start) * clip.sample_rate))
    last = min(length, round((moment.alone[1] - start) * clip.sample_rate))
    sound = np.zeros(length, dtype=np.float32)
    sound[first:last] = clip.waveform[first:last]
    loudness = float(np.sqrt(np.mean(np.square(sound[first:last])))) if last > first else 0.0
    return sound * np.float32(0.1 / loudness) if loudness > 0 else sound
