"""The benchmarks by name: what each is, which files it needs, and where a user gets them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tvsl_core.data.benchmarks.audioset import load_audioset_instruments
from tvsl_core.data.benchmarks.composed import NAMES as COMPOSED_NAMES
from tvsl_core.data.benchmarks.instruments import load_instruments, load_instruments_multi
from tvsl_core.data.benchmarks.music import load_duet as load_music_duet
from tvsl_core.data.benchmarks.music import load_duet_short, load_solo, load_solo_large
from tvsl_core.data.benchmarks.public.avsbench import load_ms3, load_s4
from tvsl_core.data.benchmarks.public.flickr import load_flickr, load_flickr_extended, load_vggss_extended
from tvsl_core.data.benchmarks.public.interactive import load_is3, load_vpo_multi, load_vpo_single
from tvsl_core.data.benchmarks.public.vggsounder import load_vggsounder
from tvsl_core.data.benchmarks.sample import Benchmark
from tvsl_core.data.benchmarks.vggsound import load_duet, load_single
from tvsl_core.errors import InputError, ManifestError
from tvsl_core.system.suggest import did_you_mean

DATA_VARIABLE = "TVSL_DATA"
"""Environment variable that names the folder of all benchmark data."""

_AVGN = "https://github.com/stoneMo/AVGN (folder metadata, Apache-2.0)"
_DSOL = "https://github.com/DTaoo/Discriminative-Sounding-Objects-Localization (MIT)"
_LVS = "https://github.com/hche11/Localizing-Visual-Sounds-the-Hard-Way (folder metadata)"
_FLICKR = "https://github.com/ardasnck/learning_to_localize_sound_source"
_SLAVC = "https://github.com/stoneMo/SLAVC"
_ALIGNMENT = "https://github.com/kaistmm/SSLalignment"
_AVSBENCH = "https://github.com/OpenNLPLab/AVSBench"
_MUSIC = "https://github.com/roudimit/MUSIC_dataset"
_VGGSOUND = "VGGSound test clips, https://www.robots.ox.ac.uk/~vgg/data/vggsound/ (ids are VIDEO_SECOND)"
_MUSIC_MEDIA = f"MUSIC videos from YouTube by the ids of {_MUSIC}; ids are VIDEO_CLIP_FRAME"


class Needs(Protocol):
    """What a benchmark or a training list needs, and where a user gets it."""

    @property
    def name(self) -> str:
        """What commands call it."""
        ...

    @property
    def files(self) -> tuple[str, ...]:
        """Annotation files, looked for in the annotations folder."""
        ...

    @property
    def annotations_from(self) -> str:
        """Where the annotation files are to be had."""
        ...

    @property
    def media_from(self) -> str:
        """Where the media are to be had."""
        ...

    @property
    def family(self) -> str:
        """Folder under the data root that holds the media."""
        ...

    @property
    def check(self) -> str:
        """The command that says whether all is there."""
        ...

    @property
    def prepare(self) -> str:
        """The command that cuts the media from videos."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkEntry:
    """One benchmark that tvsl knows."""

    name: str
    about: str
    load: Callable[[Path], Benchmark]
    files: tuple[str, ...]
    """Annotation files, looked for in the annotations folder."""
    annotations_from: str
    media_from: str
    family: str
    """Folder under the data root that holds the media."""
    traps: tuple[str, ...] = ()
    """What its files get wrong, and what tvsl does about it."""

    @property
    def check(self) -> str:
        """The command that says whether all is there."""
        return f"tvsl datasets check {self.name}"

    @property
    def prepare(self) -> str:
        """The command that cuts the media from videos."""
        return f"tvsl datasets prepare {self.name} --test"


_VGGSS_TRAPS = (
    "18 of 5,941 boxes have no area, 12 of them with a coordinate of -2.9e16: dropped.",
    "2 clips are left without a box: refused and counted.",
    "144 frames have overlapping boxes: the reference is their union.",
)
_XYWH = "boxes are x, y, width, height; read as corners, most references come out empty."

