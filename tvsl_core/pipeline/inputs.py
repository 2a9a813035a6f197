"""From what a user typed to the videos that are meant: files, folders, globs, lists and standard input."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tvsl_core.errors import InputError, ManifestError

VIDEO_SUFFIXES = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mp4"}
    | {".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".ts", ".vob", ".webm", ".wmv"}
)
"""What counts as a video inside a folder; a file that is named itself is tried whatever its suffix."""
MAX_LIST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoItem:
    """One video to annotate."""

    path: Path
    name: str
    """Path relative to the scanned root, with forward slashes; unique within a run; names the results."""


@dataclass(frozen=True, kw_only=True, slots=True)
class InputProblem:
    """An input that leads to no video; it becomes a failed row, and the batch goes on."""

    given: str
    message: str
    hint: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundVideos:
    """What the inputs lead to, in a stable order."""

    items: tuple[VideoItem, ...]
    problems: tuple[InputProblem, ...] = ()


def find_videos(inputs: Sequence[str], *, stdin: TextIO | None = None) -> FoundVideos:
    """Find the videos that the inputs name.

    Args:
        inputs: Files, folders (searched recursively), globs, ``@list.txt`` (one input a line, ``#`` comments),
            or ``-`` (one input a line on ``stdin``).
        stdin: Where ``-`` reads from.

    Returns: Every video once, the first mention wins; two of the same name in different folders get different names.

    Raises: InputError: Nothing was named at all.
    """
    if not inputs:
        raise InputError(
            "no input was given.", hint="Name a video, a folder, a glob, @list.txt, or - for standard input."
        )
    found: list[tuple[Path, str]] = []
    problems: list[InputProblem] = []
    for given in _expand_lists(inputs, stdin, problems):
        try:
            found.extend(_resolve(given))
        except InputError as error:
            problems.append(InputProblem(given=given, message=error.message, hint=error.hint))
    return FoundVideos(items=_with_unique_names(found), problems=tuple(problems))


def _expand_lists(inputs: Iterable[str], stdin: TextIO | None, problems: list[InputProblem]) -> Iterator[str]:
    for given in inputs:
        if given == "-":
            if stdin is None:
                problems.append(
                    InputProblem(given="-", message="there is no standard input to read paths from.", hint="")
                )
            else:
                yield from _lines(stdin)
        elif given.startswith("@") and not Path(given).exists():
            try:
                yield from _read_list(Path(given[1:]))
            except InputError as error:
                problems.append(InputProblem(given=given, message=error.message, hint=error.hint))
        else:
            yield given


def _read_list(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise ManifestError(f"the list {path} is larger than {MAX_LIST_BYTES // 2**20} MiB.", hint="Split it.")
        return list(_lines(path.read_text(encoding="utf-8-sig").splitlines()))
    except OSError as error:
        raise ManifestError(
            f"the list {path} cannot be read: {error.strerror}.", hint="Give a text file with one path a line."
        ) from error
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"the list {path} is not UTF-8 text.", hint="Give a text file with one path a line."
        ) from error


def _lines(source: Iterable[str]) -> Iterator[str]:
    for line in source:
        text = line.strip("\r\n").strip()
        if text and not text.startswith("#"):
            yield text


def _resolve(given: str) -> list[tuple[Path, str]]:
    """(path, name) of every video behind one input."""
    path = Path(given)
    if "\0" in given:
        raise InputError("the path holds a NUL character.", hint="Check the list it came from.")
    if path.is_dir():
        inside = [(file, file.relative_to(path).as_posix()) for file in _walk(path)]
        if not inside:
            raise InputError(
                f"the folder {given!r} holds no video.",
                hint=f"Videos are files that end in {', '.join(sorted(VIDEO_SUFFIXES)[:8])} and the like.",
            )
        return inside
    if path.exists():
        return [(path, path.name)]
    if glob.has_magic(given):
        matches = sorted(Path(match) for match in glob.glob(given, recursive=True))  # noqa: PTH207 absolute globs too
        if matches:
            return [pair for match in matches for pair in _glob_match(match)]
        raise InputError(
            f"nothing matches {given!r}.", hint="Check the pattern; quote it so that the shell leaves it alone."
        )
    if path.is_symlink():
        raise InputError(f"the link {given!r} leads nowhere.", hint="Repair or remove it.")
    raise InputError(f"there is no file or folder {given!r}.", hint="Check the path.")


def _glob_match(match: Path) -> list[tuple[Path, str]]:
    if match.is_dir():
        return [(file, f"{match.name}/{file.relative_to(match).as_posix()}") for file in _walk(match)]
    return [(match, match.name)] if match.suffix.lower() in VIDEO_SUFFIXES else []


def _walk(root: Path) -> list[Path]:
    """Videos below a folder, sorted; symlinked folders are not followed, so that loops cannot trap us."""
    files = [
        Path(folder) / name
        for folder, folders, names in os.walk(root)
        if not folders.sort()  # sorts in place: a stable order
        for name in sorted(names)
        if Path(name).suffix.lower() in VIDEO_SUFFIXES and not name.startswith("._")
    ]
    return [file for file in files if file.is_file()]


def _with_unique_names(found: list[tuple[Path, str]]) -> tuple[VideoItem, ...]:
    """Give every file one item and a name of its own, also on file systems that ignore case."""
    seen: set[Path] = set()
    taken: set[str] = set()
    items: list[VideoItem] = []
    for path, name in found:
        real = path.resolve()
        if real in seen:
            continue
        seen.add(real)
        candidates = _candidate_names(path, name)
        unique = next(candidate for candidate in candidates if candidate.casefold() not in taken)
        taken.add(unique.casefold())
        items.append(VideoItem(path=path, name=unique))
    return tuple(items)


def _candidate_names(path: Path, name: str) -> Iterator[str]:
    """The name, then longer and longer ends of the full path, then numbers."""
    yield name
    parts = Path(os.path.normpath(path.absolute())).parts[1:]
    for length in range(len(Path(name).parts) + 1, len(parts) + 1):
        yield "/".join(parts[-length:])
    number = 2
    while True:
        yield f"{Path(name).with_suffix('').as_posix()}~{number}{path.suffix}"
        number += 1
