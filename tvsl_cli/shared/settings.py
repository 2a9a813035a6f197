"""Which value holds: defaults < configuration file < command line.

A value that was typed wins even if it is the default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from tvsl_cli.shared.config_file import Converter

SAMPLE_VIDEOS = Path("sample_videos")
"""Where the sample videos are looked for, when --media does not say."""
SECTIONS = ("annotate", "bench", "datasets", "embed", "evaluate", "info", "models", "train", "vocabulary")
"""Sections that a configuration file may have: one file can serve every command."""


def merged(
    context: typer.Context,
    *,
    config: Path | None,
    section: str,
    keys: Mapping[str, Converter],
    file_only: Mapping[str, Converter] | None = None,
    base: Path | None = None,
) -> dict[str, Any]:
    """The settings of one command, by option name (``min-score``).

    Args:
        context: Of the running command; it knows what was typed and what is a default.
        config: The file of ``--config``.
        section: The command's section in it.
        keys: What the section may set.
        file_only: What it may set besides, for which there is no option; None when it does not.
        base: Another such file, over which the first one wins, key by key, also within tables.

    Raises: ManifestError: The file is unusable; it says why.
    """
    from tvsl_cli.shared.config_file import read_config

    values = {key: context.params[parameter_of(key)] for key in keys} | dict.fromkeys(file_only or ())
    from_file: dict[str, Any] = {}
    for file in filter(None, (base, config)):
        found = read_config(file, section=section, keys={**keys, **(file_only or {})}, sections=SECTIONS)
        tables = {key: from_file[key] | value for key, value in found.items()
                  if isinstance(value, dict) and key in from_file}  # fmt: skip
        from_file |= found | tables
    return values | {key: value for key, value in from_file.items() if not was_typed(context, parameter_of(key))}


def parameter_of(key: str) -> str:
    """From the key of a file to the parameter of a command's function."""
    return key.replace("-", "_").replace(".", "_")


def was_typed(context: typer.Context, key: str) -> bool:
    """Whether an option (``min-score``) stands on the command line."""
    source = context.get_parameter_source(key.replace("-", "_"))
    return source is not None and not source.name.startswith("DEFAULT")


@contextmanager
def usage_errors() -> Iterator[None]:
    """Wrong values and unusable settings end the command with one sentence and exit code 2."""
    from tvsl_core.errors import InputError, ManifestError

    try:
        yield
    except ManifestError as error:
        from tvsl_cli.shared.terminal import say_error

        say_error(error)
        raise typer.Exit(2) from error
    except ValueError as error:
        from tvsl_cli.shared.terminal import say_error

        say_error(InputError(str(error)))
        raise typer.Exit(2) from error
