"""What doing nothing would score: fixed maps that see neither picture nor sound.

Floors are high in this field, because photographers centre their subjects and composed frames put one source into each
half. A score says little until it is compared with the best of these:

- ``centred-gaussian``: one blob in the middle of what is judged, a standard deviation of a quarter of its side, under
  the protocol's own threshold;
- ``gaussian-per-tile``: in a composed frame that is judged as a whole, a blob in the middle of every tile;
- ``whole-frame``: everything sounds;
- ``halves``: strips of equal width, one for each source, given to the sources in the best possible way;
- ``side-boxes``: the same without the upper quarter of the frame.

All of them know the classes (and ``halves`` and ``side-boxes`` even which strip is whose): they are floors with oracle
classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tvsl_core.evaluation.metrics.localization import region_ap
from tvsl_core.evaluation.metrics.maps import GRID, FloatMap, Region, Threshold, binarize
from tvsl_core.evaluation.metrics.matching import hungarian
from tvsl_core.evaluation.metrics.mixture import pick
from tvsl_core.evaluation.protocols import Protocol
from tvsl_core.evaluation.scene import ReferenceScene

SPREAD = 0.25
"""Standard deviation of a Gaussian floor, in sides of what it is drawn on."""
UPPER_EMPTY = 0.25
"""Share of the height that ``side-boxes`` leaves out at the top."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FloorScores:
    """What one floor scores on one sample, for each source."""

    floor: str
    cious: NDArray[np.float64]
    aps: NDArray[np.float64]
    permuted: NDArray[np.float64]
    """What PIAP averages under the protocol."""
    peaks: NDArray[np.float64]
    """Chance that the floor's highest pixel lies on the source."""


def score_floors(scene: ReferenceScene, protocol: Protocol) -> tuple[FloorScores, ...]:
    """Score every floor that applies to a scene under a protocol.

    A floor that needs several strips is left out where each source is judged on its own tile.
    """
    tiles = scene.tile_count
    if protocol.scope == "source" and tiles > 1:
        views = [(row, scene.columns(row)) for row in range(len(scene.names))]
        blob = [_score_blob(scene, protocol, _gaussian(1, 1), slice(row, row + 1), part) for row, part in views]
        square = np.ones((GRID, GRID), dtype=bool)
        whole = [_score_region(scene, protocol, square, slice(row, row + 1), part) for row, part in views]
        cut = np.tile(_prepared(_gaussian(1, 1), protocol.threshold)[0], (1, tiles))
        return (
            _joined(
                "centred-gaussian", scene, protocol, [np.concatenate(part) for part in zip(*blob, strict=True)], cut
            ),
            _joined("whole-frame", scene, protocol, [np.concatenate(part) for part in zip(*whole, strict=True)]),
        )

    def blob_floor(name: str, blob: FloatMap) -> FloorScores:
        region = _prepared(blob, protocol.threshold)[0]
        return _joined(name, scene, protocol, _score_blob(scene, protocol, blob), region)

    whole_frame = _score_region(scene, protocol, np.ones((GRID, GRID * tiles), dtype=bool))
    found = [
        blob_floor("centred-gaussian", _gaussian(tiles, 1)),
        _joined("whole-frame", scene, protocol, whole_frame),
    ]
    if tiles > 1:
        found.append(blob_floor("gaussian-per-tile", _gaussian(tiles, tiles)))
    if max(tiles, len(scene.names), len(scene.sample.names)) > 1:
        count = max(2, tiles, len(scene.names))
        for name, upper_empty in (("halves", 0.0), ("side-boxes", UPPER_EMPTY)):
            strips = _strips(tiles, count, upper_empty)
            found.append(
                _joined(
                    name,
                    scene,
                    protocol,
                    _score_strips(scene, protocol, strips),
                    np.logical_or.reduce(strips),
                )
            )
    return tuple(found)


def floor_maps(tiles: int) -> dict[str, FloatMap]:
    """The floors that are one map for every frame of so many tiles."""
    return {"centred-gaussian": _gaussian(tiles, 1), "whole-frame": np.ones((GRID, GRID * tiles), dtype=np.float32)}


@lru_cache(maxsize=16)
def _gaussian(tiles: int, blobs: int) -> FloatMap:
    """``blobs`` Gaussians side by side on a frame of ``tiles`` tiles, the higher one where they meet."""
    height, width = GRID, GRID * tiles
    down = ((np.arange(height) + 0.5) / height - 0.5)[:, None]
    within = (np.arange(width) + 0.5) / width * blobs
    across = (within % 1 - 0.5)[None, :]
    blob: FloatMap = np.exp(-(down**2 + across**2) / (2 * SPREAD**2)).astype(np.float32)
    return blob


