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
    for row, source in enumerate(sample.sources):
        region = _draw(source)
        if not region.any():
            raise ManifestError(f"the source '{source.name}' of '{sample.id}' covers no pixel of the grid.")
        references[row, :, source.tile * GRID : (source.tile + 1) * GRID] = region
    return ReferenceScene(sample=sample, references=references, tiles=tuple(source.tile for source in sample.sources))


def _draw(source: Source) -> NDArray[np.bool_]:
    """The region of one source in its own tile."""
    if source.mask is None:
        return draw_boxes(source.boxes, height=GRID, width=GRID)
    mask: NDArray[np.bool_] = resize_map(read_mask(source.mask), height=GRID, width=GRID) >= 0.5
    return mask
