"""One map against what annotators marked for one source.

Conventions: ``reference`` holds the agreement of the annotators on each pixel, in [0, 1]; with boxes it is 0 or 1.
``estimate`` is a region (True where the sound comes from) for the overlaps, and a continuous map for the others. Both
cover the same pixels.

Metrics: ``ciou``, ``iou``, ``region_ap`` (regions); ``pixel_ap``, ``peak_hit`` (maps).

References: Senocak et al., "Learning to Localize Sound Source in Visual Scenes", CVPR 2018, section 5 (ciou); Hu et
al., "Mix and Localize", CVPR 2022 (pixel average precision).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tvsl_core.evaluation.metrics.maps import FloatMap, Region, Threshold, binarize

Count = int | np.integer | NDArray[np.integer]
Reference = NDArray[np.bool_] | NDArray[np.float32] | NDArray[np.float64]


def validate(reference: Reference, estimate: NDArray[np.generic]) -> None:
    """Check one pair.

    Raises: ValueError: The two differ in shape, the reference leaves [0, 1] or marks nothing, or the estimate holds NaN
        or infinite values.
    """
    if reference.shape != estimate.shape:
        raise ValueError(f"reference {reference.shape} and estimate {estimate.shape} must have the same pixels")
    low, high = float(reference.min()), float(reference.max())
    if not (low >= 0 and high <= 1):
        raise ValueError(f"a reference lies in [0, 1], got {low:g} to {high:g}")
    if high == 0:
        raise ValueError("a reference that marks nothing cannot be scored")
    if estimate.dtype.kind == "f" and not np.isfinite(estimate).all():
        raise ValueError("an estimate must be finite")


def ciou(reference: Reference, estimate: Region) -> float:
    """Consensus intersection over union of one region with what annotators marked.

    ``sum(P * G) / (sum(G) + sum(P * (G == 0)))``; for a reference of zeros and ones this is plain IoU.

    Returns: In [0, 1]; 1 when the region is exactly what every annotator marked.

    Raises: ValueError: See ``validate``.
    """
    validate(reference, estimate)
    inside = reference[estimate].sum(dtype=np.float64)
    outside = np.count_nonzero(estimate & (reference == 0))
    return float(inside / (reference.sum(dtype=np.float64) + outside))


def iou(reference: Reference, estimate: Region) -> float:
    """Intersection over union with the pixels that at least half of the annotators marked (any, if there are none).

    Returns: In [0, 1].

    Raises: ValueError: See ``validate``.
    """
    validate(reference, estimate)
    marked = reference >= 0.5
    if not marked.any():
        marked = reference > 0
    return float(np.count_nonzero(marked & estimate) / np.count_nonzero(marked | estimate))


def pixel_ap(reference: Reference, estimate: FloatMap) -> float:
    """Average precision of the map as a ranking of pixels; equal values share one rank.

    The sum over distinct values, from the highest, of precision times the growth of recall. A map without contrast
    scores the share of marked pixels.

    Returns: In (0, 1]; 1 when every marked pixel is above every other one.

    Raises: ValueError: See ``validate``.
    """
    validate(reference, estimate)
    return float(pixel_aps(reference[None], estimate)[0])


def pixel_aps(references: Reference, estimate: FloatMap) -> NDArray[np.float64]:
    """``pixel_ap`` of one map for several references ``[source height width]``, sorting its pixels only once.

    Returns: ``[source]``. Inputs are not checked.
    """
    marked = (references if references.dtype == bool else references >= 0.5).reshape(len(references), -1)
    values = estimate.ravel()
    order = np.argsort(values)[::-1]
    ranked = values[order]
    last = np.ones(ranked.size, dtype=bool)
    np.not_equal(ranked[:-1], ranked[1:], out=last[:-1])
    ends = np.flatnonzero(last)
    reached = (ends + 1).astype(np.float64)
    scores = np.empty(len(marked))
    for row, truth in enumerate(marked):
        hits = np.cumsum(truth[order], dtype=np.int32)[ends].astype(np.float64)
        gained = np.diff(hits, prepend=0.0)
        scores[row] = (gained * (hits / reached)).sum() / hits[-1] if hits[-1] else 0.0
    return scores


def region_ap(hits: Count, marked: Count, ranked: Count, pixels: int) -> NDArray[np.float64]:
    """Average precision when both sides are regions: the ranked one comes first, everything else shares the last rank.

    Args:
        hits: Pixels that are in both regions.
        marked: Pixels of the region that is to be found; without any the score is 0.
        ranked: Pixels of the region that is ranked first.
        pixels: How many there are in all.

    Returns: In [0, 1], of the shape that the counts broadcast to.
    """
    found, wanted, first = (np.asarray(count, dtype=np.float64) for count in (hits, marked, ranked))
    recall, precision = found / np.maximum(wanted, 1), found / np.maximum(first, 1)
    return np.where(wanted > 0, recall * precision + (1 - recall) * (wanted / pixels), 0.0)


def peak_hit(reference: Reference, estimate: FloatMap) -> float:
    """1 when the highest value of the map lies on the source, the share of its highest pixels that do on ties.

    Raises: ValueError: See ``validate``.
    """
    validate(reference, estimate)
    return float((reference[estimate == estimate.max()] > 0).mean())


def evaluate(reference: Reference, estimate: FloatMap, threshold: Threshold) -> dict[str, float]:
    """All metrics of this module for one map.

    Args:
        reference: ``[height width]`` in [0, 1].
        estimate: ``[height width]``, continuous.
        threshold: Turns the map into a region.
    """
    region = binarize(estimate, threshold)
    return {
        "ciou": ciou(reference, region),
        "iou": iou(reference, region),
        "ap": pixel_ap(reference, estimate),
        "peak": peak_hit(reference, estimate),
    }
