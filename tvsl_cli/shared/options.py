"""A command's options, derived from the fields of its request: typed, read from a file, checked, and handed over.

    @takes(AnnotateRequest, section="annotate")
    def annotate(inputs: ..., request: AnnotateRequest) -> None: ...

Names, help, defaults and kinds come from the dataclass and those nested in it, as ``tvsl_core.option`` describes.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import typer

from tvsl_cli.shared import config_file as kinds
from tvsl_cli.shared.settings import merged, parameter_of, usage_errors
from tvsl_core.option import OptionTraits, name_of, traits_of

Request = TypeVar("Request")
_METAVARS: Mapping[type, str] = {int: "N", float: "X"}


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionSpec:
    """One option, from one field."""

    path: tuple[str, ...]
    """Names of the fields that lead to it."""
    key: str
    """In a configuration file; a dot stands before what lies in a table of its own."""
    kind: Any
    """Type of its value, without None."""
    can_be_none: bool
    default: Any
    traits: OptionTraits
    help: str

    @property
    def parameter(self) -> str:
        """Of the function that typer sees."""
        return parameter_of(self.key)

    @property
    def convert(self) -> kinds.Converter:
        """From a raw value of a file."""
        if get_origin(self.kind) is Literal:
            return kinds.one_of(*get_args(self.kind))
        if get_origin(self.kind) is tuple:
            return kinds.shares if get_origin(get_args(self.kind)[0]) is tuple else kinds.names
        if self.traits.clock:
            return kinds.seconds
        plain = {bool: kinds.flag, int: kinds.whole, float: kinds.number, str: kinds.text, Path: kinds.path}
        return plain[self.kind]

    def typed(self) -> inspect.Parameter:
        """As typer wants it. What has a parser defaults to None, and the field's own default takes its place."""
        flag = "--" + self.parameter.replace("_", "-")
        if self.kind is bool and self.default:
            flag = f"{flag}/--no-{flag[2:]}"
        shared: dict[str, Any] = {"help": self.help, "rich_help_panel": self.traits.topic}
        kind, default = (self.kind | None if self.can_be_none else self.kind), self.default
        if self.traits.clock or get_origin(self.kind) is tuple:
            kind, default, shared["parser"] = Any, None, _parser(self.convert)
        metavar = self.traits.metavar or ("TIME" if self.traits.clock else _METAVARS.get(self.kind, ""))
        option = typer.Option(flag, *filter(None, [self.traits.short]), metavar=metavar or None, **shared)
        return _keyword(self.parameter, Annotated[kind, option], default)


@cache
def specs(request: type) -> tuple[OptionSpec, ...]:
    """Every option of a request; the rarely used ones last."""
    return tuple(sorted(_specs(request, (), ""), key=lambda spec: spec.traits.topic == OptionTraits().topic))


def keys_of(request: type) -> dict[str, kinds.Converter]:
    """What a configuration file may set: key to the kind of its value."""
    return {spec.key: spec.convert for spec in specs(request) if spec.traits.in_file}


def build(request: type[Request], values: Mapping[str, Any]) -> Request:
    """The request from its options' values, by key; None stands for a default where it is no value.

    Raises: ValueError: A value is out of range; it is named as people know it.
    """
    group: type = request
    given = {
        spec.path: values[spec.key]
        for spec in specs(group)
        if spec.key in values and (values[spec.key] is not None or spec.can_be_none)
    }
    built: Request = _build(request, given, (), "")
    return built


def takes(request: type, *, section: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a request: it is called with its own arguments and ``request``.

    Args:
        request: A dataclass whose fields all have defaults.
        section: Of a configuration file; ``--config`` names the file.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(context: typer.Context, config: Path | None, **given: Any) -> None:
            with usage_errors():
                values = merged(context, config=config, section=section, keys=keys_of(request))
                typed = {spec.key: given.pop(spec.parameter) for spec in specs(request)}
                asked: object = build(request, typed | values)
            function(**given, request=asked)

        own = get_type_hints(function, include_extras=True)
        words = [one for one in inspect.signature(function).parameters.values() if one.name != "request"]
        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *(_keyword(one.name, own[one.name], one.default) for one in words),
            *(spec.typed() for spec in specs(request)),
            _keyword("config", _config(section), None),
        ]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer looks at
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        return command

    return decorate


def _config(section: str) -> Any:
    text = f"Settings from the section [{section}] of this file; the command line wins."
    return Annotated[Path | None, typer.Option(metavar="FILE.toml", help=text, rich_help_panel="Model and speed")]


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _parser(convert: kinds.Converter) -> Callable[[str], Any]:
    def parse(value: str) -> Any:
        try:
            return convert(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error

    return parse


def _specs(group: type, path: tuple[str, ...], table: str) -> Iterator[OptionSpec]:
    hints, texts = get_type_hints(group), _docstrings(group)
    for one in dataclasses.fields(group):
        traits, here = traits_of(one), (*path, one.name)
        if not traits.typed:
            continue
        if dataclasses.is_dataclass(hints[one.name]):
            yield from _specs(hints[one.name], here, table if traits.flat else f"{table}{name_of(one)}.")
            continue
        kinds_of = [kind for kind in get_args(hints[one.name]) if kind is not NoneType]
        can_be_none = NoneType in get_args(hints[one.name])
        yield OptionSpec(
            path=here,
            key=name_of(one) if traits.top else table + name_of(one),
            kind=kinds_of[0] if can_be_none else hints[one.name],
            can_be_none=can_be_none,
            default=one.default,
            traits=traits,
            help=texts.get(one.name, ""),
        )


def _build(group: type[Any], given: Mapping[tuple[str, ...], Any], path: tuple[str, ...], prefix: str) -> Any:
    hints = get_type_hints(group)
    found: dict[str, Any] = {}
    for one in dataclasses.fields(group):
        here = (*path, one.name)
        if dataclasses.is_dataclass(hints[one.name]):
            inner = prefix if traits_of(one).flat else f"{prefix}{name_of(one)}-"
            found[one.name] = _build(hints[one.name], given, here, inner)
        elif here in given:
            found[one.name] = given[here]
    try:
        return group(**found)
    except ValueError as error:
        top = any(str(error).startswith(f"{name_of(one)} ") for one in dataclasses.fields(group) if _stands_alone(one))
        raise ValueError(str(error) if top or str(error).startswith("--") else f"{prefix}{error}") from error


def _stands_alone(one: Field[Any]) -> bool:
    return traits_of(one).top


def _docstrings(group: type) -> dict[str, str]:
    """The text below each field, on one line."""
    return _texts_of(sys.modules[group.__module__].__file__ or "").get(group.__name__, {})


@cache
def _texts_of(file: str) -> dict[str, dict[str, str]]:
    try:
        classes = [node for node in ast.parse(Path(file).read_bytes()).body if isinstance(node, ast.ClassDef)]
    except OSError:
        return {}  # a program without its sources still works, and its help has no words
    return {one.name: dict(_field_texts(one)) for one in classes}


def _field_texts(group: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for one, below in zip(group.body, group.body[1:], strict=False):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and isinstance(below, ast.Expr):
            value = below.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield one.target.id, " ".join(value.value.split())
