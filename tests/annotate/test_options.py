"""Whatever changes a result changes the fingerprint of the settings, and nothing else does."""

import dataclasses
from typing import Literal, get_args, get_origin, get_type_hints

import pytest

from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.rules import DetectOptions
from tvsl_core.option import as_plain

WITHOUT_EFFECT = {"batch", "vocabulary", "limits"}
"""The vocabulary counts by what is in it: the fingerprint gets the hash of the names."""


def paths(options, path=()):
    for field in dataclasses.fields(options):
        value = getattr(options, field.name)
        yield from paths(value, (*path, field.name)) if dataclasses.is_dataclass(value) else [(*path, field.name)]


def with_another(options, path):
    """The options with one field changed to a value that is allowed."""
    name, *rest = path
    value = getattr(options, name)
    if rest:
        return dataclasses.replace(options, **{name: with_another(value, rest)})
    kind = get_type_hints(type(options))[name]
    if get_origin(kind) is Literal:
        return dataclasses.replace(options, **{name: next(one for one in get_args(kind) if one != value)})
    others = {bool: [not value], tuple: [("dog",), (("dog", 0.3),)], type(None): [1.0, 1]}.get(type(value)) or [
        value * 0.9 or 0.5,
        value + 1,
        value - 1,
    ]
    for other in others:
        try:
            return dataclasses.replace(options, **{name: other})
        except ValueError:
            continue
    raise AssertionError(f"no other value for {path}")


@pytest.mark.parametrize("path", list(paths(AnnotateOptions())), ids=".".join)
def test_every_option_that_changes_results_changes_the_fingerprint(path):
    before, after = AnnotateOptions(), with_another(AnnotateOptions(), path)

    assert before != after
    assert (before.fingerprint() == after.fingerprint()) == (path[0] in WITHOUT_EFFECT)


def test_other_weights_or_another_code_are_other_settings():
    options = AnnotateOptions()

    assert (
        len(
            {
                options.fingerprint(),
                options.fingerprint(code="1"),
                options.fingerprint(code="2"),
                options.fingerprint(model="1"),
            }
        )
        == 4
    )


def test_what_is_written_down_holds_every_field():
    assert as_plain(AnnotateOptions(detect=DetectOptions(max_sources=2)))["detect"]["max_sources"] == 2
    assert set(as_plain(AnnotateOptions())) == {field.name for field in dataclasses.fields(AnnotateOptions)}
