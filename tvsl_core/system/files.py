"""A file appears under its name only when it is whole.

It is written under a temporary name in the same folder, brought to disk, and renamed. Whoever looks sees the old file,
no file or the finished one, never half of it; after a crash the leftovers are the files that match ``PARTIAL_PATTERN``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from tvsl_core.errors import OutputError

PARTIAL_PATTERN = ".tvsl-*.part"
"""Glob of unfinished files; the name is short, since the final one may already be as long as a name can be."""


def is_partial(name: str) -> bool:
    """Whether a name of a file matches ``PARTIAL_PATTERN``."""
    return name.startswith(".tvsl-") and name.endswith(".part")


def begin_partial(path: Path) -> Path:
    """Create the empty temporary file from which ``path`` will be made.

    Args:
        path: Where the finished file will be; its folder must exist.

    Returns: Absolute path of the new file, in the same folder.

    Raises: OutputError: The folder is missing, is no folder or cannot be written to, or ``path`` is a folder.
    """
    folder = path.absolute().parent
    if path.is_dir():
        raise OutputError(
            f"Cannot write {path}: it is a folder.", hint="Move it away or choose another output.", stage="write"
        )
    partial = folder / f".tvsl-{secrets.token_hex(6)}.part"
    try:
        partial.open("xb").close()
    except OSError as error:
        raise write_error(path, error) from error
    return partial


def commit_partial(partial: Path, path: Path) -> None:
    """Bring a finished temporary file to disk and give it its name, replacing what was there.

    Raises: OutputError: The disk is full, or the file cannot be renamed. The temporary file is then gone.
    """
    try:
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path.absolute())
        sync_folder(path.absolute().parent)
    except OSError as error:
        discard_partial(partial)
        raise write_error(path, error) from error


def discard_partial(partial: Path) -> None:
    """Remove an unfinished file; one that is gone already is fine."""
    with contextlib.suppress(OSError):
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary file to write in the block; it becomes ``path`` at its end, and is gone when the block raises.

    Raises: OutputError: The disk is full, or the folder cannot be written to. Nothing is left behind.
    """
    partial = begin_partial(path)
    try:
        yield partial
        commit_partial(partial, path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        discard_partial(partial)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a whole small file at once, atomically.

    Raises: OutputError: The disk is full, or the folder cannot be written to. Nothing is left behind.
    """
    with whole_file(path) as partial:
        partial.write_bytes(data)


def append_line(path: Path, line: bytes, *, sync: bool) -> None:
    """Add a line to a file that this process alone writes; created when missing.

    Args:
        path: The file; its folder must exist.
        line: With its end.
        sync: Bring it to disk before this returns.

    Raises: OutputError: The disk is full, or the folder cannot be written to. No part of the line is left behind.
    """
    try:
        with path.open("ab", buffering=0) as file:
            size = file.tell()
            try:
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                if sync:
                    os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise
        if sync and not size:
            sync_folder(path.parent)
    except OSError as error:
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> OutputError:
    """The one sentence for an operating system's refusal to write ``path``."""
    hints = {
        errno.ENOSPC: ("the disk is full", "Free some space or choose another output folder, then run again."),
        errno.EDQUOT: (
            "your disk quota is used up",
            "Free some space or choose another output folder, then run again.",
        ),
        errno.EFBIG: (
            "the file grew over the largest size allowed",
            "Raise the limit (`ulimit -f`) or write elsewhere.",
        ),
        errno.EACCES: ("permission is denied", "Choose an output folder that you may write to."),
        errno.EPERM: ("permission is denied", "Choose an output folder that you may write to."),
        errno.EROFS: ("the file system is read-only", "Choose an output folder that you may write to."),
        errno.ENOENT: ("its folder does not exist", "Create the folder, or bring it back, then run again."),
        errno.ENOTDIR: ("a part of its path is a file, not a folder", "Choose another output folder."),
        errno.EEXIST: ("a file stands where a folder must be", "Move it away or choose another output folder."),
        errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter output path."),
    }
    why, hint = hints.get(error.errno or 0, (error.strerror or str(error), "Check the output folder and run again."))
    return OutputError(f"Cannot write {path}: {why}.", hint=hint, stage="write")


def sync_folder(folder: Path) -> None:
    """Make a rename or a new folder in it durable; where the system lets no folder be synced there is nothing to do."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(folder: Path, *, inside: Path | None = None) -> None:
    """Create an output folder and its parents, so that they outlast a power cut.

    Args:
        folder: What is created; one that is there stays as it is.
        inside: A parent that must be there, and is not created: an output folder that is gone does not come back empty.

    Raises: OutputError: It cannot be created, ``inside`` is not there, or no reader of tables could open what lies
            in it.
    """
    try:
        os.fspath(folder.absolute()).encode()
    except UnicodeEncodeError:
        message = f"Cannot write to {folder}: its path holds bytes that are not UTF-8, which no reader of tables takes."
        raise OutputError(message, hint="Choose another output folder.", stage="write") from None
    try:
        for path in reversed([folder, *folder.parents]):
            if inside is not None and inside not in path.parents:
                continue
            if not path.is_dir():
                path.mkdir(exist_ok=True)
                sync_folder(path.parent)
    except OSError as error:
        raise write_error(folder, error) from error
