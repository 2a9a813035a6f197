"""Two checks that the field lacks: does a system listen at all?

*Silence*: the same frames with muted or noise sound; nothing may be reported. *Swap*: the same frame with the sound of
one object, then of the other; the map must move. A system that only looks for salient objects fails both.

Conventions: a map is ``[height width]``; ``first`` and ``second`` are the regions of the two objects, without the
pixels that they share.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tvsl_core.evaluation.metrics.maps import FloatMap, Region


def validate(first: Region, second: Region, *maps: FloatMap) -> None:
    """Check the regions and maps of one swap.

    Raises: ValueError: They differ in shape, or an object has no pixels of its own.
    """
    if any(one.shape != first.shape for one in (second, *maps)):
        raise ValueError("the regions and maps of a swap must have the same pixels")
    if not (first & ~second).any() or not (second & ~first).any():
        raise ValueError("each object of a swap needs pixels of its own")


def silence_violations(reported: Sequence[Sequence[str]]) -> float:
    """Share of silent clips in which a source was reported, in [0, 1]; 0 is right.

    Args:
        reported: ``[clip]``, the classes that a system reports for frames with muted or noise sound.

    Raises: ValueError: There is no clip.
    """
    if not reported:
        raise ValueError("expected at least one clip")
    return sum(bool(names) for names in reported) / len(reported)


def lean(estimate: FloatMap, first: Region, second: Region) -> float:
    """How much a map prefers the first object to the second: difference of means over its range, in [-1, 1]."""
    low, high = float(estimate.min()), float(estimate.max())
    if not high > low:
        return 0.0
    return float((estimate[first & ~second].mean() - estimate[second & ~first].mean()) / (high - low))


def swap_moves(with_first: FloatMap, with_second: FloatMap, first: Region, second: Region) -> bool:
    """Whether the map follows the sound: leans to the first object with its sound and to the second with the other's.

    Args:
        with_first: The map while the first object sounds.
        with_second: The map of the same frame while the second object sounds.
        first: Pixels of the first object.
        second: Pixels of the second object.

    Raises: ValueError: See ``validate``.
    """
    validate(first, second, with_first, with_second)
    return lean(with_first, first, second) > 0 > lean(with_second, first, second)


def evaluate(
    reported: Sequence[Sequence[str]], swaps: Sequence[tuple[FloatMap, FloatMap, Region, Region]]
) -> dict[str, float]:
    """Both checks; a check without material is left out."""
    scores = {}
    if reported:
        scores["silence violated"] = silence_violations(reported)
    if swaps:
        scores["swap moved"] = float(np.mean([swap_moves(*swap) for swap in swaps]))
    return scores
