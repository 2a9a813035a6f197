"""A folder of one's own material: cutouts or photographs by class, sounds by class, backgrounds, other sounds.

    MATERIAL/images/<class>/<source>__<name>.png|jpg    a PNG with transparent parts is a cutout with an exact mask;
                                                        anything else is a photograph that shows the class somewhere
    MATERIAL/sounds/<class>/<source>__<name>.wav|flac|ogg|mp3
    MATERIAL/backgrounds/<source>__<name>.jpg           scenes without any of the classes
    MATERIAL/other_sounds/<source>__<name>.wav          sounds of none of the classes: noise, speech, places

In the name of a class folder ``_`` stands for a space. What stands before ``__`` in a file name is its source, and a
split holds out whole sources; a file without ``__`` is a source of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tvsl_core.data.material.index import MaterialIndex
from tvsl_core.data.scenes.cutouts import cut_from_white
from tvsl_core.data.scenes.pool import Item, MediaPool, PictureItem, SoundItem
from tvsl_core.data.scenes.store import active_stretches, read_item, read_mono, read_pixels
from tvsl_core.errors import InputError, ManifestError, MediaError

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
SOUND_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a")
FOLDERS = ("images", "sounds", "backgrounds", "other_sounds")
CHECK_RATE = 16000
"""Sounds are listened to at this rate, in Hz, to find out when they are loud."""
NAMED = 5
"""So many files are named in a sentence."""
SEPARATOR = "__"


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedFile:
    """A file that was left out, and why."""

    label: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """What a material folder holds that can be used."""

    root: Path
    pool: MediaPool
    skipped: tuple[SkippedFile, ...] = ()
    notes: tuple[str, ...] = ()
    """What one should know about it, in sentences."""


def load_material(
    root: Path, *, cut_white: bool = False, threads: int = 4, on_progress: Callable[[int, int], None] | None = None
) -> Material:
    """Read a material folder, decoding every file that is new or changed since the last time.

    Args:
        root: The folder.
        cut_white: Whether photographs on white become cutouts; see ``data.scenes.cutouts.cut_from_white``.
        threads: Files that are decoded at a time.
        on_progress: Told how many files are done, of how many.

    Returns: What can be used. A file that cannot be decoded, shows nothing or is silent is skipped and named.

    Raises:
        InputError: The folder does not exist or has none of the folders above.
        ManifestError: A class has no usable file, or there is no class at all.
    """
    if not any((root / name).is_dir() for name in FOLDERS[:2]):
        what = "has neither images/ nor sounds/" if root.is_dir() else "does not exist"
        raise InputError(
            f"the material folder '{root}' {what}.",
            hint="It needs images/<class>/<source>__<name>.png and sounds/<class>/<source>__<name>.wav.",
        )
    pictures, sounds = _find_pictures(root), _find_sounds(root)
    total, done = len(pictures) + len(sounds), 0
    checked: list[PictureItem | SoundItem] = []
    skipped = [SkippedFile(label=path.relative_to(root).as_posix(), reason="not a picture or sound file")
               for path in _strangers(root)]  # fmt: skip

    index = MaterialIndex(root, cut_white=cut_white)

    def look(item: PictureItem | SoundItem) -> PictureItem | SoundItem | SkippedFile:
        known = index.recall(item)
        if known is not None:
            return SkippedFile(label=item.label, reason=known) if isinstance(known, str) else known
        try:
            found = _listen(item) if isinstance(item, SoundItem) else _view(item, cut_white)
        except MediaError as problem:
            index.remember(item, problem.message)
            return SkippedFile(label=item.label, reason=problem.message)
        index.remember(found)
        return found

    with ThreadPoolExecutor(max(1, threads)) as workers:
        for found in workers.map(look, [*pictures, *sounds]):
            done += 1
            if isinstance(found, SkippedFile):
                skipped.append(found)
            else:
                checked.append(found)
            if on_progress is not None:
                on_progress(done, total)
    index.save()
    pool = _pool_of(checked)
    _check_classes(root, pool, skipped)
    return Material(root=root, pool=pool, skipped=tuple(skipped), notes=_notes(pool, skipped))


def source_of(path: Path) -> str:
    """The source that a file name states: what stands before ``__``, else the whole name without its ending.

    Example:
        >>> source_of(Path("philharmonia__cello_a2.mp3"))
        'philharmonia'
    """
    stem = path.stem
    return stem.split(SEPARATOR, 1)[0] if SEPARATOR in stem else stem


def _class_folders(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir()] if folder.is_dir() else []


def _files(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith(".")
    ]


def _strangers(root: Path) -> Iterable[Path]:
    """Files in class folders that are of no known kind."""
    for kind, suffixes in (("images", PICTURE_SUFFIXES), ("sounds", SOUND_SUFFIXES)):
        for folder in _class_folders(root / kind):
            for path in sorted(folder.iterdir()):
                if path.is_file() and path.suffix.lower() not in suffixes and not path.name.startswith("."):
                    yield path


def _find_pictures(root: Path) -> list[PictureItem]:
    places = [((folder.name.replace("_", " "),), folder) for folder in _class_folders(root / "images")]
    return [
        PictureItem(names=names, file=path, label=path.relative_to(root).as_posix(), group=source_of(path))
        for names, folder in [*places, ((), root / "backgrounds")]
        for path in _files(folder, PICTURE_SUFFIXES)
    ]


def _find_sounds(root: Path) -> list[SoundItem]:
    places = [((folder.name.replace("_", " "),), folder) for folder in _class_folders(root / "sounds")]
    return [
        SoundItem(names=names, file=path, label=path.relative_to(root).as_posix(), group=source_of(path))
        for names, folder in [*places, ((), root / "other_sounds")]
        for path in _files(folder, SOUND_SUFFIXES)
    ]


def _view(item: PictureItem, cut_white: bool) -> PictureItem:
    """Look at a picture: is there a mask, and how large is what can be placed?"""
    pixels = read_pixels(item.file)
    transparent = pixels.shape[2] == 4 and bool(item.names)
    white = not transparent and cut_white and bool(item.names) and cut_from_white(pixels[:, :, :3]) is not None
    item = replace(item, cutout=transparent or white, white=white, digest=_digest(item.file))
    height, width = read_item(item).shape[:2]
    return replace(item, size=(width, height))


def _listen(item: SoundItem) -> SoundItem:
    """Listen to a sound: how long is it, and when is it loud?"""
    waveform = read_mono(item.file, CHECK_RATE)
    active = active_stretches(waveform, CHECK_RATE)
    if not active:
        raise MediaError(f"the sound of '{item.file}' is too faint to be heard.", stage="decode")
    seconds = round(len(waveform) / CHECK_RATE, 4)
    active = tuple((begin, min(end, seconds)) for begin, end in active)
    return replace(item, seconds=seconds, active=active, digest=_digest(item.file))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def _pool_of(items: Iterable[PictureItem | SoundItem]) -> MediaPool:
    pictures = [item for item in items if isinstance(item, PictureItem)]
    sounds = [item for item in items if isinstance(item, SoundItem)]
    return MediaPool(
        pictures=_named(pictures, True),
        sounds=_named(sounds, True),
        backgrounds=_named(pictures, False),
        others=_named(sounds, False),
    )


def _named(items: list[Item], named: bool) -> tuple[Item, ...]:
    return tuple(item for item in items if bool(item.names) == named)


def _check_classes(root: Path, pool: MediaPool, skipped: list[SkippedFile]) -> None:
    """Every class folder must hold something that can be used."""
    wanted = {folder.name.replace("_", " ") for kind in FOLDERS[:2] for folder in _class_folders(root / kind)}
    if not wanted:
        raise ManifestError(
            f"'{root}' has no class: images/ and sounds/ hold no folder.",
            hint="Make one folder per class, such as images/dog and sounds/dog.",
        )
    lacking = sorted(wanted - set(pool.classes))
    if lacking:
        why = f" {skipped[0].label}: {skipped[0].reason}" if skipped else ""
        raise ManifestError(
            f"{_listed('the class', lacking)} without a usable picture or sound in '{root}'.{why}",
            hint="Add files to its folder, or remove the folder.",
        )


def _notes(pool: MediaPool, skipped: list[SkippedFile]) -> tuple[str, ...]:
    seen = {name for item in pool.pictures for name in item.names}
    heard = {name for item in pool.sounds for name in item.names}
    notes = []
    if skipped:
        named = "; ".join(f"{one.label}: {one.reason}" for one in skipped[:NAMED])
        more = f"; and {len(skipped) - NAMED} more" if len(skipped) > NAMED else ""
        files = "1 file was" if len(skipped) == 1 else f"{len(skipped)} files were"
        notes.append(f"{files} skipped: {named}{more}")
    if heard - seen:
        notes.append(f"{_listed('Only heard, never seen:', sorted(heard - seen))}.")
    if seen - heard:
        notes.append(f"{_listed('Only seen, never heard:', sorted(seen - heard))}.")
    if not pool.backgrounds and any(item.cutout for item in pool.pictures):
        notes.append("There are no backgrounds, so cutouts stand before plain colours only.")
    return tuple(notes)


def _listed(before: str, names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    verb = "" if before.endswith(":") else (" is" if len(names) == 1 else " are")
    return f"{before} {', '.join(names[:NAMED])}{more}{verb}"
