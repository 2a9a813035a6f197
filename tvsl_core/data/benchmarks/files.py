"""Read the small text files that annotations come in, and say clearly what is wrong with them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from tvsl_core.errors import ManifestError


def find_file(folder: Path, *names: str) -> Path:
    """The first of several names that exists in a folder.

    Raises: ManifestError: None does; the message names the folder and the files.
    """
    for name in names:
        if (folder / name).is_file():
            return folder / name
    wanted = " or ".join(names)
    raise ManifestError(
        f"the annotation file {wanted} is not in '{folder}'.",
        hint="'tvsl datasets describe NAME' says where to get it; --annotations DIR says where it lies.",
    )


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with or without byte order mark.

    Raises: ManifestError: It cannot be read or is not text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ManifestError(f"'{path}' is not a UTF-8 text file.", hint="Save it as UTF-8.") from None
    except OSError as problem:
        raise ManifestError(f"'{path}' cannot be read: {problem.strerror or problem}.") from problem


def read_json(path: Path, kind: type) -> Any:
    """Parse a JSON file and check what its outermost value is.

    Raises: ManifestError: It is not JSON, or not of that kind.
    """
    try:
        value = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as problem:
        raise ManifestError(f"'{path}' is not valid JSON: {problem}.", hint="Fetch the file again.") from None
    if not isinstance(value, kind):
        raise ManifestError(f"'{path}' must hold a JSON {kind.__name__}, it holds a {type(value).__name__}.")
    return value


def read_rows(path: Path, columns: int) -> list[list[str]]:
    """Rows of a CSV file without header.

    Args:
        path: The file; empty lines are passed over.
        columns: How many cells each row must have.

    Raises: ManifestError: A row has another number of cells; the message names the line.
    """
    rows = []
    for number, row in enumerate(csv.reader(read_text(path).splitlines()), start=1):
        if not row:
            continue
        if len(row) != columns:
            raise ManifestError(f"'{path}', line {number}: expected {columns} columns, got {len(row)}.")
        rows.append([cell.strip() for cell in row])
    return rows
