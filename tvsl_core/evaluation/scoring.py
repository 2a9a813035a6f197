"""One sample against one prediction: a row for each source.

Two ways to ask, both by default. *Oracle* classes: the names of the sources are given, and the map under each name is
judged, whether or not the system would have reported it. *Predicted* classes: only what the system reports by itself
counts; a source that it misses scores 0. With a matching that permutes maps (``hungarian``, ``greedy``) names only
decide which maps take part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.sample import class_key
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.evaluation.metrics.localization import pixel_aps
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
    peaks: NDArray[np.float64]


def score_tables(scene: ReferenceScene, prediction: Prediction, protocol: Protocol) -> Tables:
    """Score every map for every source of a scene."""
    shape = (len(scene.names), len(prediction.classes))
    tables = Tables(cious=np.zeros(shape), aps=np.zeros(shape), peaks=np.zeros(shape))
    own_tile = protocol.scope == "source" and scene.tile_count > 1
    for column in range(shape[1]):
        whole = resize_map(prediction.maps[column], height=GRID, width=GRID * scene.tile_count)
        if own_tile:
            for row in range(shape[0]):
                part = scene.columns(row)
                _fill(tables, slice(row, row + 1), column, scene.references[row : row + 1, :, part], whole[:, part],
                      prediction.regions, protocol)  # fmt: skip
        else:
            _fill(tables, slice(None), column, scene.references, whole, prediction.regions, protocol)
    return tables


def _fill(
    tables: Tables,
    rows: slice,
    column: int,
    references: NDArray[np.bool_],
    estimate: FloatMap,
    regions: bool,
    protocol: Protocol,
) -> None:
    """One map against the sources that are judged on the same pixels."""
    region: Region = estimate > 0 if regions else binarize(estimate, protocol.threshold)
    area = np.count_nonzero(region)
    marked = references.reshape(len(references), -1)
    chosen = region.ravel()
    hits = np.array([np.count_nonzero(one & chosen) for one in marked])
    total = np.array([np.count_nonzero(one) for one in marked])
    tables.cious[rows, column] = hits / (total + area - hits)
    tables.aps[rows, column] = pixel_aps(references, estimate)
    peak = (estimate == estimate.max()).ravel()
    tables.peaks[rows, column] = [np.count_nonzero(one & peak) / np.count_nonzero(peak) for one in marked]


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

    Returns: A row for each source and mode.
    """
    tables = score_tables(scene, prediction, protocol)
    rows: list[SourceRow] = []
    for mode in modes:
        taking_part = _taking_part(scene, prediction, mode)
        rows += _rows(scene, prediction, protocol, mode, tables, taking_part)
    return rows


def _taking_part(scene: ReferenceScene, prediction: Prediction, mode: ClassMode) -> list[int]:
    """Which maps may answer."""
    if mode == "predicted":
        return [index for index, reported in enumerate(prediction.detected) if reported]
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
    peaks = tables.peaks[:, taking_part]
    map_names = [prediction.classes[index] for index in taking_part]
    scores = [prediction.scores[index] for index in taking_part]
    answer = assign(cious, scene.names, map_names, scores, protocol.matching)
    picked = pick(cious, answer), pick(peaks, answer)
    named, permuted = pick(aps, by_class(scene.names, map_names, scores)), piap(aps)
    sample = scene.sample
    return [
        SourceRow(
            sample=sample.id,
            video=sample.video,
            klass=name,
            source=row,
            classes=mode,
            ciou=float(picked[0][row]),
            ap=float(named[row]),
            ap_permuted=float(permuted[row]),
            peak=float(picked[1][row]),
            answered=answer[row] >= 0,
            answered_by=map_names[answer[row]] if answer[row] >= 0 else "",
            tag=",".join(sorted(sample.tags)),
        )
        for row, name in enumerate(scene.names)
    ]
