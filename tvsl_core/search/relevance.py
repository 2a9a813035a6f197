"""How well the name of a class answers a query: by the vocabulary where the query names something, else by meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from tvsl_core.search.query import Query
from tvsl_core.vocabulary import spelling
from tvsl_core.vocabulary.classes import Vocabulary

NARROWER = 0.95
"""Of a rooster, where birds are asked for: it is one."""
WIDER = 0.5
"""Of a bird, where a rooster is asked for: it may be one."""
KIND = 0.9
"""Of anything whose group ("animal") is asked for."""
NEAR = 0.55
"""Least cosine of meaning (MiniLM): "laughing children" and "laughter" have 0.69, "qwzx" and any class at most 0.43."""

EmbedNames = Callable[[Sequence[str]], NDArray[np.float32]]
"""Names to unit vectors of the space of meanings, ``[name dim]``; asked only when no name answers."""


def class_relevance(
    query: Query, names: Iterable[str], vocabulary: Vocabulary, embed_names: EmbedNames
) -> dict[str, float]:
    """The names that answer a query, each with how well, in (0, 1].

    Args:
        query: What is looked for.
        names: Of classes, as tables spell them; the vocabulary need not hold them.
        vocabulary: Whose aliases, generic names and groups are known.
        embed_names: For queries that name no class.
    """
    listed = tuple(dict.fromkeys(names))
    asked = _named(query.words, listed, vocabulary)
    group = _group(query, vocabulary)
    found = {name: score for name in listed if (score := _by_name(name, asked, group, vocabulary)) > 0}
    if asked or group or not listed:
        return found
    vectors = embed_names([query.text, *listed])
    likeness = vectors[1:] @ vectors[0]
    return {name: float(value) for name, value in zip(listed, likeness, strict=True) if value >= NEAR}


def _named(words: Sequence[str], listed: Sequence[str], vocabulary: Vocabulary) -> set[str]:
    """Classes that a query names, the longest names first: "church bell" does not also ask for bells."""
    own = {spelling.key(name): name for name in listed}
    found: set[str] = set()
    start = 0
    while start < len(words):
        for end in range(len(words), start, -1):
            part = " ".join(words[start:end])
            klass = vocabulary.find(part)
            name = klass.name if klass else next((own[key] for key in spelling.keys_to_try(part) if key in own), None)
            if name is not None:
                found.add(name)
                start = end - 1
                break
        start += 1
    return found


def _group(query: Query, vocabulary: Vocabulary) -> str:
    """The group that a query consists of; a word more ("string instrument") means less than all of it."""
    keys = spelling.keys_to_try(" ".join(query.words))
    return next((group for group in vocabulary.groups if spelling.key(group) in keys), "")


def _by_name(name: str, asked: set[str], group: str, vocabulary: Vocabulary) -> float:
    klass = vocabulary.find(name)
    canonical = klass.name if klass else name
    if canonical in asked:
        return 1.0
    if klass is None:
        return 0.0
    if vocabulary.ancestors(canonical) & asked:
        return NARROWER
    if group and klass.group == group:
        return KIND
    narrower = any(one in vocabulary and canonical in vocabulary.ancestors(one) for one in asked)
    return WIDER if narrower else 0.0
