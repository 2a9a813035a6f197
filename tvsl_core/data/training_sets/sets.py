"""A training set by name or path: its files as a pool, and what one should know about it before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tvsl_core.data.benchmarks.catalog import DATA_VARIABLE, annotations_folder, how_to_get, media_folder
from tvsl_core.data.benchmarks.custom import LABELS, TRAINING_LIST
from tvsl_core.data.benchmarks.layout import ClipMedia, find_all
from tvsl_core.data.benchmarks.truth import TRUTH
from tvsl_core.data.material.folder import SkippedFile, load_material
from tvsl_core.data.scenes.pool import MediaPool, PictureItem, SoundItem
from tvsl_core.data.training_sets.catalog import COMPOSED, CUSTOM, TRAINING, TrainingEntry, find_training_entry
from tvsl_core.data.training_sets.custom import TrainingClip, clips_from_folder, clips_from_table
from tvsl_core.data.training_sets.lists import ListedClip, benchmark_ids, video_of
from tvsl_core.data.training_sets.samples import NOTES, SAMPLES, samples_pool
from tvsl_core.errors import InputError, ManifestError
from tvsl_core.system.results import find_results, passed_over

NAMED = 5
"""So many missing clips are named in a sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingSet:
    """What a model learns from."""

    name: str
    pool: MediaPool
    clips: tuple[TrainingClip, ...] = ()
    """What its list holds and the media folder has; empty for material."""
    missing: tuple[ClipMedia, ...] = ()
    """What its list holds and the media folder lacks."""
    skipped: tuple[SkippedFile, ...] = ()
    """Files that cannot be used."""
    excluded: tuple[str, ...] = ()
    """Clips from the videos that benchmarks test on; they are in neither ``clips`` nor ``pool``."""
    notes: tuple[str, ...] = ()
    """What one should know before training, in sentences."""

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes, sorted."""
        return self.pool.classes


def load_training_set(
    name: str,
    *,
    annotations: Path | None = None,
    media: Path | None = None,
    root: Path | None = None,
    cut_white: bool = True,
    exclude_test: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> TrainingSet:
    """Find a training set and list its files; nothing of clips is decoded yet, material is decoded once.

    Args:
        name: A published list, ``vggsound``, ``custom``, ``composed``, or the path of a folder or CSV of one's own.
        annotations: Folder with the list, or the list itself for ``custom`` and ``vggsound``.
        media: Folder with the media: the material, the class folders, or ``frames`` and ``audio``, or ``videos``.
        root: The data root; its folders are tried for what is not given.
        cut_white: Whether photographs of material on white become cutouts.
        exclude_test: Leave out every clip from a video that a benchmark tests on, as far as its lists lie beside the
            training list or in ``annotations`` under the data root.
        on_progress: Told how many files of material are done, of how many.

    Raises:
        InputError: There is no such set or folder; the message names the nearest, or says what to make.
        ManifestError: Its list or media are not there, with what to fetch and prepare; or the list is damaged.
    """
    if name == COMPOSED:
        return _material(_own_folder(COMPOSED, media, root), cut_white, on_progress)
    if name == SAMPLES:
        return _samples(_own_folder(SAMPLES, media, root))
    if name in TRAINING:
        return _published(find_training_entry(name), annotations, media, root, exclude_test)
    tested = benchmark_ids(root / "annotations") if exclude_test and root is not None else frozenset()
    if name == CUSTOM:
        if annotations is not None:
            return _custom(clips_from_table(annotations, media), annotations, tested)
        folder = _own_folder(CUSTOM, media, root)
        return _custom(clips_from_folder(folder), folder, tested)
    path = Path(name)
    if path.is_dir() or path.suffix.lower() == ".csv" or len(path.parts) > 1:
        return _by_path(path, media, tested, cut_white, on_progress)
    find_training_entry(name)
    raise AssertionError("unreachable: a name that is no entry is an error")


def _by_path(
    path: Path,
    media: Path | None,
    tested: frozenset[str],
    cut_white: bool,
    on_progress: Callable[[int, int], None] | None,
) -> TrainingSet:
    """One's own material, class folders, table, or results with labels."""
    if path.is_dir():
        if (path / TRUTH).is_file():
            return _samples(path)
        if (path / "images").is_dir() or (path / "sounds").is_dir():
            return _material(path, cut_white, on_progress)
        if (path / LABELS / TRAINING_LIST).is_file():
            labels = path / LABELS
            return _custom(clips_from_table(labels / TRAINING_LIST, labels), labels, tested)
        return _custom(clips_from_folder(path), path, tested)
    if path.suffix.lower() == ".csv" and path.is_file():
        return _custom(clips_from_table(path, media), path, tested)
    raise InputError(f"the training set '{path}' does not exist.", hint="Name a folder, a CSV file or a known set.")