_ENTRIES = (
    BenchmarkEntry(
        name="vggsound-single",
        about="5,158 VGGSound test clips, 221 classes, one marked source each (VGG-SS)",
        load=load_single,
        files=("vggss.json", "vggsound_single_test.csv"),
        annotations_from=_AVGN,
        media_from=_VGGSOUND,
        family="vggsound",
        traps=_VGGSS_TRAPS,
    ),
    BenchmarkEntry(
        name="vggsound-duet",
        about="5,158 pairs of VGG-SS clips, frames side by side and sounds added",
        load=load_duet,
        files=("vggss.json", "vggsound_duet_test.csv"),
        annotations_from=_AVGN,
        media_from=_VGGSOUND,
        family="vggsound",
        traps=(*_VGGSS_TRAPS, "22 pairs have one class on both sides: reported apart."),
    ),
    BenchmarkEntry(
        name="vggsound-instruments",
        about="446 frames of instrument players with masks, 36 classes",
        load=load_instruments,
        files=("vgginstruments_test.csv", "vgginstruments_masks/<id>.pkl"),
        annotations_from=f"{_AVGN}; the masks come from the authors of that project",
        media_from="VGG-Instruments test media as sampleNNNN, from the same authors",
        family="vgg-instruments",
        traps=("masks are pickles: only plain arrays are read from them.", "868 training ids are VGG-SS test ids."),
    ),
    BenchmarkEntry(
        name="vggsound-instruments-multi",
        about="446 pairs of VGG-Instruments frames, side by side, sounds added",
        load=load_instruments_multi,
        files=("vgginstruments_multi_test.csv", "vgginstruments_masks/<id>.pkl"),
        annotations_from=f"{_AVGN}; the masks come from the authors of that project",
        media_from="VGG-Instruments test media as sampleNNNN, from the same authors",
        family="vgg-instruments",
        traps=("masks are pickles: only plain arrays are read from them.",),
    ),
    BenchmarkEntry(
        name="music-solo",
        about="2,124 frames of 20 MUSIC videos with one player, 7 of 11 classes",
        load=load_solo,
        files=("music_solo.json",),
        annotations_from=_AVGN,
        media_from=_MUSIC_MEDIA,
        family="music",
        traps=(_XYWH,),
    ),
    BenchmarkEntry(
        name="music-solo-large",
        about="12,239 frames of 27 MUSIC videos with one player",
        load=load_solo_large,
        files=("dsol_music_solo_test.json", "MUSIC_solo_videos.json"),
        annotations_from=_DSOL,
        media_from=_MUSIC_MEDIA,
        family="music",
        traps=(_XYWH, "class numbers are those of the detector, not of the 11 MUSIC classes."),
    ),
    BenchmarkEntry(
        name="music-duet",
        about="10,284 frames of 16 MUSIC videos with two players; the better of the two lists",
        load=load_music_duet,
        files=("dsol_music_duet_test.json", "MUSIC_duet_videos.json"),
        annotations_from=_DSOL,
        media_from=_MUSIC_MEDIA,
        family="music",
        traps=(
            _XYWH,
            "class numbers are those of the detector, not of the 11 MUSIC classes.",
            "clarinet, tuba and xylophone are never marked: their partners alone are scored for place.",
        ),
    ),
    BenchmarkEntry(
        name="music-duet-short",
        about="1,020 frames of 6 MUSIC videos, 1,012 of them cello and guitar; the list of later papers",
        load=load_duet_short,
        files=("music_duet.json",),
        annotations_from=_AVGN,
        media_from=_MUSIC_MEDIA,
        family="music",
        traps=(_XYWH,),
    ),
    BenchmarkEntry(
        name="audioset-instruments",
        about="4,473 frames of 566 AudioSet clips, 13 instrument classes, several instances a frame",
        load=load_audioset_instruments,
        files=("dsol_audioset_instrument_box.json",),
        annotations_from=_DSOL,
        media_from="AudioSet clips, https://research.google.com/audioset/ (ids are VIDEO_SECOND of the 10 s clip)",
        family="audioset-instruments",
        traps=("boxes are x, y, width, height.", "classes are numbers without a published table."),
    ),
    BenchmarkEntry(
        name="flickr-soundnet",
        about="Flickr-SoundNet: 250 frames, boxes of three annotators, no classes",
        load=load_flickr,
        files=("flickr_test.csv", "Annotations/<id>.xml"),
        annotations_from=f"{_LVS} (the list) and {_FLICKR} (the boxes)",
        media_from=_FLICKR,
        family="flickr",
        traps=("boxes are in pixels of 256 x 256; where annotators disagree a pixel has half the weight.",),
    ),
    BenchmarkEntry(
        name="flickr-extended",
        about="Flickr-SoundNet and frames with a sound that is not in them: AP, max-F1, LocAcc",
        load=load_flickr_extended,
        files=("flickr_test.csv", "Annotations/<id>.xml", "flickr_test_plus_silent.csv"),
        annotations_from=f"{_LVS}, {_FLICKR} and {_SLAVC}",
        media_from=_FLICKR,
        family="flickr",
    ),
    BenchmarkEntry(
        name="vggss-extended",
        about="VGG-SS and frames with a sound that is not in them: AP, max-F1, LocAcc",
        load=load_vggss_extended,
        files=("vggss.json", "vggss_test_plus_silent.csv"),
        annotations_from=f"{_AVGN} and {_SLAVC}",
        media_from=_VGGSOUND,
        family="vggsound",
        traps=_VGGSS_TRAPS,
    ),
    BenchmarkEntry(
        name="vggsounder",
        about="VGGSound test clips with every audible and visible class, label by label; no places",
        load=load_vggsounder,
        files=("vggsounder.csv",),
        annotations_from="https://github.com/Bizilizi/VGGSounder (vggsounder/data, Apache-2.0)",
        media_from=_VGGSOUND,
        family="vggsound",
        traps=("labels were revised in version 1.0.0: say which file was used.",),
    ),
    BenchmarkEntry(
        name="is3",
        about="IS3: images of two objects, the sound of one at a time: IIoU, adaptive cIoU",
        load=load_is3,
        files=("IS3_annotation.json",),
        annotations_from=_ALIGNMENT,
        media_from=f"IS3 images and sounds, {_ALIGNMENT}",
        family="is3",
        traps=("boxes are in pixels of 224 x 224.",),
    ),
    BenchmarkEntry(
        name="vpo-ss",
        about="VPO, one sounding object an image",
        load=load_vpo_single,
        files=("vpo_ss_bbox.json",),
        annotations_from=_ALIGNMENT,
        media_from="VPO images and sounds, https://github.com/cyh-0/CAVP",
        family="vpo",
        traps=("boxes are in pixels of 224 x 224.",),
    ),
    BenchmarkEntry(
        name="vpo-ms",
        about="VPO, several sounding objects an image, the sound of one at a time: IIoU",
        load=load_vpo_multi,
        files=("vpo_ms_bbox.json",),
        annotations_from=_ALIGNMENT,
        media_from="VPO images and sounds, https://github.com/cyh-0/CAVP",
        family="vpo",
        traps=("boxes are in pixels of 224 x 224.",),
    ),
    BenchmarkEntry(
        name="avsbench-s4",
        about="AVSBench S4: masks on five seconds of clips with one source: mIoU, F-score",
        load=load_s4,
        files=("s4_meta_data.csv", "gt_masks/test/<category>/<name>/<name>_<second>.png"),
        annotations_from=_AVSBENCH,
        media_from=f"{_AVSBENCH}: frames as frames/<name>_<second>.png, sounds as audio/<name>.wav",
        family="avsbench-s4",
    ),
    BenchmarkEntry(
        name="avsbench-ms3",
        about="AVSBench MS3: masks on five seconds of clips with several sources, no classes: mIoU, F-score",
        load=load_ms3,
        files=("ms3_meta_data.csv", "gt_masks/test/<name>/<name>_<second>.png"),
        annotations_from=_AVSBENCH,
        media_from=f"{_AVSBENCH}: frames as frames/<name>_<second>.png, sounds as audio/<name>.wav",
        family="avsbench-ms3",
        traps=("the sound of the whole clip is used for each of its seconds.",),
    ),
)
ENTRIES: Mapping[str, BenchmarkEntry] = {entry.name: entry for entry in _ENTRIES}
ALIASES: Mapping[str, str] = {"vggss": "vggsound-single", "vgg-ss": "vggsound-single"}
COMPOSED = COMPOSED_NAMES
"""Benchmarks that need no data: built by recipe and seed."""
EVENTS = "composed-events"
"""The one that asks *when*: long scenes, of the sample videos or of a material folder."""
CUSTOM = "custom"


