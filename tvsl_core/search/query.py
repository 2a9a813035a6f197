"""What a person typed: the words for the thing, and the words for where it is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tvsl_core.errors import InputError
from tvsl_core.types import Verdict

MAX_LETTERS = 500
_PLACES: tuple[tuple[Verdict, re.Pattern[str]], ...] = (
    (
        "offscreen",
        re.compile(
            r"\b(off[- ]?(screen|camera)|outside( (of )?the (picture|frame|view))?|unseen|invisible|elsewhere"
            r"|out of (the )?(view|sight|frame|picture)|not (in view|visible|on screen)|behind the camera)\b"
        ),
    ),
    ("sounding", re.compile(r"\b(on[- ]?(screen|camera)|in (the )?(view|sight|frame|picture)|visible)\b")),
)
"""Words for where a source is, the longer meaning first: "not in view" is not "in view"."""
_FILLERS = frozenset({"a", "an", "the", "of", "at", "in", "on", "and", "or", "with", "is", "are", "some", "something"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """A search, understood."""

    text: str
    """What is looked for, without the words for where it is."""
    words: tuple[str, ...]
    """Of the text, without those that say nothing."""
    verdict: Verdict | None = None
    """Only events in view, or off screen; None is both."""


def parse_query(typed: str) -> Query:
    """Understand what a person typed.

    Raises: InputError: It names nothing to look for, or is longer than any search.
    """
    text = typed.strip().casefold()
    if len(text) > MAX_LETTERS:
        raise InputError(f"the search has {len(text)} letters, more than {MAX_LETTERS}.", hint="Use a few words.")
    verdict: Verdict | None = None
    for meaning, pattern in _PLACES:
        if verdict is None and pattern.search(text):
            verdict, text = meaning, pattern.sub(" ", text)
    text = " ".join(text.split())
    words = tuple(word for word in re.findall(r"[^\W_]+(?:['-][^\W_]+)*", text) if word not in _FILLERS)
    if not words:
        raise InputError(f"the search {typed.strip()!r} names nothing to look for.", hint='Try "dog barking".')
    return Query(text=text, words=words, verdict=verdict)
