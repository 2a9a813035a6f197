"""The command reference, docs/commands.md, written from the commands themselves.

Write it with ``python -m tvsl_cli.manual``; a test fails while the file says something else than the commands do.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

MANUAL = Path(__file__).parents[1] / "docs" / "commands.md"

_HEAD = """\
# Commands

This page is written from the program by `python -m tvsl_cli.manual`; do not edit it by hand. Every command also answers
`--help`. `python -m tvsl_cli` is the same program as `tvsl`; `tvsl --version` prints the version, and
`tvsl --install-completion` teaches your shell to complete commands and options.

Results for programs go to standard output; everything for people goes to standard error.

| exit code | meaning |
|---|---|
| 0 | everything was done |
| 1 | some input failed; what could be done was done |
| 2 | the command was not understood: an unknown option, a value out of range, an unusable configuration file |
| 130 | interrupted with Ctrl-C; finished files stay valid (143 when ended by SIGTERM) |

Set `TVSL_DEBUG=1` to see where in the program an error came from.

Options may stand in a TOML file, under the name of their command, and `--config FILE.toml` reads them. What is typed
wins over the file, and the file over the default. Paths in it are relative to the folder in which the command runs.

```toml
[annotate]
fps = 4
classes = ["dog", "violin"]
start = "0:30"
overlay = "combined"

[annotate.boxes]
threshold = 0.4
```

An option that is named after a stage, such as `--boxes-threshold`, lies in the table of that stage.
"""


def manual(app: typer.Typer) -> str:
    """The whole command reference as Markdown."""
    commands = list(walk(app, ("tvsl",)))
    index = "\n".join(f"- [`{name}`](#{name.replace(' ', '-')}): {_summary(function)}" for name, function in commands)
    return "\n".join([_HEAD, index, "", *(section(name, function) for name, function in commands)])


def walk(app: typer.Typer, words: tuple[str, ...]) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every command below an app: its full name, such as ``tvsl models list``, and its function."""
    for command in app.registered_commands:
        if command.callback is not None and not command.hidden:
            name = command.name or command.callback.__name__.replace("_", "-")
            yield " ".join((*words, name)), command.callback
    for group in app.registered_groups:
        if group.typer_instance is not None and isinstance(group.name, str):
            yield from walk(group.typer_instance, (*words, group.name))


def section(name: str, function: Callable[..., Any]) -> str:
    """One command: what it does, how it is called, its arguments and its options."""
    arguments, options = _parameters(function)
    call = " ".join([name, *(metavar for metavar, _ in arguments), *(["[OPTIONS]"] if options else [])])
    parts = [f"## {name}", *_body(function), "", "```", call, "```", ""]
    if arguments:
        parts += ["| argument | meaning |", "|---|---|"]
        parts += [f"| `{metavar}` | {_cell(info.help)} |" for metavar, info in arguments]
        parts += [""]
    if options:
        parts += ["| option | meaning | default |", "|---|---|---|", *options, ""]
    return "\n".join(parts)


def _body(function: Callable[..., Any]) -> Iterator[str]:
    for paragraph in (inspect.getdoc(function) or "").split("\n\n"):
        text = " ".join(paragraph.split())
        example = re.fullmatch(r"Example: (.*)", text)
        yield from (
            ("", f"Example: `{example[1]}`") if example else ("", *textwrap.wrap(text, 118, break_on_hyphens=False))
        )


def _summary(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").partition("\n\n")[0].replace("\n", " ")


def _parameters(function: Callable[..., Any]) -> tuple[list[tuple[str, ArgumentInfo]], list[str]]:
    hints = get_type_hints(function, include_extras=True)
    arguments: list[tuple[str, ArgumentInfo]] = []
    options: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if get_origin(hints[name]) is not Annotated:
            continue
        kind, info = get_args(hints[name])[:2]
        if isinstance(info, ArgumentInfo):
            metavar = str(info.metavar or name.upper())
            repeated = get_origin(kind) in (list, tuple)
            wrapped = metavar if parameter.default is inspect.Parameter.empty else f"[{metavar}]"
            arguments.append((wrapped + ("..." if repeated else ""), info))
        elif isinstance(info, OptionInfo):
            options.append(_option_row(name, kind, info, parameter.default))
    return arguments, options


def _option_row(name: str, kind: Any, info: OptionInfo, default: Any) -> str:
    declared = [info.default, *(info.param_decls or ())]  # inside Annotated, typer keeps the first one as the default
    flags = [text for text in declared if isinstance(text, str) and text.startswith("-")]
    flags = flags or [f"--{name.replace('_', '-')}"]
    flags.sort(key=lambda text: not text.startswith("--"))
    values = "" if kind is bool else f" {info.metavar or _value_name(kind)}"
    spelled = ", ".join(f"`{flag}{values if flag.startswith('--') else ''}`" for flag in flags).replace("|", "\\|")
    if default is inspect.Parameter.empty:
        shown = "required"
    else:
        shown = (
            ""
            if default is None or kind is bool
            else f"`{default:g}`"
            if isinstance(default, float)
            else f"`{default}`"
        )
    return f"| {spelled} | {_cell(info.help)} | {shown} |"


def _value_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "|".join(str(choice) for choice in get_args(kind))
    inner = [part for part in get_args(kind) if part is not type(None)]
    return str(getattr(inner[0] if inner else kind, "__name__", "value")).upper()


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


def main() -> int:
    """Write docs/commands.md; with ``--check`` only say with the exit code whether it is up to date."""
    from tvsl_cli.app import app

    wanted = manual(app)
    if "--check" in sys.argv[1:]:
        return int(not MANUAL.is_file() or MANUAL.read_text(encoding="utf-8") != wanted)
    MANUAL.parent.mkdir(exist_ok=True)
    MANUAL.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