def find_entry(name: str) -> BenchmarkEntry:
    """The benchmark of this name.

    Raises: InputError: No such benchmark; the message names the nearest one.
    """
    entry = ENTRIES.get(ALIASES.get(name, name))
    if entry is None:
        known = [*ENTRIES, *ALIASES, *COMPOSED, EVENTS, CUSTOM]
        raise InputError(f"there is no benchmark '{name}'.", hint=did_you_mean(name, known))
    return entry


def data_root() -> Path | None:
    """The folder that the environment variable ``TVSL_DATA`` names, or None."""
    value = os.environ.get(DATA_VARIABLE, "").strip()
    return Path(value).expanduser() if value else None


def annotations_folder(entry: Needs, given: Path | None, root: Path | None) -> Path:
    """Where the annotation files of a benchmark lie.

    Args:
        entry: The benchmark.
        given: What the user named; wins when there.
        root: The data root; its folders ``annotations`` and the family's own are tried.

    Raises: ManifestError: They are nowhere; the message says what to fetch from where, into which folder, and which
        command checks it.
    """
    if given is not None:
        if not given.is_dir():
            raise ManifestError(f"the annotations folder '{given}' does not exist.", hint=how_to_get(entry, root))
        return given
    first = entry.files[0]
    for folder in _places(entry, root):
        if (folder / first).is_file():
            return folder
    where = f"under '{root}'" if root is not None else f"because {DATA_VARIABLE} is not set"
    found_not = "were not found" if root is not None else "cannot be found"
    raise ManifestError(f"the annotations of {entry.name} {found_not} {where}.", hint=how_to_get(entry, root))


