"""Where results go: names that stay inside their folder, fit every file system, and never meet."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache
from pathlib import Path, PurePosixPath

MAX_NAME_BYTES = 200
"""Longest file name that we make; most file systems allow 255 bytes, and our endings need some."""
_ENDINGS = (".parquet", ".jpg")
"""What results of one video beside each other end in; a folder of such a name would stand in their way."""
_UNWRITABLE = frozenset({"Cc", "Cs"})
"""Unicode categories that names of results go without: control characters, and halves of characters."""
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
"""Most names of files: nothing in them needs a second look."""


def result_path(out: Path, room: str, video: str, ending: str) -> Path:
    """Where a result of a video goes: below its room, under the video's own relative name, on any file system."""
    return Path(f"{out}/{room}/{'/'.join(map(safe_name, video.split('/')))}{ending}")


def result_folder(out: Path, room: str, video: str) -> Path:
    """Where a folder of results of a video goes: ``a/cow.mp4`` becomes ``a/cow-mp4``, since it is no MP4 file."""
    return result_path(out, room, _without_dot(video), "")


def heatmap_name(source_id: int, klass: str) -> str:
    """``<source_id>-<class>.mp4`` with a class name that any file system takes."""
    return f"{source_id}-{safe_name(klass.replace('/', ' '))}.mp4"


@lru_cache(maxsize=1024)  # every result of a video asks for its name
def safe_name(part: str) -> str:
    """A path part that stays inside its folder on any system, and that every shell and reader of tables takes as it is.

    No blanks, no separators, no control characters, no bytes that are not UTF-8, not too long.
    """
    if len(part) <= MAX_NAME_BYTES and _PLAIN.fullmatch(part):
        return part
    cleaned = "".join("_" if _is_unwritable(character) else character for character in part)
    if cleaned.strip(". ") == "":
        cleaned = "_" + cleaned.replace(".", "_")
    raw = cleaned.encode()
    if len(raw) <= MAX_NAME_BYTES:
        return cleaned
    digest = hashlib.sha256(raw).hexdigest()[:12]
    return raw[: MAX_NAME_BYTES - 13].decode("utf-8", errors="ignore") + "-" + digest


def _is_unwritable(character: str) -> bool:
    return character in '/\\:*?"<>|' or character.isspace() or unicodedata.category(character) in _UNWRITABLE


class ResultNames:
    """Which names of videos are taken, by where their results go.

    Two names are one place when a file system that ignores case, or how an accent is spelled, would put their results
    into one file, or when cleaning or shortening made them alike. A name is also refused when a result of one video
    would have to be a folder of another's: ``clip.mp4`` beside a folder ``clip.mp4.parquet``.
    """

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, video: str) -> bool:
        """Whether the name was free; it is taken then."""
        place = _place(video)
        folders = {str(parent) for parent in PurePosixPath(place).parents} - {"."}
        files = {place, _place(_without_dot(video)), *(place + ending for ending in _ENDINGS)}
        # Each set by itself: a union of all that is taken, for every name, would make many names slow.
        if files & self._files or files & self._folders or folders & self._files:
            return False
        self._files |= files
        self._folders |= folders
        return True


def _without_dot(video: str) -> str:
    stem, dot, suffix = video.rpartition(".")
    return f"{stem}-{suffix}" if dot and stem and "/" not in suffix else video


def _place(video: str) -> str:
    parts = (safe_name(part) for part in video.split("/"))
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", "/".join(parts)).casefold())
