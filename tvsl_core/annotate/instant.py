"""From one instant to its placed sources: the one path that annotating, evaluating, calibrating and benching take.

    embedded clip -> detect -> localize -> boxes

Thresholds are fitted, and figures are measured, on the computation that users get; tests/tuning/test_predict.py holds
the evaluator's answer against the rows of annotation, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tvsl_core.annotate.boxes import find_boxes
from tvsl_core.annotate.detect import Detector
from tvsl_core.annotate.embed import EmbeddedClip
from tvsl_core.annotate.localize import localize
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.types import Box, Detection, LocalizationMap


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlacedSource:
    """What one class does at one instant: how surely it sounds, and where."""

    detection: Detection
    """Its verdict is ``offscreen`` exactly when there is no box."""
    map: LocalizationMap | None
    """None when offscreen."""
    boxes: tuple[Box, ...]
    """The strongest first."""


def find_sources(
    clip: EmbeddedClip, detector: Detector, options: AnnotateOptions, *, frame_size: tuple[int, int]
) -> tuple[PlacedSource, ...]:
    """Every source that sounds at an instant, the likeliest in view first.

    Args:
        clip: The instant's vectors.
        detector: Of the model that embedded them; a fresh one knows nothing of the instants before.
        options: How maps and boxes are made.
        frame_size: Width and height of the frame as shown, in pixels.
    """
    return place(clip, detector.feed(clip), detector.model, options, frame_size=frame_size)


def place(
    clip: EmbeddedClip,
    detections: Sequence[Detection],
    model: TvslModel,
    options: AnnotateOptions,
    *,
    frame_size: tuple[int, int],
) -> tuple[PlacedSource, ...]:
    """Give each detection its map and boxes; one whose map has no region that is bold enough turns offscreen.

    Args:
        clip: The instant's vectors.
        detections: What sounds then, the likeliest first.
        model: What embedded the clip.
        options: How maps and boxes are made.
        frame_size: Width and height of the frame as shown, in pixels.
    """
    located = localize(clip, detections, model, options.maps, frame_size=frame_size)
    return tuple(_placed(detection, grid, options) for detection, grid in located)


def _placed(detection: Detection, grid: LocalizationMap | None, options: AnnotateOptions) -> PlacedSource:
    boxes = find_boxes(grid, options.boxes) if grid is not None else ()
    if not boxes:
        return PlacedSource(detection=replace(detection, verdict="offscreen"), map=None, boxes=())
    return PlacedSource(detection=detection, map=grid, boxes=boxes)
