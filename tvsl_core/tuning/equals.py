"""A model on moving scenes of equals: which of two objects of one class it names."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.objects.moments import FoundEvent
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.data.scenes.equals import FRAME_RATE, EqualsScenes
from tvsl_core.evaluation.metrics.equals import EqualsAnswer
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.tuning.moving import MovingPictures
from tvsl_core.tuning.scenes import means_the_same
from tvsl_core.types import Box, Corners

HEARD = ((True, False), (False, True), (True, True))
"""Who of the two is heard in the scenes of one picture."""


def judge_equals_scenes(
    scenes: EqualsScenes, index: int, model: TvslModel, options: AnnotateOptions | None = None
) -> Iterator[EqualsAnswer]:
    """What a model says of one picture when one, the other and both are heard.

    Args:
        scenes: At ``SOUND_RATE``.
        index: Of the picture.
        model: That is asked.
        options: As annotation takes them.
    """
    with MovingPictures(scenes.scene(index).frames(), FRAME_RATE, model, options or AnnotateOptions()) as pictures:
        for heard in HEARD:
            scene = scenes.scene(index, heard=heard)
            found = pictures.find(scene.waveform)
            own = [one for one in found if means_the_same(model, one.event.name, scene.name)]
            yield EqualsAnswer(
                picture=index,
                heard=frozenset(np.flatnonzero(heard).tolist()),
                named=tuple(_named(own, pictures.times_s, scene.boxes)),
            )


def _named(
    found: list[FoundEvent], times_s: NDArray[np.float64], boxes: tuple[Corners, ...]
) -> Iterator[frozenset[int]]:
    for index in range(len(times_s)):
        shown = [moment.box for one in found for moment in one.moments if moment.index == index]
        if shown:
            yield frozenset(number for number, true in enumerate(boxes) if any(_holds(box, true) for box in shown))


def _holds(box: Box, true: Corners) -> bool:
    x, y = (true[0] + true[2]) / 2, (true[1] + true[3]) / 2
    return box.x_min <= x < box.x_max and box.y_min <= y < box.y_max
