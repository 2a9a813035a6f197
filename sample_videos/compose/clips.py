"""The ten samples: what is seen, what is heard, and when."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from . import melodies
from .clip import Clip
from .cutouts import cut_out, grow_over, object_mask
from .people import portraits_in_turns, speaking_portrait
from .scene import Cutout, Marked, Pose, Scene, View, glide
from .sound import loudness, timeline
from .sources import Sources
from .stage import draw_stage

FARM = "explore_farm_animals/resource/animals"
NTSC = Fraction(30_000, 1001)


def owl(sources: Sources) -> Clip:
    """One source, in a photograph as it was taken."""
    hoot = loudness(sources.recording(f"{FARM}/owl.ogg"), -20)
    return Clip(
        name="owl.mp4",
        about="An owl on a branch hoots twice.",
        licence="GPL-3.0-only",
        scene=Scene(
            backdrop=sources.photo(f"{FARM}/owl.webp"),
            camera=glide(View(x=496, y=372, zoom=0.98), View(x=556, y=388, zoom=1.04), 7),
            marked=[Marked(name="owl", box=(537, 140, 816, 646))],
        ),
        tracks={"owl": timeline(hoot, [0.8, 4.1], 7)},
        duration=7,
        width=960,
        height=540,
        frame_rate=Fraction(25),
        credits=("photo-owl", "sounds-gcompris"),
    )


def guitar(sources: Sources) -> Clip:
    """One source that pauses, in a video whose frames lie on their side, as telephones store them."""
    tune = loudness(
        melodies.play(melodies.greensleeves(), sources.soundfont, program=melodies.NYLON_GUITAR, tempo=170), -20
    )
    return Clip(
        name="guitar_portrait.mp4",
        about="A guitar on a stage plays, pauses, and plays again; an upright video.",
        licence="GPL-2.0-or-later",
        scene=Scene(
            backdrop=draw_stage(720, 1280, horizon=0.74, lamps=40, seed=5),
            camera=glide(View(x=352, y=690, zoom=0.56), View(x=372, y=664, zoom=0.62), 9),
            cutouts=[
                Cutout(
                    name="acoustic guitar",
                    picture=sources.stamp("hobbies/music/string/guitar_classical.png"),
                    x=360,
                    y=1050,
                    height=610,
                    depth=1.35,
                    shadow=0.85,
                    reflection=0.38,
                    pose=_sway(1.6, 3.1),
                )
            ],
        ),
        tracks={"acoustic guitar": timeline(tune, [0.0, 5.4], 9, longest=3.4)},
        duration=9,
        width=360,
        height=640,
        frame_rate=Fraction(30),
        rotation=90,
        credits=("stamps", "soundfont", "tunes"),
    )


def cow_and_sheep(sources: Sources) -> Clip:
    """Two sources, the second of which starts later."""
    photo, mask = _cow(sources)
    moo = loudness(sources.recording(f"{FARM}/cow.ogg"), -20)
    baa = loudness(sources.recording(f"{FARM}/sheep.ogg"), -20)
    moos, baas = [0.2, 4.6], [3.0, 4.9, 6.5]
    return Clip(
        name="cow_and_sheep.mp4",
        about="A cow moos; after three seconds the sheep in front of her joins in.",
        licence="GPL-3.0-only",
        scene=Scene(
            backdrop=_meadow(photo, mask),
            camera=glide(View(x=510, y=400, zoom=0.685), View(x=532, y=415, zoom=0.72), 8),
            cutouts=[
                Cutout(name="cow", picture=cut_out(photo, mask), x=640, y=520, height=262, depth=1.12, shadow=0.55),
                Cutout(
                    name="sheep",
                    picture=_toned(cut_out(*_sheep(sources)), (1.08, 1.04, 0.95)),
                    x=245,
                    y=605,
                    height=245,
                    depth=1.3,
                    shadow=0.55,
                    pose=_nod(baas, 1.2, 1.6),
                ),
            ],
        ),
        tracks={"cow": timeline(moo, moos, 8), "sheep": timeline(baa, baas, 8)},
        duration=8,
        width=640,
        height=360,
        frame_rate=Fraction(25),
        credits=("photo-cow", "photo-sheep", "sounds-gcompris"),
    )


def guitar_and_drums(sources: Sources) -> Clip:
    """Two sources in a photograph as it was taken."""
    blues = loudness(
        melodies.play(melodies.blues_line(), sources.soundfont, program=melodies.ELECTRIC_GUITAR, tempo=116), -20
    )
    beat = loudness(melodies.play(melodies.rock_beat(3), sources.soundfont, tempo=116, drums=True), -20)
    bar = 4 * 60 / 116
    return Clip(
        name="guitar_and_drums.mp4",
        about="An electric guitar plays a phrase, the drums answer, and they go on together.",
        licence="CC-BY-2.0",
        scene=Scene(
            backdrop=sources.photo("explore_world_music/resource/music/america.webp"),
            camera=glide(View(x=512, y=384, zoom=0.705), View(x=525, y=392, zoom=0.76), 8),
            marked=[
                Marked(name="drum kit", box=(80, 8, 670, 672)),
                Marked(name="electric guitar", box=(573, 0, 912, 766)),
            ],
        ),
        tracks={
            "electric guitar": timeline(blues, [0.0], 8),
            "drum kit": timeline(beat, [bar], 8),
        },
        duration=8,
        width=720,
        height=540,
        frame_rate=NTSC,
        credits=("photo-band", "soundfont", "tunes"),
    )


def dog_and_silent_sheep(sources: Sources) -> Clip:
    """Two objects, one of which stays silent."""
    photo, mask = _sheep(sources)
    bark = loudness(sources.recording(f"{FARM}/dog.ogg"), -19)
    barks = [0.7, 2.1, 3.1, 5.0, 6.0]
    return Clip(
        name="dog_and_silent_sheep.mp4",
        about="A dog barks at a sheep; the sheep does not answer.",
        licence="GPL-3.0-only",
        scene=Scene(
            backdrop=_pasture(photo, mask),
            camera=glide(View(x=500, y=330, zoom=0.68), View(x=528, y=345, zoom=0.73), 7.5),
            cutouts=[
                Cutout(name="sheep", picture=cut_out(photo, mask), x=765, y=455, height=240, depth=1.1, shadow=0.55),
                Cutout(
                    name="dog",
                    picture=_toned(cut_out(*_dog(sources)), (0.92, 0.95, 1.0)),
                    x=300,
                    y=530,
                    height=285,
                    depth=1.3,
                    shadow=0.55,
                    pose=_nod(barks, 0.35, 2.2),
                ),
            ],
        ),
        tracks={"dog": timeline(bark, barks, 7.5)},
        duration=7.5,
        width=640,
        height=360,
        frame_rate=Fraction(30),
        credits=("photo-dog", "photo-sheep", "sounds-gcompris"),
    )


def kitten_and_offscreen_trumpet(sources: Sources) -> Clip:
    """A sound whose source is outside of the picture, and an object in it that is silent."""
    tune = loudness(melodies.play(melodies.saints(), sources.soundfont, program=melodies.TRUMPET, tempo=180), -20)
    return Clip(
        name="kitten_and_offscreen_trumpet.mp4",
        about="A kitten looks on silently while somewhere out of sight a trumpet plays.",
        licence="CC-BY-2.0",
        scene=Scene(
            backdrop=sources.photo("erase/resource/kitten.webp"),
            camera=glide(View(x=980, y=545, zoom=0.46), View(x=945, y=540, zoom=0.53), 7),
            marked=[Marked(name="cat", box=(655, 210, 1272, 962))],
        ),
        tracks={"trumpet": timeline(tune, [0.9], 7)},
        duration=7,
        width=848,
        height=480,
        frame_rate=NTSC,
        credits=("photo-kitten", "soundfont", "tunes"),
    )


def cello_and_trumpet(sources: Sources) -> Clip:
    """Two sources on a stage, in a WebM file."""
    bach = loudness(melodies.play(melodies.prelude(), sources.soundfont, program=melodies.CELLO, tempo=84), -20)
    saints = loudness(melodies.play(melodies.saints(), sources.soundfont, program=melodies.TRUMPET, tempo=168), -20)
    return Clip(
        name="cello_and_trumpet.webm",
        about="A cello plays Bach; a trumpet falls in with another tune.",
        licence="GPL-2.0-or-later",
        scene=Scene(
            backdrop=draw_stage(1280, 720, horizon=0.7, lamps=52, seed=3),
            camera=glide(View(x=625, y=372, zoom=0.55), View(x=652, y=385, zoom=0.60), 8),
            cutouts=[
                Cutout(
                    name="cello",
                    picture=sources.stamp("hobbies/music/string/cello.png"),
                    x=330,
                    y=610,
                    height=500,
                    depth=1.25,
                    shadow=0.85,
                    reflection=0.36,
                    pose=_sway(1.5, 2.9),
                ),
                Cutout(
                    name="trumpet",
                    picture=sources.stamp("hobbies/music/brass/trumpet.png"),
                    x=850,
                    y=640,
                    height=165,
                    depth=1.4,
                    shadow=0.85,
                    reflection=0.4,
                ),
            ],
        ),
        tracks={"cello": timeline(bach, [0.0], 8), "trumpet": timeline(saints, [2.2], 8)},
        duration=8,
        width=640,
        height=360,
        frame_rate=Fraction(25),
        credits=("stamps", "soundfont", "tunes"),
    )


def silent_horses(sources: Sources) -> Clip:
    """No source at all."""
    return Clip(
        name="silent_horses.mp4",
        about="Horses stand on a hill, and nothing is to be heard.",
        licence="CC0-1.0",
        scene=Scene(
            backdrop=sources.photo(f"{FARM}/horse.webp"),
            camera=glide(View(x=520, y=350, zoom=0.66), View(x=560, y=340, zoom=0.78), 5),
            marked=[Marked(name="horse", box=(137, 142, 897, 545))],
        ),
        tracks={},
        duration=5,
        width=640,
        height=360,
        frame_rate=Fraction(30),
        credits=("photo-horses",),
    )


CLIPS: Sequence[Callable[[Sources], Clip]] = (
    owl,
    guitar,
    cow_and_sheep,
    guitar_and_drums,
    cello_and_trumpet,
    dog_and_silent_sheep,
    kitten_and_offscreen_trumpet,
    silent_horses,
    speaking_portrait,
    portraits_in_turns,
)
"""What makes each sample, in the order of README.md."""


def _cow(sources: Sources) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    photo = sources.photo(f"{FARM}/cow.webp")
    return photo, object_mask(photo, (225, 285, 950, 715))


def _sheep(sources: Sources) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    photo = sources.photo(f"{FARM}/sheep.webp")
    return photo, object_mask(photo, (175, 60, 750, 700))


def _dog(sources: Sources) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    photo = sources.photo(f"{FARM}/dog.webp")
    on_the_dog = (
        [(45, 560), (100, 600), (170, 600), (215, 540), (235, 480)],
        [(330, 480), (290, 570), (300, 640), (335, 710)],
        [(670, 500), (665, 600), (680, 690)],
        [(740, 480), (745, 600), (790, 705)],
    )
    on_the_grass = (
        [(430, 560), (480, 700), (600, 700), (600, 520)],
        [(120, 680), (230, 700), (260, 620)],
        [(820, 400), (850, 600), (880, 700)],
    )
    return photo, object_mask(photo, (25, 15, 945, 740), inside=on_the_dog, outside=on_the_grass, width=12)


def _meadow(photo: NDArray[np.uint8], cow: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The meadow of the cow without her and the two cows behind her."""
    cover = _widened(cow)
    for x_min, y_min, x_max, y_max in ((225, 560, 950, 725), (255, 172, 435, 290), (785, 172, 1000, 272)):
        cover[y_min:y_max, x_min:x_max] = 1
    return grow_over(photo, cover)


