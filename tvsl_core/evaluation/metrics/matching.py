"""Which map answers for which source, when a frame has several of both.

Conventions: ``gains`` is ``[source map]``, what a source would score with a map; the answer is one map index for each
source, -1 for none. A map answers for at most one source, except by name when two sources share a name.

References: Kuhn, "The Hungarian Method for the Assignment Problem", 1955.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.sample import class_key

Matching = Literal["class", "hungarian", "greedy"]
"""``class``: the map of the source's own class. ``hungarian``: the assignment with the highest sum. ``greedy``: map
by map in their order, each the best source that is left."""

Gains = NDArray[np.float64]
_EXHAUSTIVE = 4
"""Up to so many sources and maps all assignments are simply tried."""


def validate(gains: Gains) -> None:
    """Check a table of gains.

    Raises: ValueError: It is not ``[source map]`` or not finite.
    """
    if gains.ndim != 2 or not np.isfinite(gains).all():
        raise ValueError(f"gains are finite and [source map], got shape {gains.shape}")


def by_class(names: Sequence[str], map_names: Sequence[str], scores: Sequence[float]) -> list[int]:
    """For each source the map of its class, of any class if it has none; the surest one when there are several."""
    keys = [class_key(name) for name in map_names]
    answer = []
    for name in names:
        own = [index for index, key in enumerate(keys) if not name or key == class_key(name)]
        answer.append(max(own, key=lambda index: scores[index]) if own else -1)
    return answer


def greedy(gains: Gains, empty: NDArray[np.bool_] | None = None) -> list[int]:
    """Map by map, in their order: each takes the source where it gains most, the first of equals, if that is free.

    As the released test of Kim et al. (CVPR 2024) does it: a source that is taken is emptied, so that nothing is gained
    there any more, and a map that gains nothing anywhere still uses up the first source.

    Args:
        gains: ``[source map]``.
        empty: ``[source map]``, where a map marks nothing on the pixels that the source is judged on. Against an
            emptied source that is 0 / 0, which the search for the highest value takes for the highest: the map is lost.
    """
    validate(gains)
    answer = [-1] * gains.shape[0]
    left = gains.copy()
    for column in range(gains.shape[1] if gains.shape[0] else 0):
        source = int(left[:, column].argmax())
        if answer[source] < 0:
            answer[source] = column
        left[source, :] = 0 if empty is None else np.where(empty[source], np.nan, 0)
    return answer


def hungarian(gains: Gains) -> list[int]:
    """The assignment with the highest sum of gains; with fewer maps than sources some stay without (-1)."""
    validate(gains)
    sources, maps = gains.shape
    if not sources or not maps:
        return [-1] * sources
    size = max(sources, maps)
    if size <= _EXHAUSTIVE:
        square = np.zeros((size, size))
        square[:sources, :maps] = gains
        best = max(permutations(range(size)), key=lambda order: sum(square[row, order[row]] for row in range(size)))
    else:
        best = tuple(_shortest_paths(gains, size))
    return [index if index < maps else -1 for index in best[:sources]]


def _shortest_paths(gains: Gains, size: int) -> list[int]:
    """The Hungarian method with row and column potentials, one shortest augmenting path a row."""
    cost = np.zeros((size, size))
    cost[: gains.shape[0], : gains.shape[1]] = -gains
    row_price, column_price = np.zeros(size + 1), np.zeros(size + 1)
    owner = np.zeros(size + 1, dtype=np.int64)  # row that holds each column, counted from 1; 0 is nobody
    for row in range(1, size + 1):
        owner[0], column = row, 0
        slack, came_from = np.full(size + 1, np.inf), np.zeros(size + 1, dtype=np.int64)
        visited = np.zeros(size + 1, dtype=bool)
        while owner[column]:
            visited[column] = True
            reduced = cost[owner[column] - 1] - row_price[owner[column]] - column_price[1:]
            better = ~visited[1:] & (reduced < slack[1:])
            slack[1:][better], came_from[1:][better] = reduced[better], column
            following = int(np.where(visited, np.inf, slack)[1:].argmin()) + 1
            step = slack[following]
            row_price[owner[visited]] += step
            column_price[visited] -= step
            slack[~visited] -= step
            column = following
        while column:
            owner[column] = owner[came_from[column]]
            column = int(came_from[column])
    answer = [0] * size
    for column in range(1, size + 1):
        answer[owner[column] - 1] = column - 1
    return answer
