"""A model on moving scenes of equals: which of two objects of one class it names."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.embed import ClipSound, Unheard, embed
from tvsl_core.annotate.find import SourceFinder
from tvsl_core.annotate.objects.found import FoundEvent
from tvsl_core.annotate.objects.motion import SOUND_RATE, Watcher
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.signals.listen import listen
from tvsl_core.annotate.signals.pictures import Pictures
from tvsl_core.data.scenes.equals import FRAME_RATE, SECONDS, SIZE, EqualsScene, EqualsScenes
from tvsl_core.evaluation.metrics.equals import EqualsAnswer
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.tuning.scenes import means_the_same
from tvsl_core.types import Box, Corners, Frame

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
    chosen = options or AnnotateOptions()
    frames = [
        Frame(time=number / FRAME_RATE, pts=number, index=number, pixels=pixels)
        for number, pixels in enumerate(scenes.scene(index).frames())
    ]
    small = [_shrunk(frame, chosen.synchrony.longest_side) for frame in frames]
    step = round(FRAME_RATE / Fraction(chosen.fps).limit_denominator(1000))
    with Pictures(model, correspondence=0.0) as pictures:
        for clips in embed(frames[::step], model, Unheard(model), window_s=chosen.window_s, batch=chosen.batch):
            pictures.add(clips)
        for heard in HEARD:
            scene = scenes.scene(index, heard=heard)
            found = _find(scene, small, pictures, model, chosen)
            own = [one for one in found if means_the_same(model, one.event.name, scene.name)]
            yield EqualsAnswer(
                picture=index,
                heard=frozenset(np.flatnonzero(heard).tolist()),
                named=tuple(_named(own, pictures.times_s, scene.boxes)),
            )


def _shrunk(frame: Frame, longest_side: int) -> Frame:
    """A frame as a file would be read again."""
    height, width = frame.pixels.shape[:2]
    size = longest_side, round(height * longest_side / width)
    return replace(frame, pixels=np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), np.uint8))


def _find(
    scene: EqualsScene, frames: list[Frame], pictures: Pictures, model: TvslModel, options: AnnotateOptions
) -> list[FoundEvent]:
    sound = ClipSound(scene.waveform, sample_rate=SOUND_RATE)

    def between(start_s: float, end_s: float) -> Generator[Frame, None, None]:
        yield from (one for one in frames if start_s <= float(one.time) < end_s)

    def heard(start_s: float, end_s: float) -> NDArray[np.float32]:
        return sound.window(start_s, end_s)

    finder = SourceFinder(
        listen(model, sound, options.analysis, end_s=SECONDS),
        pictures,
        model,
        options,
        frame_size=SIZE,
        part=(0.0, SECONDS),
        watcher=Watcher(options.synchrony, width=SIZE[0], frames=between, sound=heard),
    )
    return finder.events()


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
