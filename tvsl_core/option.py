"""What the field of an options dataclass says of itself beside type, default and docstring; imports nothing heavy.

A stage's numbers are the fields of one dataclass. Command line, configuration file, ``run.json`` and the fingerprint of
the settings all derive from these fields, so that no option is written twice and none is forgotten in one of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")
_KEY = "tvsl"


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionTraits:
    """How people meet a field."""

    name: str = ""
    """What it is called there; by default the field's name without its unit: ``window_s`` is ``window``."""
    topic: str = "Advanced"
    """Heading under which the help lists it."""
    metavar: str = ""
    """Placeholder of its value in the help."""
    short: str = ""
    """One letter with a dash, such as ``-o``."""
    clock: bool = False
    """Whether it is a moment, which may be written ``1:30``."""
    top: bool = False
    """Whether it is called by its own name alone, without the name of its group before it."""
    flat: bool = False
    """Of a group: whether none of its fields has the group's name before it."""
    typed: bool = True
    """Whether people can set it; False is for what the program derives."""
    in_file: bool = True
    """Whether a configuration file may set it."""
    changes_results: bool = True
    """Whether results made with another value are others; False keeps it out of the fingerprint."""


def option(default: Value, **traits: Any) -> Value:
    """The default of a field, with its ``OptionTraits``."""
    return field(default=default, metadata={_KEY: OptionTraits(**traits)})


def traits_of(one: Field[Any]) -> OptionTraits:
    """What a field says of itself."""
    traits: OptionTraits = one.metadata.get(_KEY, _PLAIN)
    return traits


def name_of(one: Field[Any]) -> str:
    """What a field is called by people: words with dashes, no unit."""
    return traits_of(one).name or one.name.removesuffix("_s").removesuffix("_dbfs").replace("_", "-")


def as_plain(options: Any, *, results_only: bool = False) -> dict[str, Any]:
    """The fields as values that JSON knows; groups as dictionaries.

    Args:
        options: An options dataclass.
        results_only: Leave out what does not change results.
    """
    return {
        one.name: _plain(getattr(options, one.name), results_only)
        for one in dataclasses.fields(options)
        if traits_of(one).changes_results or not results_only
    }


def _plain(value: Any, results_only: bool) -> Any:
    if dataclasses.is_dataclass(value):
        return as_plain(value, results_only=results_only)
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def check_range(options: Any, interval: str, *names: str) -> None:
    """Make sure that some fields lie in an interval such as ``(0, 1]`` or ``[1, inf)``; None is always right.

    Raises: ValueError: One does not; it says which, and what it must be.
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    for one in _named(options, names):
        value = getattr(options, one.name)
        if value is None:
            continue
        above = value > low if interval[0] == "(" else value >= low
        below = value < high if interval[-1] == ")" else value <= high
        if not (above and below):
            raise ValueError(f"{name_of(one)} must lie in {interval}, got {value}")


def _named(options: Any, names: tuple[str, ...]) -> Iterator[Field[Any]]:
    known = {one.name: one for one in dataclasses.fields(options)}
    return (known[name] for name in names)


_PLAIN = OptionTraits()
