"""Every format by name, and the one function that writes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tvsl_core.annotate.results.names import result_path
from tvsl_core.errors import InputError
from tvsl_core.exports.results import Selection, VideoResults, read_results
from tvsl_core.system.files import make_folder, whole_file
from tvsl_core.system.suggest import closest
from tvsl_core.types import AnyPath, as_path

Videos = Callable[[], Iterable[VideoResults]]
"""Gives all videos, from the first one on, each time it is called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportFormat:
    """One format: what it is for, and what writes it. Either a file a video, or whole files for all of them."""

    name: str
    about: str
    ending: str = ""
    """Of the file of one video."""
    of_video: Callable[[VideoResults, Path], None] | None = None
    """Writes one video."""
    of_all: tuple[tuple[str, Callable[[Videos], Iterable[str]]], ...] = ()
    """File name and what gives its text in pieces, for formats that hold all videos."""


def _text(give: Callable[[VideoResults], str]) -> Callable[[VideoResults, Path], None]:
    """A writer of UTF-8 text from what gives it."""

    def write(video: VideoResults, path: Path) -> None:
        path.write_text(give(video), encoding="utf-8", newline="")

    return write


def _subtitles(form: str) -> Callable[[VideoResults, Path], None]:
    def give(video: VideoResults) -> str:
        from tvsl_core.exports.subtitles import subtitles

        return subtitles(video, "vtt" if form == "vtt" else "srt")

    return _text(give)


def _elan(video: VideoResults, path: Path) -> None:
    from tvsl_core.exports.elan import write_elan

    write_elan(video, path)


def _module(module: str, function: str) -> Callable[[VideoResults], str]:
    """A function of this package, imported when it is first used: most formats are never asked for."""

    def give(video: VideoResults) -> str:
        import importlib

        return str(getattr(importlib.import_module(f"tvsl_core.exports.{module}"), function)(video))

    return give


def _event_lines(videos: Videos) -> Iterator[str]:
    from tvsl_core.exports.tables import event_lines

    return event_lines(videos())


def _instant_lines(videos: Videos) -> Iterator[str]:
    from tvsl_core.exports.tables import instant_lines

    return instant_lines(videos())


def _coco(videos: Videos) -> Iterator[str]:
    from tvsl_core.exports.coco import coco_parts

    return coco_parts(videos)


def _label_studio(videos: Videos) -> Iterator[str]:
    from tvsl_core.exports.label_studio import label_studio_task

    yield "["
    for number, video in enumerate(videos()):
        yield (",\n" if number else "\n") + json.dumps(label_studio_task(video), ensure_ascii=False)
    yield "\n]\n"


_ALL = (
    ExportFormat(
        name="csv",
        about="events and instants for spreadsheets",
        of_all=(("events.csv", _event_lines), ("instants.csv", _instant_lines)),
    ),
    ExportFormat(name="webvtt", about="captions for web players", ending=".vtt", of_video=_subtitles("vtt")),
    ExportFormat(name="srt", about="captions for any player", ending=".srt", of_video=_subtitles("srt")),
    ExportFormat(name="elan", about="ELAN, a tier a class", ending=".eaf", of_video=_elan),
    ExportFormat(
        name="audacity",
        about="a label track of Audacity",
        ending=".txt",
        of_video=_text(_module("lines", "audacity_labels")),
    ),
    ExportFormat(name="coco", about="COCO, the instants as images", of_all=(("coco.json", _coco),)),
    ExportFormat(
        name="cvat-video",
        about="CVAT for video 1.1, a track a source",
        ending=".xml",
        of_video=_text(_module("cvat", "cvat_video")),
    ),
    ExportFormat(
        name="label-studio",
        about="Label Studio tasks with predictions",
        of_all=(("label-studio.json", _label_studio),),
    ),
    ExportFormat(name="mot", about="MOTChallenge tracks", ending=".txt", of_video=_text(_module("lines", "mot_lines"))),
    ExportFormat(
        name="otio",
        about="OpenTimelineIO, a marker an event",
        ending=".otio",
        of_video=_text(_module("timelines", "otio_timeline")),
    ),
    ExportFormat(
        name="edl",
        about="CMX 3600 edit list with locators",
        ending=".edl",
        of_video=_text(_module("timelines", "edl")),
    ),
    ExportFormat(
        name="rttm",
        about="who spoke when, as NIST rich transcription",
        ending=".rttm",
        of_video=_text(_module("lines", "rttm_lines")),
    ),
)
FORMATS = {one.name: one for one in _ALL}
"""By name; to add one, write it in a file of its own and list it above."""
OTHER_NAMES = {"vtt": "webvtt", "cvat": "cvat-video", "eaf": "elan", "labelstudio": "label-studio"}


def find_format(name: str) -> ExportFormat:
    """The format of a name.

    Raises: InputError: There is none; the nearest one is named.
    """
    asked = name.strip().lower()
    found = FORMATS.get(OTHER_NAMES.get(asked, asked))
    if found is None:
        near = closest(asked, [*FORMATS, *OTHER_NAMES], least=0.0)
        raise InputError(
            f"there is no export format {name!r}; the nearest is {near!r}.",
            hint=f"Choose from: {', '.join(FORMATS)}.",
        )
    return found


def export_results(
    folder: AnyPath, *, formats: Sequence[str], out: AnyPath | None = None, selection: Selection | None = None
) -> Iterator[Path]:
    """Write results in other programs' formats, file by file as the answer is gone through.

    Args:
        folder: That ``tvsl annotate`` wrote.
        formats: Names of ``FORMATS``.
        out: Where to; None is ``<folder>/exports``. Each format gets a folder of its name.
        selection: Which events; None is all.

    Yields: Each file when it is complete.

    Raises:
        InputError: There are no results, no such format, or a program that it needs is missing.
        OutputError: A file cannot be written.
    """
    folder = Path(folder)
    chosen = list(dict.fromkeys(find_format(name).name for name in formats))
    videos: Videos = partial(read_results, folder, selection)
    for name in chosen:
        yield from _write(FORMATS[name], videos, (as_path(out) or folder / "exports") / name)


def _write(form: ExportFormat, videos: Videos, place: Path) -> Iterator[Path]:
    if form.of_video is not None:
        for video in videos():
            path = result_path(place.parent, place.name, video.name, form.ending)
            make_folder(path.parent)
            with whole_file(path) as partial_path:
                form.of_video(video, partial_path)
            yield path
    for file, give in form.of_all:
        path = place / file
        make_folder(place)
        with whole_file(path) as partial_path, partial_path.open("w", encoding="utf-8", newline="") as target:
            target.writelines(give(videos))
        yield path
