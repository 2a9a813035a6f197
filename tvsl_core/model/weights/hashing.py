"""How a file is known again: by its sha256."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

CHUNK = 1 << 20


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