def needed_clips(
    name: str, *, annotations: Path | None = None, root: Path | None = None
) -> tuple[TrainingEntry, tuple[ListedClip, ...]]:
    """A published training list, whether its media are there or not.

    Raises:
        InputError: There is no such list.
        ManifestError: The list is not there, with where to get it; or it is damaged.
    """
    entry = find_training_entry(name)
    if annotations is not None and annotations.is_file():
        return entry, entry.read(_folder_of(entry, annotations))
    return entry, entry.read(annotations_folder(entry, annotations, root))


def _folder_of(entry: TrainingEntry, file: Path) -> Path:
    """VGGSound's table may have any name; the other lists are read from the folder that they lie in."""
    return file if entry.name == "vggsound" else file.parent


def _own_folder(name: str, media: Path | None, root: Path | None) -> Path:
    """The folder of material or videos: the one named, else that under the data root."""
    if media is not None:
        return media
    if root is not None and (root / name).is_dir():
        return root / name
    if name == SAMPLES:
        raise ManifestError(
            "the sample videos were not found.",
            hint="Name the folder sample_videos of the tvsl repository: --media DIR.",
        )
    where = f"in '{root / name}'" if root is not None else f"because {DATA_VARIABLE} is not set"
    form = (
        "images/<class>/<source>__<name>.png, sounds/<class>/<source>__<name>.wav and perhaps backgrounds/ and "
        "other_sounds/"
        if name == COMPOSED
        else "one folder of videos per class, such as dog/walk1.mp4"
    )
    raise ManifestError(
        f"the files of the training set '{name}' were not found {where}.",
        hint=f"Make a folder with {form}, and name it with --media DIR or put it under {DATA_VARIABLE} as {name}/.",
    )


def _samples(folder: Path) -> TrainingSet:
    return TrainingSet(name=SAMPLES, pool=samples_pool(folder), notes=NOTES)


def _material(folder: Path, cut_white: bool, on_progress: Callable[[int, int], None] | None) -> TrainingSet:
    material = load_material(folder, cut_white=cut_white, on_progress=on_progress)
    return TrainingSet(name=COMPOSED, pool=material.pool, skipped=material.skipped, notes=material.notes)


def _published(
    entry: TrainingEntry, annotations: Path | None, media: Path | None, root: Path | None, exclude_test: bool
) -> TrainingSet:
    """A published list and those of its media that are there."""
    _, listed = needed_clips(entry.name, annotations=annotations, root=root)
    folder = media_folder(entry, media, root, listed=annotations)
    found = find_all(folder, [clip.id for clip in listed])
    clips = [
        TrainingClip(id=clip.id, names=clip.names, media=files, group=clip.video)
        for clip, files in zip(listed, found, strict=True)
    ]
    where = annotations if annotations is not None else annotations_folder(entry, None, root)
    ids = benchmark_ids(where if where.is_dir() else where.parent)
    notes = []
    if not ids and entry.traps:
        notes.append(f"No list of a benchmark lies in '{where}', so nothing was left out for it: {entry.traps[0]}")
    if ids and not exclude_test:
        shared = sum(clip.id in ids for clip in listed)
        notes += [f"{shared} clips of {entry.name} are test clips: no score on them counts."] if shared else []
    hint = how_to_get(entry, root, annotations)
    return _set_of(entry.name, clips, folder, hint, notes, ids if exclude_test else frozenset())


