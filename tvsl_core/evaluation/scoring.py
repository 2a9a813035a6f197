"""One sample against one prediction: a row for each source.

Two ways to ask, both by default. *Oracle* classes: the names of the sources are given, and the map under each name is
judged, whether or not the system would have reported it. *Predicted* classes: only what the system reports by itself
counts; a source that it misses scores 0. With a matching that permutes maps (``hungarian``, ``greedy``) names only
decide which maps take part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.sample import class_key
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.evaluation.metrics.localization import pixel_aps, region_ap
from tvsl_core.evaluation.metrics.maps import GRID, FloatMap, Region, binarize, resize_map
from tvsl_core.evaluation.metrics.matching import by_class
from tvsl_core.evaluation.metrics.mixture import assign, piap, pick
from tvsl_core.evaluation.protocols import Protocol
from tvsl_core.evaluation.scene import ReferenceScene

ClassMode = Literal["oracle", "predicted"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceRow:
    """How one source of one sample was scored."""

    sample: str
    video: str
    klass: str
    """Its class."""
    source: int
    """Position in the sample."""
    classes: ClassMode
    ciou: float
    ap: float
    """Of the map under its name: what CAP averages."""
    ap_permuted: float
    """Under the best permutation: what PIAP averages."""
    peak: float
    """Chance that the map's highest pixel lies on the source."""
    answered: bool
    """A map was there for it."""
    answered_by: str
    """The class of that map."""
    tag: str = ""
    """Group that is reported apart."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Tables:
    """What every source would score with every map, ``[source map]`` each."""

    cious: NDArray[np.float64]
    aps: NDArray[np.float64]
    """Of the map or of its region, as the protocol ranks pixels."""
    peaks: NDArray[np.float64]
    inverted: NDArray[np.float64]
    """Average precision of the annotation for the map's region."""
    empty: NDArray[np.bool_]
    """Where the map marks nothing on the pixels that the source is judged on."""


def score_tables(scene: ReferenceScene, prediction: Prediction, protocol: Protocol) -> Tables:
    """Score every map for every source of a scene."""
    shape = (len(scene.names), len(prediction.classes))
    tables = Tables(
        cious=np.zeros(shape),
        aps=np.zeros(shape),
        peaks=np.zeros(shape),
        inverted=np.zeros(shape),
        empty=np.zeros(shape, dtype=bool),
    )
    own_tile = protocol.scope == "source" and scene.tile_count > 1
    for column in range(shape[1]):
        whole = resize_map(prediction.maps[column], height=GRID, width=GRID * scene.tile_count)
        if own_tile:
            for row in range(shape[0]):
                _fill(tables, scene, slice(row, row + 1), scene.columns(row), column, whole, prediction, protocol)
        elif protocol.threshold.kind == "adaptive":
            for row in range(shape[0]):
                _fill(tables, scene, slice(row, row + 1), slice(None), column, whole, prediction, protocol)
        else:
            _fill(tables, scene, slice(None), slice(None), column, whole, prediction, protocol)
    return tables


def _fill(
    tables: Tables,
    scene: ReferenceScene,
    rows: slice,
    part: slice,
    column: int,
    whole: FloatMap,
    prediction: Prediction,
    protocol: Protocol,
) -> None:
    """One map against the sources that are judged on the same pixel columns."""
    references, estimate = scene.references[rows, :, part], whole[:, part]
    marked = references.reshape(len(references), -1)
    total = np.array([np.count_nonzero(one) for one in marked])
    region: Region = estimate > 0 if prediction.regions else binarize(estimate, protocol.threshold, int(total[0]))
    area = np.count_nonzero(region)
    chosen = region.ravel()
    hits = np.array([np.count_nonzero(one & chosen) for one in marked])
    if scene.weights is None:
        tables.cious[rows, column] = hits / (total + area - hits)
    else:
        weights = scene.weights[rows, :, part].reshape(marked.shape).astype(np.float64)
        tables.cious[rows, column] = (weights * chosen).sum(axis=1) / (weights.sum(axis=1) + area - hits)
    by_region = protocol.ranked == "region"
    tables.aps[rows, column] = (
        region_ap(hits, total, area, region.size) if by_region else pixel_aps(references, estimate)
    )
    tables.inverted[rows, column] = region_ap(hits, area, total, region.size)
    tables.empty[rows, column] = not area
    peak = (estimate == estimate.max()).ravel()
    tables.peaks[rows, column] = [np.count_nonzero(one & peak) / np.count_nonzero(peak) for one in marked]


