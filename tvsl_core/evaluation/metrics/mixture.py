"""Several maps against several sources of one frame.

Conventions: ``aps`` is ``[source map]``, the pixel average precision of each map for each source. CAP asks for the map
under the right name; PIAP lets the maps be permuted, so it does not ask for names. A source without a map scores 0.

References: Hu et al., "Mix and Localize", CVPR 2022, section 4 (CAP, PIAP).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tvsl_core.evaluation.metrics.matching import Gains, by_class, greedy, hungarian


def validate(gains: Gains, names: Sequence[str], map_names: Sequence[str]) -> None:
    """Check that a table and its names belong together.

    Raises: ValueError: They do not, or there is no source.
    """
    if gains.shape != (len(names), len(map_names)) or not len(names):
        raise ValueError(f"gains {gains.shape} do not fit {len(names)} sources and {len(map_names)} maps")


def pick(gains: Gains, answer: Sequence[int]) -> NDArray[np.float64]:
    """What each source scores under an assignment; 0 where it has none."""
    return np.array([gains[row, column] if column >= 0 else 0.0 for row, column in enumerate(answer)])


def cap(aps: Gains, names: Sequence[str], map_names: Sequence[str], scores: Sequence[float]) -> NDArray[np.float64]:
    """Class-aware average precision of each source; CAP is their mean."""
    validate(aps, names, map_names)
    return pick(aps, by_class(names, map_names, scores))


def piap(aps: Gains) -> NDArray[np.float64]:
    """Permutation-invariant average precision of each source, under the permutation with the highest sum."""
    return pick(aps, hungarian(aps))


def assign(
    gains: Gains,
    names: Sequence[str],
    map_names: Sequence[str],
    scores: Sequence[float],
    matching: str,
    empty: NDArray[np.bool_] | None = None,
) -> list[int]:
    """One map for each source under a named rule (see ``tvsl_core.evaluation.metrics.matching.Matching``).

    ``empty`` is what ``greedy`` makes of maps that mark nothing.

    Raises: ValueError: There is no such rule.
    """
    validate(gains, names, map_names)
    if matching == "class":
        return by_class(names, map_names, scores)
    if matching in ("hungarian", "greedy"):
        return hungarian(gains) if matching == "hungarian" else greedy(gains, empty)
    raise ValueError(f"matching is 'class', 'hungarian' or 'greedy', got '{matching}'")


def evaluate(aps: Gains, names: Sequence[str], map_names: Sequence[str], scores: Sequence[float]) -> dict[str, float]:
    """All metrics of this module for one frame."""
    return {
        "CAP": float(cap(aps, names, map_names, scores).mean()),
        "PIAP": float(piap(aps).mean()),
    }
