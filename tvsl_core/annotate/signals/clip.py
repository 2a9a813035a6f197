"""The evidence of a clip that shows one frame for as long as it sounds: what evaluation reads."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.embed import ClipSound, Unheard, embed, open_windows
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.signals.listen import SoundEvidence, listen
from tvsl_core.annotate.signals.pictures import Pictures
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.types import Frame


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ClipEvidence:
    """What a clip says that shows one frame for as long as it sounds."""

    sound: SoundEvidence
    pictures: Pictures
    """One, in the middle."""
    size: tuple[int, int]
    """Width and height of the frame."""
    seconds: float


def read_clip(
    frame: NDArray[np.uint8], waveform: NDArray[np.float32], model: TvslModel, options: AnnotateOptions
) -> ClipEvidence:
    """The evidence that annotation would have of a clip that shows one frame for as long as it sounds.

    Args:
        frame: RGB ``[height width 3]``.
        waveform: Mono ``[sample]`` in [-1, 1] at the towers' rate.
        model: What reads both.
        options: As annotation takes them.
    """
    rate = model.towers.sample_rate
    seconds = Fraction(len(waveform), rate)
    sound = ClipSound(waveform, sample_rate=rate)
    middle = Frame(time=seconds / 2, pts=0, index=0, pixels=frame)
    windows = open_windows(model, sound, options.analysis) if options.maps.correspondence > 0 else Unheard(model)
    pictures = Pictures(model, correspondence=options.maps.correspondence, people=options.people)
    for clips in embed([middle], model, windows, window_s=float(seconds), batch=1):
        pictures.add(clips)
    heard = listen(model, sound, options.analysis, end_s=float(seconds))
    return ClipEvidence(sound=heard, pictures=pictures, size=(frame.shape[1], frame.shape[0]), seconds=float(seconds))
