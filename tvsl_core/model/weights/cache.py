"""Where downloaded and imported weights live."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

CHUNK = 1 << 20


def cache_folder(chosen: Path | None = None) -> Path:
    """The weights' folder: ``chosen``, else ``TVSL_CACHE``, else tvsl's folder in the user's cache (XDG).

    Does not create it.
    """
    if chosen is not None:
        return chosen
    if own := os.environ.get("TVSL_CACHE"):
        return Path(own).expanduser()
    shared = os.environ.get("XDG_CACHE_HOME", "")
    root = Path(shared) if Path(shared).is_absolute() else Path.home() / ".cache"
    return root / "tvsl"


def hash_file(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """sha256 of a file.

    Args:
        path: Of the file.
        progress: Told the bytes read so far.
    """
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
            done += len(block)
            if progress:
                progress(done)
    return digest.hexdigest()