@lru_cache(maxsize=16)
def _strips(tiles: int, count: int, upper_empty: float) -> NDArray[np.bool_]:
    """``[strip height width]``: vertical strips of equal width."""
    width = GRID * tiles
    strips = np.zeros((count, GRID, width), dtype=bool)
    edges = [index * width // count for index in range(count + 1)]
    for index in range(count):
        strips[index, int(upper_empty * GRID) :, edges[index] : edges[index + 1]] = True
    return strips


_BLOBS: dict[tuple[int, Threshold], tuple[Region, NDArray[np.int64], NDArray[np.int64]]] = {}


def _prepared(blob: FloatMap, threshold: Threshold) -> tuple[Region, NDArray[np.int64], NDArray[np.int64]]:
    """The blob's region, each pixel's rank from the highest value, and how many pixels reach each rank."""
    key = (blob.shape[1] * 1000 + int(blob[GRID // 2, blob.shape[1] // 2] * 100), threshold)
    if key not in _BLOBS:
        values, inverse = np.unique(-blob.ravel(), return_inverse=True)
        _BLOBS[key] = (binarize(blob, threshold), inverse, np.cumsum(np.bincount(inverse, minlength=len(values))))
    return _BLOBS[key]


_Parts = list[NDArray[np.float64]]


_ALL = slice(None)


def _score_blob(
    scene: ReferenceScene, protocol: Protocol, blob: FloatMap, rows: slice = _ALL, part: slice = _ALL
) -> _Parts:
    """Ciou, average precision, that of PIAP, and peak of one fixed map; its pixels were sorted once."""
    if protocol.threshold.kind == "adaptive":
        return _score_adaptive(scene, protocol, blob, rows, part)
    region, rank, reached = _prepared(blob, protocol.threshold)
    cious, aps, permuted, peaks = _score_region(scene, protocol, region, rows, part)
    ranked, peaks = _rank_blob(scene.references[rows, :, part], rank, reached)
    by_map = protocol.ranked == "map"
    return [cious, ranked if by_map else aps, ranked if by_map and protocol.piap == "permuted" else permuted, peaks]


def _score_adaptive(scene: ReferenceScene, protocol: Protocol, blob: FloatMap, rows: slice, part: slice) -> _Parts:
    """The same where the region of the map depends on the size of each source."""
    _, rank, reached = _prepared(blob, protocol.threshold)
    parts = []
    for row in range(len(scene.names))[rows]:
        wanted = int(np.count_nonzero(scene.references[row, :, part]))
        region = binarize(blob, protocol.threshold, wanted)
        parts.append(_score_region(scene, protocol, region, slice(row, row + 1), part))
    cious = np.concatenate([one[0] for one in parts])
    ranked, peaks = _rank_blob(scene.references[rows, :, part], rank, reached)
    return [cious, ranked, ranked, peaks]


def _rank_blob(
    references: NDArray[np.bool_], rank: NDArray[np.int64], reached: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average precision of each source under a ranking, and the share of the highest pixels that lie on it."""
    ranked, peaks = np.empty(len(references)), np.empty(len(references))
    for row, reference in enumerate(references):
        gained = np.bincount(rank[np.flatnonzero(reference)], minlength=len(reached))
        hits = np.cumsum(gained)
        ranked[row] = (gained * (hits / reached)).sum() / hits[-1]
        peaks[row] = gained[0] / reached[0]
    return ranked, peaks


def _score_region(
    scene: ReferenceScene, protocol: Protocol, region: Region, rows: slice = _ALL, part: slice = _ALL
) -> _Parts:
    """The same for a map that is one value inside a region and a lower one outside."""
    references = scene.references[rows, :, part]
    marked = references.reshape(len(references), -1)
    pixels = region.ravel()
    hits = np.array([np.count_nonzero(one & pixels) for one in marked])
    total = np.array([np.count_nonzero(one) for one in marked])
    area = np.count_nonzero(pixels)
    if scene.weights is None:
        cious = hits / (total + area - hits)
    else:
        weights = scene.weights[rows, :, part].reshape(marked.shape).astype(np.float64)
        cious = (weights * pixels).sum(axis=1) / (weights.sum(axis=1) + area - hits)
    aps = region_ap(hits, total, area, pixels.size)
    permuted = region_ap(hits, area, total, pixels.size) if protocol.piap == "inverted" else aps
    return [cious, aps, permuted, hits / max(area, 1)]


def _score_strips(scene: ReferenceScene, protocol: Protocol, strips: NDArray[np.bool_]) -> _Parts:
    """Each source gets one strip, in the way that is best for the sum."""
    tables = zip(*(_score_region(scene, protocol, one) for one in strips), strict=True)
    parts = [np.stack(part, axis=1) for part in tables]
    answer = hungarian(parts[0])
    return [pick(part, answer) for part in parts]


def _joined(
    name: str, scene: ReferenceScene, protocol: Protocol, parts: _Parts, region: Region | None = None
) -> FloorScores:
    """The parts under their names; ``region`` is all that the floor marks, None is the whole frame."""
    cious, aps, permuted, peaks = parts
    if protocol.piap == "summed":
        marked = scene.references.any(axis=0)
        area = marked.size if region is None else np.count_nonzero(region)
        hits = np.count_nonzero(marked if region is None else marked & region)
        permuted = np.full(len(aps), region_ap(hits, np.count_nonzero(marked), area, marked.size))
    return FloorScores(floor=name, cious=cious, aps=aps, permuted=permuted, peaks=peaks)
