"""All material of the default model into one folder, by the recipe. Every file's name begins with its source.

OUT/images/<class>/<source>__<name>.png|jpg   OUT/sounds/<class>/<source>__<name>.wav
OUT/backgrounds/<source>__<name>.jpg          OUT/other_sounds/<source>__<name>.wav
"""

from __future__ import annotations

import logging
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.material.recipe.phrases import phrase
from tvsl_core.data.material.recipe.pictures import write_backgrounds, write_pictures
from tvsl_core.data.material.recipe.recipe import ClassRecipe, MaterialRecipe, SourceFolders, read_recipe
from tvsl_core.data.material.recipe.recordings import read_sound, repeat_call, string_notes, trim
from tvsl_core.data.material.recipe.soundfont import render
from tvsl_core.errors import ManifestError, MediaError

SAMPLE_RATE = 22050
"""Of the written sounds, in Hz: all that the compact towers hear, at half the size of 44,100."""
HELD_OUT_SHARE = 0.4
"""Phrases of a held-out source, as a share of those of a source that is learned from."""
MUCH_SOUND = 8
"""Recordings of one class in one source from which they count as notes to play with; fewer are calls to repeat."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialReport:
    """How much was written."""

    images: int
    sounds: int
    skipped: tuple[str, ...]
    """What the recipe names and the packages lack, or what cannot be decoded."""


def build_material(
    places: SourceFolders,
    out: Path,
    *,
    phrases: int = 40,
    recipe: MaterialRecipe | None = None,
    classes: Sequence[str] = (),
) -> MaterialReport:
    """Gather everything; files that are there are made again, alike.

    Args:
        places: Where the packages are.
        out: The MATERIAL folder.
        phrases: Of each class from each source of sounds.
        recipe: Instead of the one in the package.
        classes: Only these; empty is all.

    Raises:
        InputError: fluidsynth or mido is missing.
        ManifestError: A soundfont is missing.
    """
    recipe = recipe or read_recipe()
    chosen = [klass for klass in recipe.classes if not classes or klass.name in classes]
    skipped: list[str] = []
    images = sum(write_pictures(klass, places, out, skipped) for klass in chosen)
    write_backgrounds(recipe, places, out)
    sounds = sum(
        _write_sounds(klass, recipe, places, out / "sounds" / klass.folder, phrases, skipped) for klass in chosen
    )
    if not classes:
        sounds += _write_sounds(recipe.others, recipe, places, out / "other_sounds", 4 * phrases, skipped)
    return MaterialReport(images=images, sounds=sounds, skipped=tuple(skipped))


def _write_sounds(
    klass: ClassRecipe, recipe: MaterialRecipe, places: SourceFolders, folder: Path, phrases: int, skipped: list[str]
) -> int:
    """Every phrase of one class, a few of each source."""
    count = 0
    for source, waves in _phrases(klass, recipe, places, phrases, skipped):
        for index, wave in enumerate(waves):
            if np.abs(wave).max(initial=0.0) > 1e-3:
                folder.mkdir(parents=True, exist_ok=True)
                write_wave(folder / f"{source}__{index:03d}.wav", wave)
                count += 1
    _log.info("%s: %d phrases", klass.name, count)
    return count


def _phrases(
    klass: ClassRecipe, recipe: MaterialRecipe, places: SourceFolders, phrases: int, skipped: list[str]
) -> Iterator[tuple[str, list[NDArray[np.float32]]]]:
    """Every source of a class with its phrases."""

    def amount(source: str) -> int:
        return max(2, round(phrases * HELD_OUT_SHARE)) if source in recipe.validation else phrases

    for source, pattern in recipe.soundfonts.items():
        if klass.programs or klass.drums:
            yield source, _rendered(klass, source, _find_one(places.packages, pattern), amount(source))
    for source, files in _recordings(klass, places).items():
        rng = _rng(klass.name, source)
        sounds = [sound for file in files if len(sound := _read(file, skipped)) > SAMPLE_RATE // 20]
        if not sounds:
            continue
        if len(sounds) >= MUCH_SOUND and source in ("philharmonia", "tonejs", "hydrogen", "sonicpi"):
            yield source, [string_notes(sounds, rng, sample_rate=SAMPLE_RATE) for _ in range(amount(source))]
        else:
            count = amount(source) if source not in recipe.validation else 4 * len(sounds)
            yield (
                source,
                [
                    repeat_call(sounds[i % len(sounds)], rng, sample_rate=SAMPLE_RATE)
                    for i in range(max(count, len(sounds)))
                ],
            )


def _rendered(klass: ClassRecipe, source: str, soundfont: Path, count: int) -> list[NDArray[np.float32]]:
    rng = _rng(klass.name, source)
    keys = klass.drums or klass.range
    played = [
        (int(rng.choice(klass.programs)) if klass.programs else None, phrase(klass.style, keys, rng))
        for _ in range(count)
    ]
    with tempfile.TemporaryDirectory() as folder:
        return render(played, soundfont, Path(folder), sample_rate=SAMPLE_RATE)


def _recordings(klass: ClassRecipe, places: SourceFolders) -> dict[str, list[Path]]:
    """Recorded files of a class by source, sorted."""
    packages = places.packages
    stamps = next(packages.glob("**/tuxpaint/stamps"), packages)
    activities = next(packages.glob("**/gcompris/src/activities"), packages)
    sonic = next(packages.glob("**/sonic-pi/samples"), packages)
    kits = next(packages.glob("**/hydrogen/data/drumkits"), packages)
    found = {
        "philharmonia": [f for name in klass.notes for f in sorted((places.media / "notes" / name).glob("*.mp3"))],
        "tonejs": [f for name in klass.tonejs for f in sorted((packages / "tonejs" / name).glob("**/*.mp3"))],
        "tuxpaint": [f for name in klass.stamps for f in [stamps / f"{name}.ogg"] if f.is_file()],
        "gcompris": [f for name in klass.gcompris for f in _gcompris(activities, name)],
        "sonicpi": [f for start in klass.sonic for f in sorted(sonic.glob(f"{start}*.flac"))],
        "hydrogen": [f for word in klass.kits for f in sorted(kits.glob("**/*.flac")) if word in f.name.lower()],
    }
    if klass.speech:
        found["tuxpaint"] += (
            sorted(packages.glob(klass.speech.removeprefix("**/")))[::17] or sorted(packages.glob(klass.speech))[::17]
        )
    return {source: files for source, files in found.items() if files}


def _gcompris(activities: Path, name: str) -> list[Path]:
    """``instruments/harp`` is ``instruments/resource/harp.ogg``, ``animals/cow`` lies with the farm animals."""
    activity, _, file = name.partition("/")
    if activity == "animals":
        return sorted(activities.glob(f"explore_farm_animals/resource/animals/{file}.ogg"))
    return sorted(activities.glob(f"{activity}/resource/{file}.ogg"))


def _read(file: Path, skipped: list[str]) -> NDArray[np.float32]:
    try:
        return trim(read_sound(file, SAMPLE_RATE))
    except MediaError as error:
        skipped.append(error.message)
        return np.zeros(0, np.float32)


def _find_one(packages: Path, pattern: str) -> Path:
    found = next(iter(sorted(packages.glob(pattern))), None)
    if found is None:
        raise ManifestError(
            f"the packages hold no soundfont '{pattern}'.",
            hint="docs/training.md lists the packages and how to unpack them.",
        )
    return found


def _rng(*names: str) -> np.random.Generator:
    """Chance that is the same in every run, and another for every class and source."""
    return np.random.default_rng(zlib.crc32("/".join(names).encode()))


def write_wave(path: Path, sound: NDArray[np.float32]) -> None:
    """Write mono samples as 16 bit; louder than 1 is brought down, not clipped."""
    from scipy.io import wavfile

    peak = max(1.0, float(np.abs(sound).max(initial=0.0)))
    wavfile.write(path, SAMPLE_RATE, np.round(sound / peak * 32767).astype(np.int16))
