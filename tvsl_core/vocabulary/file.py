"""Files of classes become entries: TOML, CSV, or plain text with one name a line.

Every complaint is a ``ManifestError`` that names the file and the line.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tvsl_core.errors import ManifestError
from tvsl_core.vocabulary import entry as entries
from tvsl_core.vocabulary.entry import EntryFault, VocabularyEntry
from tvsl_core.vocabulary.spelling import fault, key

MAX_CLASSES = 10_000
MAX_BYTES = 16 * 2**20
"""Far more than 10,000 classes with evidence take up."""

_HEADER = re.compile(r"^\s*\[\[\s*class\s*\]\]", re.MULTILINE)
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class VocabularyFile:
    """What a file of classes says."""

    entries: tuple[VocabularyEntry, ...]
    masked: tuple[str, ...] | None = None
    """None when the file does not say."""


def read_vocabulary_file(path: Path, *, groups: Mapping[str, tuple[str, ...]]) -> VocabularyFile:
    """Read a file of classes; its suffix (``.toml``, ``.csv``, ``.tsv``, any other) tells its form.

    Args:
        path: The file.
        groups: Label groups that evidence may name besides those of the file itself.

    Raises: ManifestError: The file is missing, empty, not text, or does not say what it should; the line is named.
    """
    text = _read_text(path)
    try:
        if path.suffix.lower() == ".toml":
            found = _from_toml(text, groups)
        elif path.suffix.lower() in {".csv", ".tsv"}:
            found = VocabularyFile(entries=_from_csv(text, "\t" if path.suffix.lower() == ".tsv" else ","))
        else:
            found = VocabularyFile(entries=_from_lines(text))
        _check_names(found.entries)
    except EntryFault as wrong:
        where = f", line {wrong.line}" if wrong.line else ""
        raise ManifestError(f"vocabulary {str(path)!r}{where}: {wrong.message}.", hint=wrong.hint) from wrong
    if not found.entries:
        raise ManifestError(f"vocabulary {str(path)!r} names no class.", hint="Write one name a line.")
    return found


def label_groups(text: str) -> dict[str, tuple[str, ...]]:
    """The label groups of a TOML vocabulary."""
    return entries.read_groups(tomllib.loads(text).get("label_groups", {}))


def _read_text(path: Path) -> str:
    name = f"vocabulary {str(path)!r}"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ManifestError(f"{name} does not exist.", hint="Check the path.") from None
    except IsADirectoryError:
        raise ManifestError(
            f"{name} is a folder.", hint="Name a file: .toml, .csv, or one class name a line."
        ) from None
    except OSError as error:
        raise ManifestError(f"{name} cannot be read: {error.strerror}.", hint="Check its permissions.") from error
    if len(data) > MAX_BYTES:
        raise ManifestError(f"{name} is larger than {MAX_BYTES // 2**20} MiB.", hint="Is it really a list of classes?")
    if not data.strip():
        raise ManifestError(f"{name} is empty.", hint="Write one class name a line.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ManifestError(f"{name}, line {line}: not UTF-8 text.", hint="Save it as plain text in UTF-8.") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ManifestError(f"{name}, line {line}: a zero byte; this is no text file.", hint="Name a text file.")
    return text


def _lines(text: str) -> list[str]:
    # Not splitlines(): that also breaks at control characters, which are to be reported, not hidden.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _from_lines(text: str) -> tuple[VocabularyEntry, ...]:
    found = []
    for number, line in enumerate(_lines(text), start=1):
        content = _COMMENT.sub("", line).strip(" \t")
        if not content:
            continue
        name, _, rest = content.partition(":")
        aliases = tuple(alias for alias in rest.split(",") if alias.strip(" \t"))
        found.append(entries.make_entry(number, name, aliases=aliases))
        _check_count(len(found), number)
    return tuple(found)


def _from_csv(text: str, delimiter: str) -> tuple[VocabularyEntry, ...]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[VocabularyEntry] = []
    header: list[str] = []
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if not header:
                header = [cell.strip().casefold() for cell in row]
                if not {"class", "name"} & set(header):
                    raise EntryFault(
                        rows.line_num,
                        f"no column is called 'class' or 'name', only {', '.join(map(repr, row[:5]))}",
                        "Begin a CSV with a header such as class,aliases.",
                    )
                continue
            cells = dict(zip(header, row, strict=False))
            aliases = tuple(alias for alias in re.split("[;|]", cells.get("aliases", "")) if alias.strip())
            name = cells.get("class", cells.get("name", ""))
            found.append(entries.make_entry(rows.line_num, name, aliases=aliases, group=cells.get("group", "")))
            _check_count(len(found), rows.line_num)
    except csv.Error as error:
        raise EntryFault(rows.line_num, f"not a CSV table ({error})", "Quote names that contain commas.") from error
    return _merge_repeated(found)


def _merge_repeated(found: list[VocabularyEntry]) -> tuple[VocabularyEntry, ...]:
    """A table of clips names a class once a clip: rows that repeat a name say nothing new."""
    first: dict[str, VocabularyEntry] = {}
    for entry in found:
        first.setdefault(key(entry.name) or entry.name, entry)
    return tuple(first.values())


def _from_toml(text: str, groups: Mapping[str, tuple[str, ...]]) -> VocabularyFile:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _TOML_LINE.search(str(error))
        message = _TOML_LINE.sub("", str(error)).strip()
        line = int(at.group(1)) if at else text.count("\n") + 1
        raise EntryFault(line, f"not TOML ({message})", "See docs/vocabulary.md for the form.") from error
    entries.check_keys(0, document, ("class", "masked", "label_groups"), "the file")
    known = {**groups, **entries.read_groups(document.get("label_groups", {}))}
    masked = document.get("masked")
    classes = document.get("class", [])
    if not isinstance(classes, list):
        raise EntryFault(0, "'class' is not a list of tables", "Begin each class with [[class]].")
    lines = [text.count("\n", 0, at.start() + len(at.group(0))) + 1 for at in _HEADER.finditer(text)]
    if len(lines) != len(classes):
        lines = [0] * len(classes)
    found = []
    for line, table in zip(lines, classes, strict=True):
        found.append(_entry_of_table(line, table, known))
        _check_count(len(found), line)
    return VocabularyFile(entries=tuple(found), masked=None if masked is None else entries.read_masked(masked))


def _entry_of_table(line: int, table: Any, groups: Mapping[str, tuple[str, ...]]) -> VocabularyEntry:
    if not isinstance(table, dict):
        raise EntryFault(line, "a class is not a table", "Begin each class with [[class]].")
    return entries.entry_of_table(line, table, groups)


def _check_count(count: int, line: int) -> None:
    if count > MAX_CLASSES:
        raise EntryFault(line, f"more than {MAX_CLASSES:,} classes", "Leave out what you do not look for.")


def _check_names(found: tuple[VocabularyEntry, ...]) -> None:
    """Every name and alias is a proper name, and none means two things."""
    taken: dict[str, VocabularyEntry] = {}
    for entry in found:
        for name in (entry.name, *entry.aliases):
            wrong = fault(name)
            if wrong:
                raise EntryFault(entry.line, f"the name {name[:60]!r} {wrong}", "Give each class a short, plain name.")
        entries.claim(entry, entry.name, taken)
    for entry in found:
        entries.refuse_repeats(entry)
        for alias in entry.aliases:
            entries.claim(entry, alias, taken)
