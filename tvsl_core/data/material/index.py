"""What was found in the files of a material folder, remembered there, so that only new or changed ones are decoded."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tvsl_core.data.scenes.pool import PictureItem, SoundItem
from tvsl_core.errors import TvslError

INDEX_NAME = ".tvsl-index.json"
VERSION = 1
"""Raised whenever a file would be judged differently."""


class MaterialIndex:
    """Facts by file, valid while its size and time of change stay the same.

    A missing, damaged or older index is an empty one, and an index that cannot be written is not: material may lie
    where nothing can be written.

    Args:
        root: The material folder.
        cut_white: Whether photographs on white count as cutouts; what is found in pictures differs with it.
    """

    def __init__(self, root: Path, *, cut_white: bool) -> None:
        self._path = root / INDEX_NAME
        self._cut_white = cut_white
        self._facts: dict[str, list[Any]] = {}
        self._changed = False
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            content = json.loads(self._path.read_text(encoding="utf-8"))
            if content["version"] == VERSION:
                self._facts = dict(content["files"])

    def recall(self, item: PictureItem | SoundItem) -> PictureItem | SoundItem | str | None:
        """The item with what was found in its file, the reason why it was skipped, or None when nobody looked."""
        known = self._facts.get(item.label)
        try:
            if known is None or known[:-1] != self._stamp(item):
                return None
            facts = known[-1]
            if isinstance(facts, str):
                return facts
            if isinstance(item, PictureItem):
                width, height, cutout, white, digest = facts
                return replace(item, size=(width, height), cutout=cutout, white=white, digest=digest)
            seconds, active, digest = facts
            stretches = tuple((float(begin), float(end)) for begin, end in active)
            return replace(item, seconds=float(seconds), active=stretches, digest=digest)
        except (OSError, TypeError, ValueError, IndexError):
            return None

    def remember(self, item: PictureItem | SoundItem, reason: str = "") -> None:
        """Keep what was found in a file, or why it was skipped."""
        facts: list[Any] | str = reason
        if not reason and isinstance(item, PictureItem):
            facts = [*item.size, item.cutout, item.white, item.digest]
        elif not reason and isinstance(item, SoundItem):
            facts = [item.seconds, item.active, item.digest]
        with contextlib.suppress(OSError):
            self._facts[item.label] = [*self._stamp(item), facts]
            self._changed = True

    def save(self) -> None:
        """Write the index if anything was added."""
        from tvsl_core.system.files import write_bytes

        if self._changed:
            with contextlib.suppress(TvslError, OSError):
                write_bytes(self._path, json.dumps({"version": VERSION, "files": self._facts}).encode())

    def _stamp(self, item: PictureItem | SoundItem) -> list[int]:
        """Size and time of the last change, and how a picture is looked at."""
        status = item.file.stat()
        return [status.st_size, status.st_mtime_ns, int(self._cut_white and isinstance(item, PictureItem))]
