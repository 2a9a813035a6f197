"""The samples of people who speak: portraits in a museum."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .clip import Clip
from .portraits import Portrait, SpeakingWall, say
from .scene import Marked, Rect, Scene, View, glide
from .sound import loudness, timeline
from .sources import Sources

MONA_LISA, AREAREA = ("paintings", 14), ("babyshapes", 7)
"""Games and numbers of the puzzles in GCompris."""


def speaking_portrait(sources: Sources) -> Clip:
    """One person who speaks twice, and is silent in between."""
    first = loudness(say("I have been smiling for five hundred years.", voice="slt", pitch=160), -20)
    second = loudness(say("And nobody ever asks me why.", voice="slt", pitch=160), -20)
    voice = timeline(first, [0.7], 8) + timeline(second, [5.0], 8)
    portrait = Portrait(
        painting=sources.painting(*MONA_LISA),
        left=424,
        top=76,
        height=670,
        figure=(0.12, 0.06, 0.97, 0.98),
        voice=voice,
    )
    return Clip(
        name="speaking_portrait.mp4",
        about="A portrait on the wall of a museum speaks, is silent, and speaks again.",
        licence="GPL-3.0-or-later",
        scene=Scene(
            backdrop=SpeakingWall(1280, 900, [portrait]),
            camera=glide(View(x=640, y=400, zoom=0.64), View(x=640, y=340, zoom=0.86), 8),
            marked=[Marked(name="speech", box=portrait.box)],
        ),
        tracks={"speech": voice},
        duration=8,
        width=640,
        height=360,
        frame_rate=Fraction(25),
        credits=("painting-lisa", "voices", "sentences"),
    )


def portraits_in_turns(sources: Sources) -> Clip:
    """Two people who take turns, and a voice from outside of the picture to which both listen."""
    lisa = timeline(loudness(say("At last. The visitors have gone home.", voice="slt", pitch=160), -20), [0.5], 9)
    friend = timeline(loudness(say("Then tell me. Why do you smile?", voice="slt", pitch=215), -20), [3.5], 9)
    guard = timeline(loudness(say("Quiet, please. I heard somebody.", voice="rms", pitch=100), -20), [6.4], 9)
    portraits = [
        Portrait(painting=_part(sources.painting(*MONA_LISA), (0, 0, 1, 0.72)), left=130, top=104, height=560,
                 figure=(0.12, 0.08, 0.97, 1), voice=lisa),
        Portrait(painting=_part(sources.painting(*AREAREA), (0.585, 0.1, 0.885, 0.56)), left=728, top=104, height=560,
                 figure=(0.05, 0.16, 0.88, 1), voice=friend),
    ]  # fmt: skip
    return Clip(
        name="portraits_in_turns.mp4",
        about="Two portraits speak one after the other; both listen to a guard who is not in the picture.",
        licence="GPL-3.0-only",
        scene=Scene(
            backdrop=SpeakingWall(1280, 800, portraits),
            camera=glide(View(x=640, y=392, zoom=0.512), View(x=640, y=392, zoom=0.525), 9),
            marked=[
                Marked(name=name, box=one.box) for name, one in zip(("Mona Lisa", "Arearea"), portraits, strict=True)
            ],
        ),
        tracks={"Mona Lisa": lisa, "Arearea": friend, "guard": guard},
        classes=dict.fromkeys(("Mona Lisa", "Arearea", "guard"), "speech"),
        duration=9,
        width=640,
        height=360,
        frame_rate=Fraction(25),
        credits=("painting-lisa", "painting-arearea", "voices", "sentences"),
    )


def _part(picture: NDArray[np.uint8], box: Rect) -> NDArray[np.uint8]:
    """Cut a rectangle, in shares of a picture, out of it."""
    height, width = picture.shape[:2]
    x_min, y_min, x_max, y_max = box
    return picture[round(y_min * height) : round(y_max * height), round(x_min * width) : round(x_max * width)]
