"""Training clips of one's own: a folder of videos per class, or a CSV table.

Folder: ``<class>/<source>__<name>.mp4``, or what ``tvsl datasets prepare custom`` made of it
(``frames/<class>/<name>.jpg`` with ``audio/<class>/<name>.wav``). In the name of a class folder ``_`` is a space.

CSV: a header with ``path, class``; optional ``group``. Rows of one path and several classes are one clip in which all
of them sound. Paths count from the folder of the table, or from the media folder if there is one.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from tvsl_core.data.benchmarks.files import read_text
from tvsl_core.data.benchmarks.layout import AUDIO_SUFFIXES, FRAME_SUFFIXES, VIDEO_SUFFIXES, ClipMedia, find_all
from tvsl_core.data.material.folder import source_of
from tvsl_core.errors import InputError, ManifestError
from tvsl_core.system.results import outside_results


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingClip:
    """One picture with the sound around it, and its classes."""

    id: str
    names: tuple[str, ...]
    """The classes that are seen and heard."""
    media: ClipMedia
    group: str
    """The video or source; a split holds out whole groups."""


def clips_from_folder(root: Path) -> tuple[TrainingClip, ...]:
    """Clips by the folders that they lie in.

    Raises:
        InputError: The folder does not exist.
        ManifestError: It holds no folder with a clip, or a class folder without one.
    """
    if not root.is_dir():
        raise InputError(f"the folder '{root}' does not exist.", hint="Name a folder of videos per class: --media DIR.")
    prepared = (root / "frames").is_dir() and (root / "audio").is_dir()
    base = root / "frames" if prepared else root / "videos" if (root / "videos").is_dir() else root
    suffixes = FRAME_SUFFIXES if prepared else VIDEO_SUFFIXES
    clips: list[TrainingClip] = []
    empty = []
    for folder in outside_results(sorted(base.iterdir()), base):
        if not folder.is_dir() or folder.name.startswith("."):
            continue
        inside = outside_results(sorted(folder.rglob("*")), folder)
        files = [path for path in inside if path.suffix.lower() in suffixes and path.is_file()]
        if not files:
            empty.append(folder.name)
        name = folder.name.replace("_", " ")
        for path in files:
            identity = path.relative_to(base).with_suffix("").as_posix()
            media = ClipMedia(clip=identity, video=None if prepared else path)
            clips.append(TrainingClip(id=identity, names=(name,), media=media, group=source_of(path)))
    kind = "prepared frame" if prepared else "video"
    if empty and clips:
        raise ManifestError(
            f"the class folder '{base / empty[0]}' holds no {kind}.", hint="Add some, or remove the folder."
        )
    if not clips:
        raise ManifestError(
            f"'{root}' holds no folder with a {kind}.", hint="Make one folder per class, such as dog/walk1.mp4."
        )
    if prepared:
        found = find_all(root, [clip.id for clip in clips])
        clips = [
            TrainingClip(id=clip.id, names=clip.names, media=media, group=clip.group)
            for clip, media in zip(clips, found, strict=True)
        ]
    return _without_doubles(clips, root)


def clips_from_table(path: Path, media: Path | None) -> tuple[TrainingClip, ...]:
    """Clips by a CSV table.

    Args:
        path: The table.
        media: What its paths count from; None is the table's own folder.

    Raises: ManifestError: The table is missing or damaged, lacks a column, or lists nothing.
    """
    reader = csv.DictReader(io.StringIO(read_text(path)))
    header = tuple(name.strip() for name in reader.fieldnames or ())
    reader.fieldnames = header
    lacking = [name for name in ("path", "class") if name not in header]
    if lacking:
        raise ManifestError(
            f"'{path}' must have a header with path, class (and perhaps group); it has {', '.join(header) or 'none'}."
        )
    base = media if media is not None else path.parent
    found: dict[str, tuple[list[str], str]] = {}
    for number, row in enumerate(reader, start=2):
        name, file = (row["class"] or "").strip(), (row["path"] or "").strip()
        if not name or not file:
            raise ManifestError(f"'{path}', line {number}: path or class is empty.")
        group = (row.get("group") or "").strip() or source_of(Path(file))
        names, earlier = found.setdefault(file, ([], group))
        if earlier != group:
            raise ManifestError(f"'{path}', line {number}: '{file}' belongs to '{earlier}' and to '{group}'.")
        names.append(name)
    if not found:
        raise ManifestError(f"'{path}' lists no clip.", hint="Write one line per clip: path,class.")
    return tuple(
        TrainingClip(id=file, names=tuple(dict.fromkeys(names)), media=_media_of(base, file), group=group)
        for file, (names, group) in found.items()
    )


def table_ids(path: Path) -> tuple[str, ...]:
    """What the prepared files of a table's clips are called: its paths without the ending of a video.

    Raises: ManifestError: As for :func:`clips_from_table`.
    """
    return tuple(_stem(clip.id) for clip in clips_from_table(path, None))


def _stem(file: str) -> str:
    return Path(file).with_suffix("").as_posix() if Path(file).suffix.lower() in VIDEO_SUFFIXES else file


def _media_of(base: Path, file: str) -> ClipMedia:
    """A video, or the frame and sound that were prepared from it."""
    path = base / file
    if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
        return ClipMedia(clip=file, video=path)
    stem = _stem(file)

    def first(folder: str, suffixes: tuple[str, ...]) -> Path | None:
        places = (base / folder / f"{stem}{suffix}" for suffix in suffixes)
        return next((place for place in places if place.is_file()), None)

    return ClipMedia(clip=file, frame=first("frames", FRAME_SUFFIXES), audio=first("audio", AUDIO_SUFFIXES))


def _without_doubles(clips: list[TrainingClip], root: Path) -> tuple[TrainingClip, ...]:
    """Every id once; two files of one name in one folder differ in their ending only."""
    seen: set[str] = set()
    for clip in clips:
        if clip.id in seen:
            raise ManifestError(
                f"'{root}' holds two files called '{clip.id}' that differ only in their ending.", hint="Rename one."
            )
        seen.add(clip.id)
    return tuple(clips)
