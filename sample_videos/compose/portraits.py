"""Painted people who speak: a synthetic voice, and the mouth of a painting that opens with it.

The mouths move as those of the scenes on which ``tvsl models score --talking`` judges who speaks
(``tvsl_core/data/scenes/talking.py``). They are easier to read than living ones.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tvsl_core.data.scenes.talking import FRAME_RATE, TalkingHead, mouth_openings
from tvsl_core.model.people.load import load_people
from tvsl_core.tuning.talking import find_portrait

from .gallery import draw_wall, hang
from .scene import Rect
from .sources import SAMPLE_RATE, read_sound

WIDEST = 0.1
"""How far lips part at most, as a share of the face's height; wide, as of somebody who speaks to an audience."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Portrait:
    """A painting of somebody, hanging on a wall."""

    painting: NDArray[np.uint8]
    """RGB."""
    left: int
    """Where it hangs, in pixels of the wall."""
    top: int
    height: int
    figure: Rect
    """Around the person, in shares of the painting, drawn by hand."""
    voice: NDArray[np.float32]
    """What they say, mono ``[sample]`` at 44.1 kHz from the beginning of the clip on."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height on the wall."""
        return round(self.painting.shape[1] * self.height / self.painting.shape[0]), self.height

    @property
    def box(self) -> Rect:
        """Around the person, in pixels of the wall."""
        (width, height), (x_min, y_min, x_max, y_max) = self.size, self.figure
        return (
            self.left + x_min * width,
            self.top + y_min * height,
            self.left + x_max * width,
            self.top + y_max * height,
        )


class SpeakingWall:
    """A wall of portraits whose mouths move; called with a time in seconds it gives the wall, RGB.

    Args:
        width: Of the wall, in pixels.
        height: In pixels.
        portraits: What hangs on it; each has a face that is seen well.
    """

    def __init__(self, width: int, height: int, portraits: Sequence[Portrait]) -> None:
        self._wall = draw_wall(width, height, [one.left + one.size[0] / 2 for one in portraits])
        self._speakers = []
        networks = load_people()
        for number, one in enumerate(portraits):
            picture = np.asarray(cv2.resize(one.painting, one.size, interpolation=cv2.INTER_CUBIC), np.uint8)
            hang(self._wall, picture, one.left, one.top)
            face = find_portrait(picture, networks)
            if face is None:
                raise ValueError(f"portrait {number} has no face that is seen well")
            count = int(len(one.voice) / SAMPLE_RATE * FRAME_RATE)
            opening = mouth_openings(one.voice, SAMPLE_RATE, count, np.random.default_rng(number))
            self._speakers.append((one, TalkingHead(face), WIDEST * opening))

    def __call__(self, time: float) -> NDArray[np.uint8]:
        """Draw the wall as it is at a time."""
        wall = self._wall.copy()
        for portrait, head, opening in self._speakers:
            width, height = portrait.size
            shown = head.draw(float(opening[min(round(time * FRAME_RATE), len(opening) - 1)]))
            wall[portrait.top : portrait.top + height, portrait.left : portrait.left + width] = shown
        return wall


def say(text: str, *, voice: str, pitch: float) -> NDArray[np.float32]:
    """Speak a sentence with the program Flite; mono float32 ``[sample]`` at 44.1 kHz, silence at both ends cut off.

    Args:
        text: English.
        voice: Of Flite, such as ``slt``.
        pitch: Mean fundamental frequency, in Hz.
    """
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder, "speech.wav")
        command = ["flite", "-voice", voice, "--setf", f"int_f0_target_mean={pitch}", "-t", text, "-o", str(wave)]
        subprocess.run(command, check=True, capture_output=True)
        sound = read_sound(wave)
    loud = np.flatnonzero(np.abs(sound) > 3e-3)
    return sound[loud[0] : loud[-1] + 1]
