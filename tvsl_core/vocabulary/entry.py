"""One class as a file states it, before it is known what the other classes are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tvsl_core.system.suggest import did_you_mean
from tvsl_core.vocabulary.labels import LISTS, canonical, nearest
from tvsl_core.vocabulary.spelling import key, tidy

_KEYS = ("name", "group", "aliases", "sounds", "looks", "parents", "prompt", "note")


class EntryFault(Exception):  # noqa: N818 - never leaves this package; becomes a ManifestError that names the file
    """Something wrong in one line of a vocabulary file.

    Args:
        line: From 1; 0 when it is not known.
        message: What is wrong, without a full stop.
        hint: What to do about it.
    """

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.hint = hint


@dataclass(frozen=True, kw_only=True, slots=True)
class VocabularyEntry:
    """One class as a file states it; None is what the file leaves open."""

    line: int
    """Where it begins, from 1; 0 when that is not known."""
    name: str
    group: str | None = None
    aliases: tuple[str, ...] = ()
    sounds: Mapping[str, float] | None = None
    looks: Mapping[str, float] | None = None
    parents: tuple[str, ...] | None = None
    prompt: str | None = None
    note: str | None = None


def make_entry(line: int, name: str, *, aliases: Iterable[str] = (), group: str = "") -> VocabularyEntry:
    """An entry of a form that knows names only."""
    return VocabularyEntry(line=line, name=tidy(name), aliases=tuple(map(tidy, aliases)), group=tidy(group) or None)


def entry_of_table(line: int, table: Mapping[str, Any], groups: Mapping[str, tuple[str, ...]]) -> VocabularyEntry:
    """An entry of a ``[[class]]`` table.

    Args:
        line: Where the table begins.
        table: Its keys and values.
        groups: Labels that ``@name`` stands for.

    Raises: EntryFault: A key is unknown, a value is of another type, or a label does not exist.
    """
    name = table.get("name")
    if not isinstance(name, str):
        raise EntryFault(line, "a class has no name", 'Give each [[class]] a line such as name = "violin".')
    what = f"class {name[:60]!r}"
    check_keys(line, table, _KEYS, what)
    return VocabularyEntry(
        line=line,
        name=tidy(name),
        group=_word(line, table, "group", what),
        aliases=_words(line, table, "aliases", what) or (),
        sounds=_weights(line, table, "sounds", what, groups),
        looks=_weights(line, table, "looks", what, groups),
        parents=_words(line, table, "parents", what),
        prompt=_word(line, table, "prompt", what),
        note=_word(line, table, "note", what),
    )


def check_keys(line: int, table: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    """Refuse keys that mean nothing, naming the nearest that does.

    Raises: EntryFault: A key is unknown.
    """
    for unknown in table.keys() - set(known):
        raise EntryFault(line, f"{what} has an unknown key {unknown!r}", did_you_mean(unknown, known))


def read_groups(value: Any) -> dict[str, tuple[str, ...]]:
    """The ``[label_groups]`` of a file: lists of labels by name.

    Raises: EntryFault: It is something else.
    """
    if not isinstance(value, dict):
        raise EntryFault(0, "'label_groups' is not a table", "Write [label_groups] and below it lists of labels.")
    return {name: _texts(0, labels, f"label group {name!r}") for name, labels in value.items()}


def read_masked(value: Any) -> tuple[str, ...]:
    """The ``masked`` labels of a file, in their own spelling.

    Raises: EntryFault: It is no list, or names labels that do not exist.
    """
    return tuple(_label(0, label, "sounds", "'masked'") for label in _texts(0, value, "'masked'"))


def claim(entry: VocabularyEntry, name: str, taken: dict[str, VocabularyEntry]) -> None:
    """Note that a name belongs to an entry.

    Raises: EntryFault: It already belongs to one.
    """
    other = taken.setdefault(key(name), entry)
    if other is not entry:
        where = f" of line {other.line}" if other.line else ""
        raise EntryFault(
            entry.line, f"the name {name!r} already belongs to class {other.name!r}{where}", "Name each class once."
        )


def refuse_repeats(entry: VocabularyEntry) -> None:
    """An alias says something new.

    Raises: EntryFault: One repeats the name or another alias.
    """
    seen = {key(entry.name)}
    for alias in entry.aliases:
        if key(alias) in seen:
            raise EntryFault(entry.line, f"class {entry.name!r} is called {alias!r} twice", "Drop one of the two.")
        seen.add(key(alias))


def _word(line: int, table: Mapping[str, Any], name: str, what: str) -> str | None:
    value = table.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise EntryFault(line, f"{name!r} of {what} is not text but {value!r}", "Put it in quotes.")
    return value.strip() or None


def _texts(line: int, value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise EntryFault(line, f"{what} is not a list of texts", 'Write it as ["one", "two"].')
    return tuple(value)


def _words(line: int, table: Mapping[str, Any], name: str, what: str) -> tuple[str, ...] | None:
    value = table.get(name)
    return None if value is None else tuple(map(tidy, _texts(line, value, f"{name!r} of {what}")))


def _weights(
    line: int,
    table: Mapping[str, Any],
    kind: Literal["sounds", "looks"],
    what: str,
    groups: Mapping[str, tuple[str, ...]],
) -> dict[str, float] | None:
    """Labels to weights, groups spelled out; a label that is named itself has its own weight."""
    value = table.get(kind)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise EntryFault(line, f"{kind!r} of {what} is not a table of weights", 'Write it as { "a label" = 1.0 }.')
    spread: dict[str, float] = {}
    single: dict[str, float] = {}
    for label, weight in value.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not math.isfinite(weight) or not 0 < weight <= 1:
            raise EntryFault(line, f"the weight of {label!r} in {what} is {weight!r}", "A weight lies in (0, 1].")
        if not label.startswith("@"):
            single[_label(line, label, kind, what)] = float(weight)
            continue
        if label[1:] not in groups:
            raise EntryFault(line, f"{what} names no label group {label!r}", f"Known: {', '.join(groups) or 'none'}.")
        spread |= {_label(line, one, kind, f"label group {label!r}"): float(weight) for one in groups[label[1:]]}
    return spread | single


def _label(line: int, label: str, kind: Literal["sounds", "looks"], what: str) -> str:
    found = canonical(label, kind)
    if found is None:
        raise EntryFault(
            line, f"{what} names {label[:60]!r}, which is no {LISTS[kind]} label", f"Nearest: {nearest(label, kind)!r}."
        )
    return found
