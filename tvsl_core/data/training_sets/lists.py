"""Training lists as they are published: every line becomes a clip with its classes, its video and its instant."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tvsl_core.data.benchmarks.files import find_file, read_rows, read_text
from tvsl_core.errors import ManifestError

VGGSOUND_CLIP_S = 10.0
"""Length of a VGGSound clip; its centre is the instant that is looked at."""
TEST_LISTS = (
    "vggss.json",
    "vggss_test.csv",
    "vggsound_single_test.csv",
    "vggsound_duet_test.csv",
    "vggsounder.csv",
    "music_solo.json",
    "music_solo_test.csv",
    "music_duet.json",
    "music_duet_test.csv",
    "dsol_music_solo_test.json",
    "dsol_music_duet_test.json",
    "dsol_audioset_instrument_box.json",
)
"""What benchmarks test on, by ids that begin with the eleven characters of a video."""
_TESTED = re.compile(r"(?<![\w-])[\w-]{11}[_/]\d[\w/]*")
MUSIC_FPS = 30.0
"""Rate at which the published MUSIC frames were numbered, in most videos."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedClip:
    """One line of a training list."""

    id: str
    """What its media files are called, without ending."""
    names: tuple[str, ...]
    """The classes that are seen and heard."""
    video: str
    """The whole video that it was cut from; also the group that a split holds out as a whole."""
    time_s: float
    """Its instant on the timeline of the whole video."""


ListReader = Callable[[Path], tuple[ListedClip, ...]]
"""From the folder with the annotation files, or the file itself, to the clips."""


def vggsound_clip(clip: str, names: tuple[str, ...]) -> ListedClip:
    """A clip by its VGGSound id, ``<11 characters of the video>_<start second, 6 digits>``.

    Raises: ValueError: The id has another form.
    """
    video, second = clip[:11], clip[12:]
    if clip[11:12] != "_" or not second.isdigit():
        raise ValueError(f"'{clip}' is not VIDEO_SECOND, such as --G-wKyj6JQ_000030")
    return ListedClip(id=clip, names=names, video=video, time_s=int(second) + VGGSOUND_CLIP_S / 2)


def music_clip(clip: str, names: tuple[str, ...]) -> ListedClip:
    """A clip by its MUSIC id, ``<11 characters of the video>_<second>_<frame>``.

    The frame number counts 30 a second where that agrees with the second; in the other videos the second decides.

    Raises: ValueError: The id has another form.
    """
    parts = clip[12:].split("_")
    if clip[11:12] != "_" or len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise ValueError(f"'{clip}' is not VIDEO_SECOND_FRAME, such as K_U5-GbPgi0_098_02961")
    second, moment = int(parts[0]), int(parts[1]) / MUSIC_FPS
    time_s = moment if 0 <= moment - second < 1 else float(second)
    return ListedClip(id=clip, names=names, video=clip[:11], time_s=time_s)


def read_instruments(folder: Path) -> tuple[ListedClip, ...]:
    """VGG-Instruments: ``vgginstruments_train.txt`` (id, class).

    Raises: ManifestError: It is missing or damaged.
    """
    return _read_list(find_file(folder, "vgginstruments_train.txt"), 2, vggsound_clip)


def read_music_solo(folder: Path) -> tuple[ListedClip, ...]:
    """MUSIC-Solo: ``music_solo_train.txt`` (id, class).

    Raises: ManifestError: It is missing or damaged.
    """
    return _read_list(find_file(folder, "music_solo_train.txt"), 2, music_clip)


def read_music_duet(folder: Path) -> tuple[ListedClip, ...]:
    """MUSIC-Duet: ``music_duet_train.txt`` (id, class, class).

    Raises: ManifestError: It is missing or damaged.
    """
    return _read_list(find_file(folder, "music_duet_train.txt"), 3, music_clip)


def read_vggsound(folder: Path) -> tuple[ListedClip, ...]:
    """VGGSound: ``vggsound.csv`` as published (video, start second, class, split), its lines of the split ``train``.

    Args:
        folder: Holds the file, or is the file itself.

    Raises: ManifestError: It is missing or damaged, or has no line of the split ``train``.
    """
    path = folder if folder.is_file() else find_file(folder, "vggsound.csv")
    clips = []
    for number, row in enumerate(csv.reader(read_text(path).splitlines()), start=1):
        if not row:
            continue
        cells = [cell.strip() for cell in row]
        if len(cells) != 4:
            raise ManifestError(
                f"'{path}', line {number}: expected 4 columns (video, start second, class, split), got {len(cells)}.",
                hint="A class with a comma in it must stand in quotes.",
            )
        if not cells[1].isdigit():
            if number == 1:
                continue  # a header
            raise ManifestError(f"'{path}', line {number}: the start second '{cells[1]}' is not a whole number.")
        if cells[3] == "train":
            clips.append(vggsound_clip(f"{cells[0]}_{int(cells[1]):06d}", (cells[2],)))
    if not clips:
        raise ManifestError(f"'{path}' has no line of the split 'train'.", hint="Its fourth column names the split.")
    return tuple(clips)


def benchmark_ids(folder: Path) -> frozenset[str]:
    """The ids of all test clips whose lists lie in a folder; empty when none does."""
    found: set[str] = set()
    for name in TEST_LISTS:
        if (folder / name).is_file():
            found.update(_TESTED.findall(read_text(folder / name)))
    return frozenset(found)


def video_of(clip: str) -> str:
    """The video that a clip was cut from, by an id that begins with it; the id itself when it has another form."""
    return clip[:11] if _TESTED.fullmatch(clip) else clip


def _read_list(
    path: Path, columns: int, clip_of: Callable[[str, tuple[str, ...]], ListedClip]
) -> tuple[ListedClip, ...]:
    """Rows of an id and one or more classes, each id once."""
    clips: dict[str, ListedClip] = {}
    for row in read_rows(path, columns):
        names = tuple(dict.fromkeys(name.replace("_", " ") for name in row[1:]))
        try:
            clip = clip_of(row[0], names)
        except ValueError as problem:
            raise ManifestError(f"'{path}': {problem}.", hint="Fetch the file again.") from None
        if clip.id in clips:
            raise ManifestError(f"'{path}' lists '{clip.id}' twice.", hint="Fetch the file again.")
        clips[clip.id] = clip
    if not clips:
        raise ManifestError(f"'{path}' lists no clip.", hint="Fetch the file again.")
    return tuple(clips.values())
