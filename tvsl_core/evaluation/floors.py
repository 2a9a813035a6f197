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
    peaks: NDArray[np.float64]
    """Chance that the floor's highest pixel lies on the source."""


def score_floors(scene: ReferenceScene, protocol: Protocol) -> tuple[FloorScores, ...]:
    """Score every floor that applies to a scene under a protocol.

    A floor that needs several strips is left out where each source is judged on its own tile.
    """
    own_tile = protocol.scope == "source" and scene.tile_count > 1
    if own_tile:
        views = [scene.references[row, :, scene.columns(row)][None] for row in range(len(scene.names))]
        blob = [_score_blob(view, _gaussian(1, 1), protocol.threshold) for view in views]
        whole = [_score_region(view, np.ones(view.shape[1:], dtype=bool)) for view in views]
        return (
            _joined("centred-gaussian", [np.concatenate(part) for part in zip(*blob, strict=True)]),
            _joined("whole-frame", [np.concatenate(part) for part in zip(*whole, strict=True)]),
        )
    tiles = scene.tile_count
    found = [
        _joined("centred-gaussian", _score_blob(scene.references, _gaussian(tiles, 1), protocol.threshold)),
        _joined("whole-frame", _score_region(scene.references, np.ones((GRID, GRID * tiles), dtype=bool))),
    ]
    if tiles > 1:
        blob_map = _gaussian(tiles, tiles)
        found.append(_joined("gaussian-per-tile", _score_blob(scene.references, blob_map, protocol.threshold)))
    if max(tiles, len(scene.names), len(scene.sample.names)) > 1:
        strips = max(2, tiles, len(scene.names))
        found.append(_score_strips("halves", scene.references, _strips(tiles, strips, 0.0)))
        found.append(_score_strips("side-boxes", scene.references, _strips(tiles, strips, UPPER_EMPTY)))
    return tuple(found)


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


def _score_blob(references: NDArray[np.bool_], blob: FloatMap, threshold: Threshold) -> _Parts:
    """Ciou, average precision and peak of one fixed map; its pixels were sorted once."""
    region, rank, reached = _prepared(blob, threshold)
    cious, _, _ = _score_region(references, region)
    aps, peaks = np.empty(len(references)), np.empty(len(references))
    for row, reference in enumerate(references):
        gained = np.bincount(rank[np.flatnonzero(reference)], minlength=len(reached))
        hits = np.cumsum(gained)
        aps[row] = (gained * (hits / reached)).sum() / hits[-1]
        peaks[row] = gained[0] / reached[0]
    return [cious, aps, peaks]


def _score_region(references: NDArray[np.bool_], region: Region) -> _Parts:
    """The same for a map that is one value inside a region and a lower one outside."""
    marked = references.reshape(len(references), -1)
    pixels = region.ravel()
    hits = np.array([np.count_nonzero(one & pixels) for one in marked], dtype=np.float64)
    total = np.array([np.count_nonzero(one) for one in marked], dtype=np.float64)
    area = np.count_nonzero(pixels)
    recall, precision = hits / total, hits / area
    aps = recall * precision + (1 - recall) * (total / marked.shape[1])
    return [hits / (total + area - hits), aps, precision]


def _score_strips(name: str, references: NDArray[np.bool_], strips: NDArray[np.bool_]) -> FloorScores:
    """Each source gets one strip, in the way that is best for the sum."""
    parts = [np.stack(part, axis=1) for part in zip(*(_score_region(references, one) for one in strips), strict=True)]
    answer = hungarian(parts[0])
    return _joined(name, [pick(part, answer) for part in parts])


def _joined(name: str, parts: _Parts) -> FloorScores:
    return FloorScores(floor=name, cious=parts[0], aps=parts[1], peaks=parts[2])
