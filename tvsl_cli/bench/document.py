"""Figures of ``tvsl bench``: lines for people, or one JSON document with the machine and the versions."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead, with the machine and the versions.")
]


def write_figures(lines: Iterable[str], *, as_json: bool, **parts: Any) -> None:
    """Print figures for people, or all of them as one object with the machine and the versions.

    Args:
        lines: For people.
        as_json: Whether the object is asked for.
        parts: Values with figures, or several of them, by the command that measures them.
    """
    from tvsl_cli.shared.terminal import write_line

    if not as_json:
        for line in lines:
            write_line(line)
        return
    typer.echo(json.dumps(surroundings() | {name: figures(part) for name, part in parts.items()}, indent=2))


def surroundings() -> dict[str, dict[str, Any]]:
    """The machine, and the versions of what runs on it."""
    from tvsl_cli.info import machine
    from tvsl_core.system.versions import versions

    return {"machine": machine(), "versions": versions()}


def figures(found: Any) -> Any:
    """The fields of a value with figures, and what it derives from them: all that a table shows."""
    if isinstance(found, list | tuple):
        return [figures(one) for one in found]
    if not dataclasses.is_dataclass(found):
        return found
    derived = [name for name, member in vars(type(found)).items() if isinstance(member, property)]
    return {
        name: figures(getattr(found, name)) for name in [*(one.name for one in dataclasses.fields(found)), *derived]
    }
