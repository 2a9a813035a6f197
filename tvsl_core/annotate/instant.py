"""From one instant to its placed sources: the one path that annotating, evaluating and benching take.

    what sounds, and its picture -> localize -> boxes

Figures are measured on the computation that users get; tests/tuning/test_predict.py holds the evaluator's answer
against the rows of annotation, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tvsl_core.annotate.boxes import find_boxes
from tvsl_core.annotate.localize import localize
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.signals.pictures import PictureEvidence
from tvsl_core.types import Box, Detection, LocalizationMap


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlacedSource:
    """What one class does at one instant: how surely it sounds, and where."""

    detection: Detection
    map: LocalizationMap | None
    """None when offscreen."""
    boxes: tuple[Box, ...]
    """The strongest first; none where no region is bold enough, and when offscreen."""


def place(
    picture: PictureEvidence,
    detections: Sequence[Detection],
    options: AnnotateOptions,
    *,
    frame_size: tuple[int, int],
) -> tuple[PlacedSource, ...]:
    """Give each detection its map and boxes; those in view first.

    Args:
        picture: What the instant's picture says.
        detections: What sounds then, the likeliest first.
        options: How maps and boxes are made.
        frame_size: Width and height of the frame as shown, in pixels.
    """
    located = localize(picture, detections, options.maps, frame_size=frame_size)
    return tuple(
        PlacedSource(detection=detection, map=grid, boxes=find_boxes(grid, options.boxes) if grid else ())
        for detection, grid in located
    )


def boldest(grid: LocalizationMap, options: AnnotateOptions) -> tuple[Box, ...]:
    """The box of the strongest region however small it is; none only where a map has no contrast."""
    return find_boxes(grid, replace(options.boxes, min_area=0.0, max_regions=1))
