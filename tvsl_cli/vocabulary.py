"""``tvsl vocabulary``: the classes that are looked for, and what speaks for each."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tvsl_core.vocabulary.classes import VocabularyClass

PIPE_WIDTH = 200
"""Columns of the table when no terminal says how wide it is."""
SHOWN = 4
"""Labels that a cell of the table names; ``--json`` has them all."""


def vocabulary(
    vocabulary_file: Annotated[
        Path | None,
        typer.Option(
            "--vocabulary",
            metavar="FILE",
            help="A file of classes instead of the default vocabulary; 'trained' is what the model was trained on.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="The classes that this model looks for: a name, or a weights file.")
    ] = "compact",
    group: Annotated[
        str | None, typer.Option("--group", metavar="GROUP", help="Only this group, such as instrument or animal.")
    ] = None,
    search: Annotated[
        str | None,
        typer.Option("--search", metavar="WORD", help="Only classes whose names, aliases or labels contain this."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a class, for programs.")] = False,
) -> None:
    """List the classes that are looked for, with the sounds and looks that speak for each.

    A label of weight 1 (not shown) is the class itself; one of less stands in for it. A class that a model has learned
    beside the default ones has none.

    Example: tvsl vocabulary --group instrument --search horn
    """
    from tvsl_cli.shared.settings import usage_errors
    from tvsl_cli.shared.terminal import say
    from tvsl_core.annotate.options import AnnotateOptions
    from tvsl_core.batch.engines.task import choose_names

    trained = _trained(model)
    with usage_errors():
        found = choose_names(AnnotateOptions(vocabulary=vocabulary_file), trained)
        classes = _of_group(found.classes, group, found.groups)
        known = {klass.name for name in trained if (klass := found.find(name)) is not None}
    classes = [klass for klass in classes if search is None or _mentions(klass, search)]
    if as_json:
        for klass in classes:
            typer.echo(json.dumps(_plain(klass) | {"trained": klass.name in known}, ensure_ascii=False))
        return
    if not classes:
        say("No class matches; `tvsl vocabulary` lists them all.")
        return
    _print_table(classes, known)
    say(f"{len(classes)} of {len(found)} classes.")


def _trained(model: str) -> tuple[str, ...]:
    """The classes that a model was trained on. Raises: WeightsError: There is no such model."""
    from tvsl_core.model.facts import EMBEDDED, trained_names

    if model != EMBEDDED:
        from tvsl_core.model.load import model_file

        model_file(model)
    return trained_names(model)


def _of_group(
    classes: Sequence[VocabularyClass], group: str | None, groups: Sequence[str]
) -> Sequence[VocabularyClass]:
    from tvsl_core.errors import ManifestError

    if group is None:
        return classes
    wanted = group.strip().casefold()
    if wanted not in map(str.casefold, groups):
        raise ManifestError(f"unknown group {group!r}.", hint=f"The groups are {', '.join(groups)}.")
    return [klass for klass in classes if klass.group.casefold() == wanted]


def _mentions(klass: VocabularyClass, word: str) -> bool:
    everything = (klass.name, *klass.aliases, *klass.sounds, *klass.looks)
    return any(word.strip().casefold() in text.casefold() for text in everything)


def _plain(klass: VocabularyClass) -> dict[str, Any]:
    return {
        "name": klass.name,
        "group": klass.group,
        "aliases": list(klass.aliases),
        "parents": list(klass.parents),
        "sounds": dict(klass.sounds),
        "looks": dict(klass.looks),
        "prompt": klass.prompt or klass.name,
        "note": klass.note,
    }


def _print_table(classes: Iterable[VocabularyClass], trained: Collection[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tvsl_cli.shared.terminal import visible

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("class", no_wrap=True)
    for title, share in (("also called", 3), ("group", 1), ("sounds like", 4), ("looks like", 4)):
        table.add_column(title, ratio=share)
    for klass in classes:
        without = "(trained)" if klass.name in trained else "(from its name)"
        labels = (_labels(side) or without for side in (klass.sounds, klass.looks))
        cells = (klass.name, "; ".join(klass.aliases), klass.group, *labels)
        table.add_row(*(Text(visible(cell)) for cell in cells))
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    Console(width=width, highlight=False, emoji=False).print(table)


def _labels(weights: Mapping[str, float]) -> str:
    """The strongest labels, each with its weight unless that is 1; how many more there are; empty without any."""
    ranked = sorted(weights.items(), key=lambda item: -item[1])
    shown = [label if weight == 1 else f"{label} {weight:g}" for label, weight in ranked[:SHOWN]]
    more = len(ranked) - len(shown)
    return "; ".join([*shown, f"{more} more"] if more else shown)
