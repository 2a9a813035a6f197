"""From what a user typed to the videos that are meant: files, folders, globs, lists and standard input."""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from tvsl_core.annotate.results.job import VideoItem
from tvsl_core.annotate.results.names import ResultNames
from tvsl_core.errors import InputError, ManifestError
from tvsl_core.system.platforms import wait_for_reads
from tvsl_core.system.results import is_results
from tvsl_core.types import AnyPath

VIDEO_SUFFIXES = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".divx", ".f4v", ".flv", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov", ".mp4"}
    | {".mpeg", ".mpg", ".mts", ".mxf", ".ogm", ".ogv", ".ts", ".vob", ".webm", ".wmv"}
)
"""What counts as a video inside a folder; a file that is named itself is tried whatever its suffix."""
SOUND_SUFFIXES = frozenset(
    {".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".au", ".caf", ".eac3", ".flac", ".m4a", ".m4b", ".mka", ".mp3"}
    | {".oga", ".ogg", ".opus", ".tta", ".w64", ".wav", ".weba", ".wma", ".wv"}
)
"""What counts as a sound file inside a folder; it is annotated too, without pictures."""
MAX_LIST_BYTES = 64 * 1024 * 1024
MAX_LINE = 65_536
"""Letters; no system takes a path of so many."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""How an address begins (RFC 3986, section 3.1); one letter is a drive of Windows."""
_LIST_HINT = "Give a text file with one path a line."


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
    passed_over: tuple[Path, ...] = ()
    """Folders with results of tvsl that were met while folders and globs were searched, and not searched."""


@dataclass(frozen=True, slots=True)
class _Search:
    """What a search meets beside videos."""

    problems: list[InputProblem]
    passed_over: dict[Path, None]


Videos = FoundVideos | AnyPath | Sequence[AnyPath]
"""What a function of the library takes as its videos: what ``find_videos`` found, or what it shall find."""


def as_found(videos: Videos) -> FoundVideos:
    """The videos that a caller means.

    Raises: InputError: Nothing was named at all.
    """
    if isinstance(videos, FoundVideos):
        return videos
    given = (videos,) if isinstance(videos, str | Path) else videos
    return find_videos([str(one) for one in given])


def find_videos(inputs: Sequence[str], *, stdin: TextIO | None = None) -> FoundVideos:
    """Find the videos that the inputs name.

    Args:
        inputs: Files, folders (searched recursively), globs, ``@list.txt`` (one input a line, ``#`` comments),
            or ``-`` (one input a line on ``stdin``).
        stdin: Where ``-`` reads from.

    Returns: Every video once, the first mention wins; two of the same name in different folders get different names.
        Folders with results of tvsl are searched only when they are named themselves.

    Raises: InputError: Nothing was named at all.
    """
    if not inputs:
        raise InputError(
            "no input was given.", hint="Name a video, a folder, a glob, @list.txt, or - for standard input."
        )
    found: list[tuple[Path, str]] = []
    search = _Search([], {})
    for given in _expand_lists(inputs, stdin, search.problems):
        try:
            found.extend(_resolve(given, search))
        except InputError as error:
            search.problems.append(InputProblem(given=given, message=error.message, hint=error.hint))
    readable = tuple(replace(problem, given=_text(problem.given)) for problem in search.problems)
    return FoundVideos(items=_with_unique_names(found), problems=readable, passed_over=tuple(search.passed_over))


def _text(name: str) -> str:
    """A name that a table can hold: bytes of it that are not UTF-8 become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def _expand_lists(inputs: Iterable[str], stdin: TextIO | None, problems: list[InputProblem]) -> Iterator[str]:
    for given in inputs:
        if given == "-":
            if stdin is None:
                problems.append(
                    InputProblem(given="-", message="there is no standard input to read paths from.", hint="")
                )
            else:
                try:
                    yield from _lines(_read_stream(stdin))
                except InputError as error:
                    problems.append(InputProblem(given="-", message=error.message, hint=error.hint))
        elif given.startswith("@") and not _exists(given):
            try:
                yield from _read_list(Path(given[1:]))
            except InputError as error:
                problems.append(InputProblem(given=given, message=error.message, hint=error.hint))
        else:
            yield given


def _exists(given: str) -> bool:
    return os.path.lexists(given) if "\0" not in given else False


def _read_list(path: Path) -> list[str]:
    try:
        content = _read_bounded(path)
    except OSError as error:
        raise ManifestError(f"the list {str(path)!r} cannot be read: {error.strerror}.", hint=_LIST_HINT) from error
    try:
        return list(_lines(content.decode("utf-8-sig").splitlines()))
    except UnicodeDecodeError as error:
        raise ManifestError(f"the list {str(path)!r} is not UTF-8 text.", hint=_LIST_HINT) from error


def _read_bounded(path: Path) -> bytes:
    """A file, or what comes through a pipe that somebody writes to; never waits for a pipe that nobody writes to."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb", buffering=0) as file:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            raise ManifestError(f"the list {str(path)!r} is a folder, socket or device.", hint=_LIST_HINT)
        first: bytes | None = file.read(1)  # None: the pipe has a writer, who has not written yet
        wait_for_reads(handle)
        if stat.S_ISFIFO(mode) and first == b"":
            raise ManifestError(f"nothing comes through the pipe {str(path)!r}.", hint=_LIST_HINT)
        parts, size = [first or b""], 1
        while size <= MAX_LIST_BYTES and (part := file.read(1 << 20)):
            parts.append(part)
            size += len(part)
    if size > MAX_LIST_BYTES:
        raise ManifestError(f"the list {str(path)!r} is larger than {MAX_LIST_BYTES // 2**20} MiB.", hint="Split it.")
    return b"".join(parts)


