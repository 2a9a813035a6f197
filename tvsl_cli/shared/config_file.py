"""Settings from a TOML file: defaults < file (``--config``) < command line.

A file has one section per command, and its keys are the names of the command's options:

    [annotate]
    fps = 4
    classes = ["dog", "violin"]
    start = "0:30"

    [annotate.boxes]
    threshold = 0.4

An unknown section or key is an error that names the nearest known one; so is a value of the wrong kind.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from tvsl_core.errors import ManifestError
from tvsl_core.system.suggest import did_you_mean

Converter = Callable[[object], Any]
"""From a raw value (TOML, or text of the command line) to the value meant; ValueError says what it must be."""

_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d{1,2}(?:\.\d+)?)")
_SECONDS = re.compile(r"\d+(?:\.\d*)?|\.\d+")


def number(value: object) -> float:
    """A number, whole or not. Raises: ValueError: It is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number, got {_describe(value)}")
    return float(value)


def whole(value: object) -> int:
    """A whole number. Raises: ValueError: It is something else."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"must be a whole number, got {_describe(value)}")
    return value


def flag(value: object) -> bool:
    """``true`` or ``false``. Raises: ValueError: It is something else."""
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, got {_describe(value)}")
    return value


def text(value: object) -> str:
    """Text that is not empty. Raises: ValueError: It is something else."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be text in quotes, got {_describe(value)}")
    return value


def path(value: object) -> Path:
    """A path, as text. Raises: ValueError: It is something else."""
    return Path(text(value))


def one_of(*choices: str) -> Converter:
    """A converter that accepts exactly these words."""

    def convert(value: object) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}, got {_describe(value)}")
        return str(value)

    return convert


def names(value: object) -> tuple[str, ...]:
    """Names: a list of text, or one text with commas between them; spaces around a name do not count.

    Raises: ValueError: It is something else, or a name is empty.

    Example:
        >>> names("dog, violin")
        ('dog', 'violin')
    """
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"must be names with commas between them or a list of names, got {_describe(value)}")
    stripped = tuple(name.strip() for name in value)
    if not stripped or "" in stripped:
        raise ValueError("must name at least one class, with a name between all commas")
    return tuple(dict.fromkeys(stripped))


def shares(value: object) -> tuple[tuple[str, float], ...]:
    """Classes with a number each: a table, or one text with commas between them.

    Raises: ValueError: It is something else, or what stands behind a name is no number.

    Example:
        >>> shares("dog=0.3, violin=0.6")
        (('dog', 0.3), ('violin', 0.6))
    """
    if isinstance(value, str):
        parts = [part.partition("=") for part in value.split(",")]
        value = {name.strip(): _as_number(share) for name, _, share in parts}
    if not isinstance(value, dict) or not all(name for name in value):
        raise ValueError(f"must be a table such as dog = 0.3, got {_describe(value)}")
    return tuple((str(name), number(share)) for name, share in value.items())


def _as_number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


def seconds(value: object) -> float:
    """A moment: seconds (``90``, ``"90.5"``) or a clock (``"1:30.5"``, ``"0:01:30"``).

    Raises: ValueError: It is something else, or negative, or minutes or seconds reach 60 behind a colon.

    Example:
        >>> seconds("1:30.5")
        90.5
    """
    wanted = f"must be seconds or [hh:]mm:ss[.f], such as 90, 1:30 or 0:01:30.5, got {_describe(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(wanted)
    if isinstance(value, str):
        clock = _CLOCK.fullmatch(value.strip())
        if clock is None:
            if not _SECONDS.fullmatch(value.strip()):
                raise ValueError(wanted)
            return float(value)
        hours, minutes, rest = int(clock[1] or 0), int(clock[2]), float(clock[3])
        if rest >= 60 or (clock[1] and minutes >= 60):
            raise ValueError(wanted)
        return hours * 3600 + minutes * 60 + rest
    if not 0 <= value < float("inf"):
        raise ValueError(wanted)
    return float(value)


def read_config(
    file: Path, *, section: str, keys: Mapping[str, Converter], sections: Collection[str]
) -> dict[str, Any]:
    """Read one command's settings.

    Args:
        file: The TOML file.
        section: The command whose settings are wanted.
        keys: What the command knows: option name (``min-score``) to converter. ``min_score`` is accepted too.
        sections: Every section that a file may have; the others are for other commands and are left alone.

    Returns: Option name to converted value, only for what the file sets.

    Raises: ManifestError: The file cannot be read, is not TOML, or has an unknown section, key or kind of value.
    """
    found = _read_toml(file)
    for name, content in found.items():
        if name not in sections:
            hint = (
                f"Put the settings under [{section}]."
                if name.replace("_", "-") in keys
                else did_you_mean(name, sorted(sections))
            )
            kind = f"section [{name}]" if isinstance(content, dict) else f"key {name!r} outside a section"
            raise ManifestError(f"{file}: unknown {kind}.", hint=hint, stage="config")
        if not isinstance(content, dict):
            raise ManifestError(f"{file}: {name!r} is not a section.", hint=f"Write [{name}].", stage="config")
    settings: dict[str, Any] = {}
    for table, given, raw in _leaves(file, found.get(section, {}), keys, section):
        key = f"{table}.{given}".partition(".")[2].replace("_", "-")
        place = f"{file}: [{table}]"
        if key in settings:
            raise ManifestError(
                f"{place} sets {given.replace('_', '-')!r} twice.", hint="Keep one of them.", stage="config"
            )
        try:
            settings[key] = keys[key](raw)
        except ValueError as error:
            raise ManifestError(f"{place} {given} {error}.", stage="config") from error
    return settings


def _leaves(
    file: Path, content: Mapping[str, Any], keys: Collection[str], table: str
) -> Iterator[tuple[str, str, object]]:
    """Every setting of a section and of the tables in it: table, name, raw value. Raises: ManifestError: Unknown."""
    prefix = f"{table}.".partition(".")[2]
    here = {key[len(prefix) :].partition(".")[0]: "." in key[len(prefix) :] for key in keys if key.startswith(prefix)}
    for given, raw in content.items():
        name = given.replace("_", "-")
        if name not in here:
            raise ManifestError(
                f"{file}: [{table}] has no key {given!r}.", hint=did_you_mean(name, sorted(here)), stage="config"
            )
        if not here[name]:
            yield table, given, raw
        elif isinstance(raw, dict):
            yield from _leaves(file, raw, keys, f"{table}.{name}")
        else:
            raise ManifestError(f"{file}: {given!r} is a table.", hint=f"Write [{table}.{name}].", stage="config")


def _read_toml(file: Path) -> dict[str, Any]:
    hint = "Give a TOML file with one section per command, such as [annotate]."
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ManifestError(
            f"the configuration {str(file)!r} cannot be read: {error.strerror}.", hint="Check --config.", stage="config"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(
            f"the configuration {str(file)!r} is not TOML: {error}.", hint=hint, stage="config"
        ) from error


def _describe(value: object) -> str:
    kinds = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a table",
    }
    return f"{value!r} ({kinds.get(type(value), type(value).__name__)})"
