"""Figures of ``tvsl bench`` as one JSON document, with the machine and the versions that they belong to."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any

import typer

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead, with the machine and the versions.")
]


def write_document(**parts: Any) -> None:
    """Print everything as one object: the machine, the versions, and the figures by the command that measures them.

    Args:
        parts: Values with figures, or several of them, by name.
    """
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
