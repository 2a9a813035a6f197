"""Photographs, cut-outs and backgrounds of the recipe, copied into the MATERIAL folder under their source's name."""

from __future__ import annotations

from pathlib import Path

import cv2

from tvsl_core.data.material.recipe.recipe import ClassRecipe, MaterialRecipe, SourceFolders
from tvsl_core.vocabulary.classes import load_vocabulary

HELD_OUT_EVERY = 5
"""Every fifth photograph of a class is held out."""
LIKELY = 0.5
"""Weight from which a label of ImageNet shows a class."""


def write_pictures(klass: ClassRecipe, places: SourceFolders, out: Path, skipped: list[str]) -> int:
    """Every picture of a class; the number written."""
    folder = out / "images" / klass.folder
    stamps = next(places.packages.glob("**/tuxpaint/stamps"), places.packages)
    animals = next(places.packages.glob("**/explore_farm_animals/resource/animals"), places.packages)
    found: list[tuple[Path, str]] = []
    for name in klass.photos:
        for index, file in enumerate(sorted((places.media / "images" / name).iterdir())):
            source = "heldout" if index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 else "photos"
            found.append((file, f"{source}__{name}_{file.stem}"))
    found += [(stamps / f"{name}.png", f"tuxpaint__{Path(name).name}") for name in klass.cutouts]
    found += [
        (file, f"imagenet__{name}")
        for name in klass.imagenet
        for file in places.media.glob(f"imagenet_samples/n*[0-9]_{name}.jpg")
    ]
    found += [(animals / f"{name}.webp", f"gcompris__{name}") for name in klass.portraits]
    return sum(_copy(file, folder / name, skipped) for file, name in found)


def write_backgrounds(recipe: MaterialRecipe, places: SourceFolders, out: Path) -> int:
    """Photographs without any of the classes; every fifth is held out. The number written."""
    used = {_label(name) for klass in recipe.classes for name in klass.imagenet} | _labels_of(recipe)
    used |= {_label(name) for name in recipe.not_backgrounds}
    files = [
        file
        for file in sorted((places.media / "imagenet_samples").glob("n*.jpg"))
        if _label(file.stem.partition("_")[2]) not in used
    ]
    for index, file in enumerate(files):
        source = "heldout" if index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 else "imagenet"
        _copy(file, out / "backgrounds" / f"{source}__{file.stem}", [])
    return len(files)


def _labels_of(recipe: MaterialRecipe) -> set[str]:
    """ImageNet labels that speak for a class of the recipe, or for anything else of its kind."""
    vocabulary = load_vocabulary(None)
    groups = {klass.group for klass in vocabulary.classes if klass.name in {one.name for one in recipe.classes}}
    return {
        _label(look)
        for klass in vocabulary.classes
        if klass.group in groups
        for look, weight in vocabulary.evidence()[klass.name].looks.items()
        if weight >= LIKELY
    }


def _label(name: str) -> str:
    return name.casefold().replace("_", " ")


def _copy(file: Path, stem: Path, skipped: list[str]) -> bool:
    """A picture as PNG when it has transparency, else as JPEG."""
    picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    if picture is None:
        skipped.append(f"{file} is no picture that can be decoded")
        return False
    stem.parent.mkdir(parents=True, exist_ok=True)
    if picture.ndim == 3 and picture.shape[2] == 4:
        return bool(cv2.imwrite(str(stem) + ".png", picture))
    return bool(cv2.imwrite(str(stem) + ".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95]))