def _custom(clips: Sequence[TrainingClip], where: Path, tested: frozenset[str]) -> TrainingSet:
    hint = "Check the paths; those of a table count from its folder, or from --media DIR."
    note = passed_over(find_results(where)) if where.is_dir() else ""
    return _set_of(CUSTOM, clips, where, hint, [note] if note else [], tested)


def _without_tested(
    clips: Sequence[TrainingClip], tested: frozenset[str]
) -> tuple[list[TrainingClip], tuple[str, ...], list[str]]:
    """The clips from other videos, the ids of those left out, and what to say of them."""
    videos = {video_of(one) for one in tested}
    excluded = tuple(clip.id for clip in clips if video_of(Path(clip.id).stem) in videos)
    left = set(excluded)
    notes = []
    if excluded:
        themselves = sum(Path(name).stem in tested for name in excluded)
        notes.append(
            f"{len(excluded)} clips are left out because benchmarks test on their videos ({themselves} are test clips "
            "themselves); --include-test keeps them."
        )
    return [clip for clip in clips if clip.id not in left], excluded, notes


def _set_of(
    name: str, listed: Sequence[TrainingClip], where: Path, hint: str, notes: list[str], tested: frozenset[str]
) -> TrainingSet:
    """The clips that are there and not tested on, as a pool of pictures with their sounds."""
    clips, excluded, more_notes = _without_tested(listed, tested)
    notes += more_notes
    there = tuple(clip for clip in clips if clip.media.complete)
    missing = tuple(clip.media for clip in clips if not clip.media.complete)
    if not clips:
        raise ManifestError(
            f"all {len(listed)} clips of the training set '{name}' come from videos that benchmarks test on.",
            hint="Train on other clips, or keep them with --include-test.",
        )
    if not there:
        raise ManifestError(
            f"none of the {len(clips)} clips of the training set '{name}' has its media in '{where}'.", hint=hint
        )
    if missing:
        named = ", ".join(media.clip for media in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        notes.append(f"{len(missing)} of {len(clips)} clips lack their media and are left out: {named}{more}.")
    lost = {name for clip in clips for name in clip.names} - {name for clip in there for name in clip.names}
    if lost:
        notes.append(f"No clip is left of {', '.join(sorted(lost)[:NAMED])}"
                     f"{f' and {len(lost) - NAMED} more' if len(lost) > NAMED else ''}.")  # fmt: skip
    few = [name for name, number in Counter(name for clip in there for name in clip.names).items() if number < 2]
    if few:
        notes.append(f"Only one clip is there of {', '.join(sorted(few)[:NAMED])}.")
    return TrainingSet(
        name=name, pool=_pool_of(there), clips=there, missing=missing, excluded=excluded, notes=tuple(notes)
    )


def _pool_of(clips: Sequence[TrainingClip]) -> MediaPool:
    """One picture and one sound a clip; both come from its video where they were not prepared."""
    pictures, sounds = [], []
    for number, clip in enumerate(clips):
        split = clip.media.frame is not None and clip.media.audio is not None
        picture = clip.media.frame if split else clip.media.video
        sound = clip.media.audio if split else clip.media.video
        assert picture is not None
        assert sound is not None
        names, label, group = clip.names, clip.id, clip.group
        pictures.append(PictureItem(names=names, file=picture, label=label, group=group, sound=number))
        sounds.append(SoundItem(names=names, file=sound, label=label, group=group, middle=True))
    return MediaPool(pictures=tuple(pictures), sounds=tuple(sounds))