def _pasture(photo: NDArray[np.uint8], sheep: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pasture of the sheep without it."""
    cover = _widened(sheep)
    cover[630:700, 230:660] = 1
    return grow_over(photo, cover)


def _widened(mask: NDArray[np.uint8], by: int = 12) -> NDArray[np.uint8]:
    padded = np.pad(mask, by)
    rows = np.lib.stride_tricks.sliding_window_view(padded, 2 * by + 1, axis=0).max(-1)
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(rows, 2 * by + 1, axis=1).max(-1))


def _toned(picture: NDArray[np.uint8], gains: tuple[float, float, float]) -> NDArray[np.uint8]:
    """Match the light of another photograph: gains of red, green and blue."""
    return np.asarray((picture * np.array([*gains, 1.0])).round().clip(0, 255), np.uint8)


def _sway(degrees: float, period: float) -> Callable[[float], Pose]:
    """Lean gently from side to side; ``period`` in seconds."""
    return lambda time: Pose(turn=degrees * math.sin(2 * math.pi * time / period))


def _nod(starts: Sequence[float], length: float, degrees: float) -> Callable[[float], Pose]:
    """Rear up a little while calling: at each of the times, for ``length`` seconds."""

    def at(time: float) -> Pose:
        lift = max(
            (math.sin(math.pi * (time - start) / length) for start in starts if start <= time < start + length),
            default=0.0,
        )
        return Pose(y=-4 * lift, turn=degrees * lift)

    return at
