"""One picture with its sound, in memory: what sounds, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.boxes import find_boxes
from tvsl_core.annotate.rules import BoxOptions
from tvsl_core.media.read.sound import resample
from tvsl_core.model.load import load_model
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.tuning.predict import ClipPredictor, benchmark_vocabulary
from tvsl_core.types import Box, Detection, LocalizationMap, Verdict


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FoundSource:
    """One class in one picture with its sound."""

    name: str
    score: float
    """Calibrated, in [0, 1]: how sure we are that it sounds."""
    verdict: Verdict
    """``sounding`` has a map and boxes; ``offscreen`` is heard, and nothing in the picture shows it."""
    detected: bool
    """Whether the model reports it by itself; False is a name that was given, with the place where it would be."""
    map: LocalizationMap | None
    boxes: tuple[Box, ...]
    """In pixels of the picture, the strongest first."""


def localize(
    frame: NDArray[np.uint8],
    sound: NDArray[np.float32],
    names: Sequence[str] | None = None,
    *,
    sample_rate: int,
    model: TvslModel | None = None,
) -> tuple[FoundSource, ...]:
    """Find what sounds in a picture, and where.

    Args:
        frame: RGB uint8 ``[height width 3]``, as shown.
        sound: Mono float32 ``[sample]`` in [-1, 1], the sound around the picture's instant; five seconds are usual.
        names: Only these classes, in any words; each one gets an answer, reported by the model or not. None looks for
            every class of the model's vocabulary, and answers those that are reported.
        sample_rate: Of the sound, in Hz; it is resampled to what the model listens to.
        model: From ``load_model``; None loads the embedded default, which takes a second each time.

    Returns: The reported ones first, the likeliest in view before others.

    Raises:
        ValueError: An array is not of that form.
    """
    _check(frame, sound, sample_rate)
    model = model or load_model()
    if names is not None:
        model = model.with_vocabulary(benchmark_vocabulary(names))
    predictor = ClipPredictor(model)
    heard = resample(sound, source_rate=sample_rate, target_rate=predictor.sample_rate)
    clip, size = predictor.read(frame, heard), (frame.shape[1], frame.shape[0])
    own = predictor.find(clip)
    found = [_found(source.detection, source.map, source.boxes, detected=True) for source in own]
    reported = {source.name for source in found}
    given = [name for name in dict.fromkeys(names or ()) if name not in reported]
    for detection, values in predictor.given_maps(clip, [source.detection for source in own], given):
        grid = LocalizationMap(values=values, frame_width=size[0], frame_height=size[1])
        found.append(_found(detection, grid, find_boxes(grid, BoxOptions()), detected=False))
    return tuple(found)


def _found(
    detection: Detection, grid: LocalizationMap | None, boxes: tuple[Box, ...], *, detected: bool
) -> FoundSource:
    return FoundSource(
        name=detection.name,
        score=detection.score,
        verdict=detection.verdict,
        detected=detected,
        map=grid,
        boxes=boxes,
    )


def _check(frame: NDArray[np.uint8], sound: NDArray[np.float32], sample_rate: int) -> None:
    """Raises: ValueError: An array is not of the form that ``localize`` takes."""
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or 0 in frame.shape:
        raise ValueError(f"frame must be RGB uint8 [height width 3], got {frame.dtype} {frame.shape}")
    if sound.ndim != 1 or sound.dtype != np.float32 or len(sound) == 0:
        raise ValueError(f"sound must be mono float32 [sample], got {sound.dtype} {sound.shape}")
    if not np.isfinite(sound).all() or np.abs(sound).max() > 1:
        raise ValueError("sound must lie in [-1, 1]; divide 16-bit samples by 32768")
    if sample_rate < 1:
        raise ValueError(f"sample_rate must be positive, got {sample_rate}")