def _places(entry: Needs, root: Path | None) -> tuple[Path, ...]:
    """Where annotation files are looked for under the data root."""
    if root is None:
        return ()
    return (root / "annotations", root / entry.family / "annotations", root / entry.family, root)


def _is_there(name: str, entry: Needs, root: Path | None) -> bool:
    """Whether an annotation file lies in one of its places; of files by id, whether their folder does."""
    fixed = name.partition("<")[0].rpartition("/")[0] if "<" in name else name
    return any((folder / fixed).exists() for folder in _places(entry, root)) if fixed else False


def media_folder(entry: Needs, given: Path | None, root: Path | None, *, listed: Path | None = None) -> Path:
    """Where the media of a benchmark lie; the same rules as for annotations, which lie in ``listed`` if not below root.

    Raises: ManifestError: They are nowhere; the message says what to do.
    """
    if given is not None:
        if not given.is_dir():
            raise ManifestError(f"the media folder '{given}' does not exist.", hint=how_to_get(entry, root, listed))
        return given
    if root is not None and (root / entry.family).is_dir():
        return root / entry.family
    where = f"in '{root / entry.family}'" if root is not None else f"because {DATA_VARIABLE} is not set"
    raise ManifestError(f"the media of {entry.name} were not found {where}.", hint=how_to_get(entry, root, listed))


def how_to_get(entry: Needs, root: Path | None = None, listed: Path | None = None) -> str:
    """All that must be done before the data are there, as one numbered paragraph."""
    return " ".join(f"({number}) {step}" for number, step in enumerate(steps_to_get(entry, root, listed), start=1))


def steps_to_get(entry: Needs, root: Path | None = None, listed: Path | None = None) -> tuple[str, ...]:
    """What to fetch, from where, into which folder, and the command that checks it; one sentence each.

    Nobody is asked to fetch what was named already: ``listed``, the annotation files or their folder.
    """
    shown = root if root is not None else Path(f"${DATA_VARIABLE}")
    setting = (f"Set {DATA_VARIABLE} (or 'data' in the configuration file) to a folder of your choice.",)
    lacking = [name for name in entry.files if listed is None and not _is_there(name, entry, root)]
    fetch = (f"Fetch {' and '.join(lacking)} from {entry.annotations_from} into {shown / 'annotations'}.",)
    return (
        *(setting if root is None else ()),
        *(fetch if lacking else ()),
        f"Get the media: {entry.media_from}. 'tvsl datasets fetch-list {entry.name}' says what is missing.",
        f"Put them into {shown / entry.family} as audio/<id>.wav with frames/<id>.jpg, or as videos/<id>.mp4; "
        f"'{entry.prepare} --videos DIR --out {shown / entry.family}' cuts the former from videos.",
        f"Run: {entry.check} --root {shown / entry.family}",
    )
