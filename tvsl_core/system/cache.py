"""The user's cache folder, and small facts in it that take longer to find out than to look up."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from tvsl_core.errors import OutputError
from tvsl_core.system.files import make_folder, write_bytes

FACTS = "facts"
"""Folder of the facts, inside the cache folder."""


def cache_folder(chosen: Path | None = None) -> Path:
    """The folder of downloads and caches: ``chosen``, else ``TVSL_CACHE``, else tvsl's in the user's cache (XDG).

    Does not create it.
    """
    if chosen is not None:
        return chosen
    if own := os.environ.get("TVSL_CACHE"):
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache"
    return root / "tvsl"


def look_up(name: str, key: str, find_out: Callable[[], str]) -> str:
    """A fact from the cache, or found out and kept there; a cache that cannot be used is as good as an empty one.

    Args:
        name: Of the fact, as a file may be called; one of another key takes its place.
        key: Of everything that the fact follows from.
        find_out: What takes its time.
    """
    try:
        place = cache_folder() / FACTS / f"{name}.json"
        known = json.loads(place.read_bytes())
        if known["key"] == key and isinstance(known["fact"], str):
            return str(known["fact"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):  # RuntimeError: there is no home
        pass
    fact = find_out()
    with contextlib.suppress(OutputError, RuntimeError):
        place = cache_folder() / FACTS / f"{name}.json"
        make_folder(place.parent)
        write_bytes(place, json.dumps({"key": key, "fact": fact}).encode())
    return fact
