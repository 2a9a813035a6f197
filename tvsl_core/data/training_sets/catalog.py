"""The training lists by name: what each is, which files it needs, and where a user gets them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tvsl_core.data.training_sets.lists import (
    ListReader,
    read_instruments,
    read_music_duet,
    read_music_solo,
    read_vggsound,
)
from tvsl_core.data.training_sets.samples import SAMPLES
from tvsl_core.errors import InputError
from tvsl_core.system.suggest import did_you_mean

COMPOSED = "composed"
"""One's own material: cutouts, photographs and sounds that scenes are made from."""
CUSTOM = "custom"
"""One's own videos."""
_AVGN = "https://github.com/stoneMo/AVGN (folder metadata, Apache-2.0)"
_VGGSOUND = "https://www.robots.ox.ac.uk/~vgg/data/vggsound/"
_MUSIC = "https://github.com/roudimit/MUSIC_dataset"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingEntry:
    """One training list that tvsl knows."""

    name: str
    about: str
    read: ListReader
    files: tuple[str, ...]
    """Annotation files, looked for in the annotations folder."""
    annotations_from: str
    media_from: str
    family: str
    """Folder under the data root that holds the media."""
    traps: tuple[str, ...] = ()

    @property
    def check(self) -> str:
        """The command that says whether all is there."""
        return f"tvsl datasets check {self.name} --training"

    @property
    def prepare(self) -> str:
        """The command that cuts the media from videos."""
        return f"tvsl datasets prepare {self.name}"


_ENTRIES = (
    TrainingEntry(
        name="vggsound-instruments",
        about="33,934 VGGSound training clips of 37 instruments (VGG-Instruments)",
        read=read_instruments,
        files=("vgginstruments_train.txt",),
        annotations_from=_AVGN,
        media_from=f"VGGSound training clips, {_VGGSOUND}; ids are VIDEO_SECOND",
        family="vggsound",
        traps=("868 of the clips are VGG-SS test clips; they are left out when a list of those lies beside this one.",),
    ),
    TrainingEntry(
        name="music-solo",
        about="44,532 frames of 217 MUSIC videos with one player",
        read=read_music_solo,
        files=("music_solo_train.txt",),
        annotations_from=_AVGN,
        media_from=f"MUSIC videos from YouTube by the ids of {_MUSIC}; ids are VIDEO_SECOND_FRAME",
        family="music",
        traps=("many frames lie a few hundredths of a second apart: a split holds out whole videos.",),
    ),
    TrainingEntry(
        name="music-duet",
        about="48,348 frames of 112 MUSIC videos with two players, 8 pairs of instruments",
        read=read_music_duet,
        files=("music_duet_train.txt",),
        annotations_from=_AVGN,
        media_from=f"MUSIC videos from YouTube by the ids of {_MUSIC}; ids are VIDEO_SECOND_FRAME",
        family="music",
        traps=("88 % of the frames show an acoustic guitar.",),
    ),
    TrainingEntry(
        name="vggsound",
        about="the VGGSound training split, 309 classes, from the published vggsound.csv",
        read=read_vggsound,
        files=("vggsound.csv",),
        annotations_from=f"{_VGGSOUND} (CC BY 4.0)",
        media_from=f"VGGSound training clips, {_VGGSOUND}; ids are VIDEO_SECOND",
        family="vggsound",
    ),
)
TRAINING: Mapping[str, TrainingEntry] = {entry.name: entry for entry in _ENTRIES}
OWN: Mapping[str, str] = {
    SAMPLES: "the sample videos, for a first training: nothing else is needed (--media DIR [sample_videos])",
    COMPOSED: "scenes made from a folder of material: images/, sounds/, backgrounds/, other_sounds/ (--media DIR)",
    CUSTOM: "your own videos: a folder of videos per class (--media DIR), or a CSV of path, class (--annotations FILE)",
}
"""Training sets without a published list."""


def find_training_entry(name: str) -> TrainingEntry:
    """The training list of this name.

    Raises: InputError: No such list; the message names the nearest one.
    """
    entry = TRAINING.get(name)
    if entry is None:
        known = [*TRAINING, *OWN]
        hint = did_you_mean(name, known, more=", or the path of a folder or CSV")
        raise InputError(f"there is no training set '{name}'.", hint=hint)
    return entry
