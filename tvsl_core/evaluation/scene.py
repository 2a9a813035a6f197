"""A sample as pixels: which of them each source covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.benchmarks.boxes import draw_boxes
from tvsl_core.data.benchmarks.masks import read_mask
from tvsl_core.data.benchmarks.sample import Sample, Source
from tvsl_core.errors import ManifestError
from tvsl_core.evaluation.metrics.maps import GRID, resize_map


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ReferenceScene:
    """The references of one sample on the pixel grid of its whole frame."""

    sample: Sample
    references: NDArray[np.bool_]
    """``[source height width]``; every source marks at least one pixel."""
    weights: NDArray[np.float32] | None
    """``[source height width]``, how many annotators agree, in [0, 1]; None where every marked pixel has weight 1."""
    tiles: tuple[int, ...]
    """``[source]``: which tile each is in."""

    @property
    def names(self) -> tuple[str, ...]:
        """The class of each source."""
        return tuple(source.name for source in self.sample.sources)

    @property
    def tile_count(self) -> int:
        """How many tiles lie side by side."""
        return len(self.sample.clips)

    def columns(self, source: int) -> slice:
        """The pixel columns of a source's own tile."""
        return slice(self.tiles[source] * GRID, (self.tiles[source] + 1) * GRID)


def draw_scene(sample: Sample) -> ReferenceScene:
    """Draw the references of a sample.

    Raises: ManifestError: A source has no pixel on the grid, or its mask cannot be read.
    """
    references = np.zeros((len(sample.sources), GRID, GRID * len(sample.clips)), dtype=bool)
    weights = np.zeros(references.shape, dtype=np.float32) if any(one.votes > 1 for one in sample.sources) else None
    for row, source in enumerate(sample.sources):
        region = _draw(source)
        if not region.any():
            raise ManifestError(f"the source '{source.name}' of '{sample.id}' covers no pixel of the grid.")
        part = slice(source.tile * GRID, (source.tile + 1) * GRID)
        references[row, :, part] = region
        if weights is not None:
            weights[row, :, part] = _agreement(source, region)
    tiles = tuple(source.tile for source in sample.sources)
    return ReferenceScene(sample=sample, references=references, weights=weights, tiles=tiles)


def _agreement(source: Source, region: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Boxes over each pixel, out of the votes that give full weight (Senocak et al., CVPR 2018, section 5)."""
    if source.mask is not None:
        return region.astype(np.float32)
    marked = [draw_boxes([box], height=GRID, width=GRID) for box in source.boxes]
    counted = np.sum(marked, axis=0) / source.votes
    weight: NDArray[np.float32] = np.minimum(counted, 1).astype(np.float32)
    return weight


def _draw(source: Source) -> NDArray[np.bool_]:
    """The region of one source in its own tile."""
    if source.mask is None:
        return draw_boxes(source.boxes, height=GRID, width=GRID)
    mask: NDArray[np.bool_] = resize_map(read_mask(source.mask), height=GRID, width=GRID) >= 0.5
    return mask