def summed_ap(scene: ReferenceScene, prediction: Prediction, taking_part: Sequence[int], protocol: Protocol) -> float:
    """Average precision of all maps together for all sources together; 0 without a map.

    The maps are added, and the sum is cut tile by tile where a source is judged on its own tile.
    """
    if not taking_part:
        return 0.0
    parts = np.array_split(np.arange(GRID * scene.tile_count), scene.tile_count if protocol.scope == "source" else 1)
    height, width = GRID, GRID * scene.tile_count
    added = resize_map(prediction.maps[list(taking_part)].sum(axis=0), height=height, width=width)
    cut = [added[:, part] > 0 if prediction.regions else binarize(added[:, part], protocol.threshold) for part in parts]
    region, marked = np.concatenate(cut, axis=1), scene.references.any(axis=0)
    hits, wanted = np.count_nonzero(region & marked), np.count_nonzero(marked)
    return float(region_ap(hits, wanted, np.count_nonzero(region), region.size))


def score_sample(
    scene: ReferenceScene,
    prediction: Prediction,
    protocol: Protocol,
    modes: Sequence[ClassMode] = ("oracle", "predicted"),
) -> list[SourceRow]:
    """Score one prediction in one or both ways.

    Args:
        scene: The references.
        prediction: What a system says.
        protocol: How maps are scored.
        modes: Which classes it is asked with.

    Returns: A row for each source and mode. Where the unit of the protocol is the map, also one of 0 for each map that
        no source was left for, and none at all for a prediction without maps.
    """
    tables = score_tables(scene, prediction, protocol)
    rows: list[SourceRow] = []
    for mode in modes:
        taking_part = _taking_part(scene, prediction, mode)
        if protocol.unit == "map" and not taking_part:
            continue
        rows += _rows(scene, prediction, protocol, mode, tables, taking_part)
    return rows


def _taking_part(scene: ReferenceScene, prediction: Prediction, mode: ClassMode) -> list[int]:
    """Which maps may answer."""
    if mode == "predicted":
        return [index for index, reported in enumerate(prediction.detected) if reported]
    if not all(scene.names):
        return list(range(len(prediction.classes)))
    asked = {class_key(name) for name in scene.sample.names} | {class_key(name) for name in scene.names}
    return [index for index, name in enumerate(prediction.classes) if class_key(name) in asked]


def _rows(
    scene: ReferenceScene,
    prediction: Prediction,
    protocol: Protocol,
    mode: ClassMode,
    tables: Tables,
    taking_part: list[int],
) -> list[SourceRow]:
    cious, aps = tables.cious[:, taking_part], tables.aps[:, taking_part]
    map_names = [prediction.classes[index] for index in taking_part]
    scores = [prediction.scores[index] for index in taking_part]
    answer = assign(cious, scene.names, map_names, scores, protocol.matching, tables.empty[:, taking_part])
    named = answer if protocol.matching == "greedy" else by_class(scene.names, map_names, scores)
    if protocol.piap == "summed":
        permuted = np.full(len(answer), summed_ap(scene, prediction, taking_part, protocol))
    else:
        permuted = piap(aps) if protocol.piap == "permuted" else pick(tables.inverted[:, taking_part], answer)
    columns: Iterable[tuple[str, float, float, float, float, str]] = zip(
        scene.names,
        pick(cious, answer).tolist(),
        pick(aps, named).tolist(),
        permuted.tolist(),
        pick(tables.peaks[:, taking_part], answer).tolist(),
        [map_names[index] if index >= 0 else "" for index in answer],
        strict=True,
    )
    if protocol.unit == "map":
        spare = [name for index, name in enumerate(map_names) if index not in answer]
        spare = spare[: max(0, len(map_names) - len(answer))]  # those that left a source without a map count there
        columns = chain(columns, ((name, 0.0, 0.0, float(permuted[0]), 0.0, name) for name in spare))
    sample = scene.sample
    return [
        SourceRow(
            sample=sample.id,
            video=sample.video,
            klass=klass,
            source=row,
            classes=mode,
            ciou=ciou,
            ap=ap,
            ap_permuted=ap_permuted,
            peak=peak,
            answered=bool(answered_by),
            answered_by=answered_by,
            tag=",".join(sorted(sample.tags)),
        )
        for row, (klass, ciou, ap, ap_permuted, peak, answered_by) in enumerate(columns)
    ]