def _read_stream(stdin: TextIO) -> Iterator[str]:
    """Lines of standard input; one without end is refused."""
    while line := stdin.readline(MAX_LINE):
        if len(line) == MAX_LINE and not line.endswith("\n"):
            raise InputError(f"a line on standard input is longer than {MAX_LINE:,} letters.", hint=_LIST_HINT)
        yield line


def _lines(source: Iterable[str]) -> Iterator[str]:
    for line in source:
        text = line.strip("\r\n").strip()
        if text and not text.startswith("#"):
            yield text


def _resolve(given: str, search: _Search) -> list[tuple[Path, str]]:
    """(path, name) of every video behind one input."""
    if "\0" in given:
        raise InputError("the path holds a NUL character.", hint="Check the list it came from.")
    path = Path(given)
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        kind = None
    except OSError as error:
        if not glob.has_magic(given) and not _ADDRESS.match(given):
            raise InputError(f"{given!r} cannot be opened: {error.strerror}.", hint="Check the path.") from error
        kind = None
    if kind is not None and stat.S_ISDIR(kind):
        inside = [(file, file.relative_to(path).as_posix()) for file in _walk(path, search)]
        if not inside:
            hint = f"Videos are files that end in {', '.join(sorted(VIDEO_SUFFIXES)[:8])} and the like."
            if search.passed_over:
                hint += " Folders with results of tvsl are searched only when they are named themselves."
            raise InputError(f"the folder {given!r} holds no video.", hint=hint)
        return inside
    if kind is not None:
        return [(path, path.name)]
    if _ADDRESS.match(given):
        raise InputError(
            f"{given!r} is an address, and only files are read: a stream has no end and no second look, and tvsl asks "
            "nothing of any network.",
            hint="Save the video first, and name the file.",
        )
    if glob.has_magic(given):
        matches = sorted(_match(given))
        if matches:
            return [pair for match in _without_results(matches, given, search) for pair in _glob_match(match, search)]
        raise InputError(
            f"nothing matches {given!r}.", hint="Check the pattern; quote it so that the shell leaves it alone."
        )
    if path.is_symlink():
        raise InputError(f"the link {given!r} leads nowhere.", hint="Repair or remove it.")
    raise InputError(f"there is no file or folder {given!r}.", hint="Check the path.")


def _match(pattern: str) -> Iterator[Path]:
    """What a glob names, without what is hidden; ``**`` does not follow links, so that loops cannot trap us."""
    path = Path(pattern)
    root = Path(path.anchor)
    shows_hidden = any(part.startswith(".") and part.strip(".") for part in path.parts)
    try:
        for match in root.glob(str(path.relative_to(path.anchor))):
            hidden = any(part.startswith(".") and part.strip(".") for part in match.relative_to(root).parts)
            if shows_hidden or not hidden:
                yield match
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the pattern {pattern!r} cannot be used: {reason}.", hint="Check the pattern.") from error


def _without_results(matches: Iterable[Path], pattern: str, search: _Search) -> Iterator[Path]:
    """Matches of a glob that do not lie in results of tvsl, unless the fixed part of the pattern leads there itself."""
    parts = Path(pattern).parts
    fixed = next(place for place, part in enumerate(parts) if glob.has_magic(part))
    for match in matches:
        below = [folder for folder in match.parents if len(folder.parts) > fixed]
        results = next((folder for folder in [*below, match] if is_results(folder)), None)
        if results is None:
            yield match
        else:
            search.passed_over[results] = None


def _glob_match(match: Path, search: _Search) -> list[tuple[Path, str]]:
    if match.is_dir():
        return [(file, f"{match.name}/{file.relative_to(match).as_posix()}") for file in _walk(match, search)]
    return [(match, match.name)] if match.suffix.lower() in VIDEO_SUFFIXES | SOUND_SUFFIXES else []


def _walk(root: Path, search: _Search) -> list[Path]:
    """Videos below a folder, sorted; linked folders are not followed, so that loops cannot trap us."""
    found: list[Path] = []
    waiting = [str(root)]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            message = f"the folder {folder!r} cannot be searched: {error.strerror}."
            search.problems.append(InputProblem(given=folder, message=message, hint="Check its permissions."))
            continue
        found += [Path(entry.path) for entry in entries if _is_video(entry)]
        below = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        ours = [path for path in below if is_results(path)]
        search.passed_over.update(dict.fromkeys(ours))
        waiting += [str(path) for path in reversed(below) if path not in ours]
    return found


def _is_video(entry: os.DirEntry[str]) -> bool:
    """Whether a file looks like one to annotate; of sound alone as well."""
    known = Path(entry.name).suffix.lower() in VIDEO_SUFFIXES | SOUND_SUFFIXES
    return known and not entry.name.startswith("._") and os.path.isfile(entry.path)  # noqa: PTH113 never raises


def _with_unique_names(found: list[tuple[Path, str]]) -> tuple[VideoItem, ...]:
    """Give every file one item and a name of its own, whose results meet no other's on any file system."""
    seen: set[str] = set()
    places = ResultNames()
    items: list[VideoItem] = []
    for path, name in found:
        real = os.path.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        candidates = map(_text, _candidate_names(path, name))
        unique = next(candidate for candidate in candidates if places.take(candidate))
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
        yield f"~{number}/{name}"  # where the folder's own name is what stands in the way
        number += 1
