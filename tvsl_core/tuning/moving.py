"""A moving scene in memory goes through annotation as a file would."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.annotate.embed import ClipSound, Unheard, embed
from tvsl_core.annotate.find import SourceFinder
from tvsl_core.annotate.objects.footage import SOUND_RATE, Footage
from tvsl_core.annotate.objects.moments import FoundEvent
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.signals.listen import listen
from tvsl_core.annotate.signals.pictures import Pictures
from tvsl_core.model.tvsl import TvslModel
from tvsl_core.types import Frame


class MovingPictures:
    """The pictures of a scene, looked at once; any sound may then be heard with them. Use as a context manager.

    Args:
        pictures: RGB ``[height width 3]``, in order of time.
        rate: So many a second.
        model: That is asked.
        options: As annotation takes them.
    """

    def __init__(
        self, pictures: Iterable[NDArray[np.uint8]], rate: Fraction, model: TvslModel, options: AnnotateOptions
    ) -> None:
        self._model, self._options, self._rate = model, options, rate
        self._frames = [
            Frame(time=number / rate, pts=number, index=number, pixels=pixels) for number, pixels in enumerate(pictures)
        ]
        self._evidence = Pictures(model, correspondence=0.0, people=options.people)
        step = round(rate / Fraction(options.fps).limit_denominator(1000))
        heard = Unheard(model)
        for clips in embed(self._frames[::step], model, heard, window_s=options.window_s, batch=options.batch):
            self._evidence.add(clips)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """``[instant]``."""
        return self._evidence.times_s

    def find(self, waveform: NDArray[np.float32]) -> list[FoundEvent]:
        """What annotation tells of a sound, ``[sample]`` at ``SOUND_RATE``, with these pictures."""
        sound = ClipSound(waveform, sample_rate=SOUND_RATE)
        height, width = self._frames[0].pixels.shape[:2]
        seconds = len(waveform) / SOUND_RATE
        finder = SourceFinder(
            listen(self._model, sound, self._options.analysis, end_s=seconds),
            self._evidence,
            self._model,
            self._options,
            frame_size=(width, height),
            part=(0.0, seconds),
            footage=Footage(width=width, pictures=self._read, sound=sound.window),
        )
        return finder.events()

    def _read(self, start_s: float, end_s: float, *, rate: float, longest_side: int) -> Generator[Frame, None, None]:
        """The pictures as a file would be read again."""
        step = max(1, round(float(self._rate) / rate))
        yield from (_shrunk(one, longest_side) for one in self._frames[::step] if start_s <= float(one.time) < end_s)

    def __enter__(self) -> MovingPictures:
        """Use as a context manager; temporary files go away at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the temporary files."""
        self._evidence.__exit__(None, None, None)


def _shrunk(frame: Frame, longest_side: int) -> Frame:
    height, width = frame.pixels.shape[:2]
    if width <= longest_side:
        return frame
    size = longest_side, round(height * longest_side / width)
    return replace(frame, pixels=np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), np.uint8))
