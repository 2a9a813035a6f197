"""Where one shot ends and the next begins, found while the pictures are decoded.

Every decoded picture leaves a thumbnail of its luma. At a cut two thumbnails in a row have nothing in common, while
those around it are alike. Correlation does not see brightness, so that a flash or a fade of the light is no cut.
"""

from __future__ import annotations

import math
from collections import deque
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.media.read.decode import DecodedFrame

if TYPE_CHECKING:
    from av import VideoFrame

ROWS, COLUMNS = 18, 32
"""Cells of a thumbnail."""
SAMPLES = 4
"""Pixels along each side of a cell that are looked at; more would say the same."""
LEAST = 0.4
"""Least change, as 1 minus correlation, that can be a cut."""
RATIO = 3.0
"""A cut changes so many times more than any picture near it: fast motion changes all of them."""
NEAR = 4
"""So many pictures on either side are near, and so many a shot has at least."""
SAME_PLACE = 0.9
"""Least correlation between the end of one shot and the start of another one of the same place."""
FLAT = 2.0
"""Grey levels of deviation below which a picture shows nothing."""
_PLAIN = ("yuv", "nv12", "nv21", "gray")

Thumbnail = NDArray[np.float32]
EMPTY: Thumbnail = np.zeros((ROWS, COLUMNS), np.float32)


class CutFinder:
    """Looks at every picture of a video in order of time."""

    def __init__(self) -> None:
        self._cuts: list[Fraction] = []
        self._first: list[Thumbnail] = []
        """Of every shot, near its start."""
        self._last: list[Thumbnail] = []
        """Of every shot but the one that is going on, near its end."""
        self._near: deque[tuple[Fraction, float, Thumbnail]] = deque(maxlen=2 * NEAR + 1)
        """Time of each picture, how much it changed against the one before, and its thumbnail."""
        self._before: NDArray[np.float32] | None = None
        """The last thumbnail, ready for a correlation; None before the first picture."""

    def look(self, picture: DecodedFrame) -> None:
        """The next picture."""
        self.feed(picture.time, thumbnail(picture.frame))

    def feed(self, time: Fraction, seen: Thumbnail) -> None:
        """The thumbnail of the next picture, ``[row column]``."""
        unit = _unit(seen)
        change = 0.0 if self._before is None else _change(self._before, unit)
        self._before = unit
        self._near.append((time, change, seen))
        if not self._first:
            self._first.append(seen)
        if len(self._near) > NEAR:
            self._judge(len(self._near) - 1 - NEAR)

    def places(self) -> tuple[int, ...]:
        """Which place every shot shows: that of an earlier shot which ended with about the same picture, or a new one.

        An interview cuts back and forth between two cameras; what is seen by one of them is seen again where it was.
        """
        first, last = (
            np.stack([_unit(one) for one in shown]) for shown in (self._first or [EMPTY], self._last or [EMPTY])
        )
        found: list[int] = []
        for shot in range(len(self._first)):
            alike = last[:shot] @ first[shot]
            again = shot > 0 and float(alike.max()) >= SAME_PLACE
            found.append(found[int(alike.argmax())] if again else max(found, default=-1) + 1)
        return tuple(found)

    @property
    def cuts(self) -> tuple[Fraction, ...]:
        """When the first picture of every shot but the first is shown; complete but for the last few pictures."""
        return tuple(self._cuts)

    def _judge(self, place: int) -> None:
        """Whether a cut lies right before a picture, of which the pictures near it are known."""
        time, change, _ = self._near[place]
        if place == 0 or change < LEAST:
            return
        others = max(one for number, (_, one, _) in enumerate(self._near) if number != place)
        # A flash or a damaged picture changes twice within a few pictures, so that neither change stands out.
        if change >= RATIO * others:
            self._cuts.append(time)
            self._first.append(self._near[place][2])
            self._last.append(self._near[place - 1][2])


def thumbnail(frame: VideoFrame) -> Thumbnail:
    """The luma of a decoded picture as it is coded, ``[row column]``, in grey levels."""
    form = frame.format
    plane: Any = frame.planes[0]
    if form.name.startswith(_PLAIN) and form.components[0].bits == 8 and plane.line_size > 0:
        samples: NDArray[Any] = np.frombuffer(plane, np.uint8).take(_places(frame.height, frame.width, plane.line_size))
    else:
        samples = frame.reformat(width=COLUMNS * SAMPLES, height=ROWS * SAMPLES, format="gray").to_ndarray()
    # numpy takes five times as long for these means.
    return np.asarray(cv2.resize(samples.astype(np.float32), (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), np.float32)


def _unit(seen: Thumbnail) -> NDArray[np.float32]:
    """``[cell]`` with a mean of 0 and a length of 1, for correlations; zeros where nothing is seen."""
    centred = (seen - seen.mean()).reshape(-1)
    length = math.sqrt(float(centred @ centred))
    return np.asarray(centred / length if length >= FLAT * math.sqrt(len(centred)) else np.zeros_like(centred), "f4")


@lru_cache(maxsize=4)
def _places(height: int, width: int, line_size: int) -> NDArray[np.intp]:
    """Where the samples of a thumbnail lie in a plane, ``[row column]``."""
    rows = np.linspace(0, height - 1, ROWS * SAMPLES).astype(np.intp)
    columns = np.linspace(0, width - 1, COLUMNS * SAMPLES).astype(np.intp)
    return rows[:, None] * line_size + columns


def _change(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """1 minus the correlation of two units; 1 where only one of them shows anything, 0 where neither does."""
    return 1 - float(one @ other) if one.any() or other.any() else 0.0
