"""Which clips a list needs, whether it is to train on, to score on, or one's own."""

from __future__ import annotations

from pathlib import Path

from tvsl_core.data.benchmarks.catalog import ALIASES, ENTRIES, annotations_folder, data_root, find_entry
from tvsl_core.data.training_sets.catalog import CUSTOM, TRAINING
from tvsl_core.data.training_sets.custom import clips_from_folder, table_ids
from tvsl_core.data.training_sets.prepare import Wanted, wanted_of
from tvsl_core.data.training_sets.sets import needed_clips


def find_wanted(name: str, *, annotations: Path | None = None, videos: Path, test: bool = False) -> tuple[Wanted, ...]:
    """The clips of a training list, of one's own videos, or of a benchmark.

    Args:
        name: Of the list.
        annotations: Its files; None looks below the data root.
        videos: Folder of the videos, which are the list when they are one's own.
        test: The clips to score on, where a list has both kinds.

    Raises:
        InputError: There is no such list.
        ManifestError: Its files cannot be found or used; the message says what to do.
    """
    if name == CUSTOM:
        ids = table_ids(annotations) if annotations is not None else [clip.id for clip in clips_from_folder(videos)]
        return tuple(Wanted(id=identity) for identity in ids)
    if test or (ALIASES.get(name, name) in ENTRIES and name not in TRAINING):
        entry = find_entry(name)
        benchmark = entry.load(annotations_folder(entry, annotations, data_root()))
        return wanted_of(dict.fromkeys(clip for sample in benchmark.samples for clip in sample.clips))
    _, clips = needed_clips(name, annotations=annotations, root=data_root())
    return tuple(Wanted(id=clip.id, video=clip.video, time_s=clip.time_s) for clip in clips)
