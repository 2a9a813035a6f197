"""Folders that tvsl has written: marked, so that a search for videos passes over what it made itself.

Heatmap videos and clips are videos too. Without a mark the second run over a folder that holds the results of the first
would annotate them, and the third their heatmaps again, without end.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from tvsl_core.system.files import make_folder, sync_folder, write_error

MARK = ".tvsl-results"
"""File in every folder that a command of tvsl writes media or tables into; a renamed folder keeps it."""
JOURNAL = ".tvsl"
"""Folder of the journal of ``tvsl annotate``, inside its output folder."""
HEATMAPS = "heatmaps"
"""Folder of the videos that ``tvsl annotate`` makes, inside its output folder."""
_TEXT = b"Results of tvsl. It passes over this folder when it searches for videos; remove this file to change that.\n"


def make_results_folder(folder: Path) -> None:
    """Create an output folder and mark it; one that holds other things already is not ours to mark.

    The mark is made in its place: a temporary file would be swept away by another run that begins in the same moment.

    Raises: OutputError: It cannot be created or written to.
    """
    make_folder(folder)
    try:
        if next(folder.iterdir(), None) is None:
            with contextlib.suppress(FileExistsError), (folder / MARK).open("xb") as mark:
                mark.write(_TEXT)
            sync_folder(folder)
    except OSError as error:
        raise write_error(folder, error) from error


def is_results(folder: Path) -> bool:
    """Whether this very folder was made for results of tvsl.

    In a folder of the user's that also is an output folder only the heatmap videos are results.
    """
    return (folder / MARK).is_file() or (folder.name == HEATMAPS and (folder.parent / JOURNAL).is_dir())


def lies_in_results(path: Path) -> bool:
    """Whether a file lies in results of tvsl, at any depth."""
    return any(is_results(folder) for folder in path.absolute().parents)


def find_results(root: Path) -> tuple[Path, ...]:
    """The folders with results of tvsl below a folder, without those inside another; it does not count itself."""
    found: list[Path] = []
    for place, names, _ in os.walk(root):
        below = [Path(place) / name for name in sorted(names)]
        ours = [folder for folder in below if is_results(folder)]
        found += ours
        names[:] = [folder.name for folder in below if folder not in ours]
    return tuple(found)


def outside_results(paths: Iterable[Path], root: Path) -> Iterator[Path]:
    """Paths below a folder without those that lie in results of tvsl further down; its own mark does not count."""
    ours = set(find_results(root))
    return (path for path in paths if not ours & {path, *path.parents})


def passed_over(folders: Collection[Path]) -> str:
    """One sentence for folders that a search passed over; empty when there are none."""
    if not folders:
        return ""
    some = "a folder" if len(folders) == 1 else f"{len(folders)} folders"
    return f"Passed over {some} with results of tvsl ({next(iter(folders))}); name it itself to use what lies in it."
