"""What mixtures may be like: every choice and every augmentation, one option each."""

from __future__ import annotations

from dataclasses import dataclass, fields

_SHARES = (
    "silence", "offscreen", "empty", "twins", "overlap", "overhang", "plain", "softened", "compressed", "phrase",
    "other_sounds", "noise", "room", "masked",
)  # fmt: skip
_WEIGHTS = ("sources", "silent", "layouts")
_RANGES = ("heights", "level_db", "noise_db", "other_db")
LAYOUTS = ("placed", "side-by-side", "collage", "inset", "whole")


@dataclass(frozen=True, kw_only=True, slots=True)
class MixtureOptions:
    """How scenes are drawn. Shares lie in [0, 1]; weights need not add up to 1; a range is (least, most)."""

    sources: tuple[float, ...] = (0.4, 0.4, 0.2)
    """Weights of K = 1, 2 .. K_max sounding sources."""
    silent: tuple[float, ...] = (0.6, 0.3, 0.1)
    """Weights of 0, 1 .. visible objects that do not sound."""
    silence: float = 0.06
    """Share of scenes in which nothing sounds that could be seen: silence, noise or other sounds."""
    offscreen: float = 0.12
    """Share of the sounding sources that are not in the picture."""
    empty: float = 0.02
    """Share of scenes with nothing but a background; whatever sounds is then off-screen."""
    twins: float = 0.05
    """Share of scenes in which one class is in the picture twice."""
    exclusive: tuple[tuple[str, ...], ...] = ()
    """Classes that never meet in one scene, such as a rooster and a bird, because one name covers the other."""

    layouts: tuple[float, ...] = (0.6, 0.2, 0.1, 0.1, 1.0)
    """Weights of ``placed``, ``side-by-side``, ``collage``, ``inset`` and, for one object, ``whole``, among those that
    the drawn files allow: only cutouts can be placed."""
    sizes: tuple[tuple[int, int], ...] = ((640, 360),)
    """Widths and heights of frames, in pixels; each as often."""
    heights: tuple[float, float] = (0.15, 0.9)
    """Of a placed object, as shares of the frame's height; drawn so that doubling is as likely at any size."""
    overlap: float = 0.3
    """At most this share of a placed object's box may be covered by the box of another."""
    overhang: float = 0.1
    """At most this share of a placed object's width may reach over the left or right edge of the frame."""
    crop: float = 0.75
    """Photographs and backgrounds are cropped to at least this share of their sides; 1 keeps what the tile holds."""
    flip: float = 0.5
    """Share of objects and photographs that are mirrored."""
    turn_degrees: float = 8.0
    """A placed object leans by at most this angle."""
    colour: float = 0.25
    """Brightness, contrast and saturation change by at most this share, for each file and for the whole frame."""
    hue: float = 0.0
    """Hues turn by at most this share of the colour circle, in [0, 0.5], for each file and for the whole frame."""
    plain: float = 0.25
    """Share of cutouts and scenes that stand before a plain colour, mostly white, instead of a background picture."""
    softened: float = 0.3
    """Share of frames that are blurred a little, so that pasted edges do not give an object away."""
    compressed: float = 0.2
    """Share of frames that went through JPEG."""

    seconds: float = 5.0
    """Length of a waveform."""
    level_db: tuple[float, float] = (-32.0, -14.0)
    """Level of the loudest source under full scale, measured over its loud parts."""
    difference_db: float = 10.0
    """The other sources are softer than the loudest by up to so much."""
    shift_s: float = 0.5
    """A clip's sound is moved by up to so much; long sounds begin anywhere, short ones lie anywhere in the window."""
    phrase: float = 0.7
    """Share of short sounds (notes, calls) that are followed by others of their class and group."""
    speed: float = 0.03
    """Sounds are played faster or slower by up to this share, which moves their pitch as much."""
    pitch_semitones: int = 0
    """Sounds become higher or lower by up to so many semitones, and last as long as before."""
    other_sounds: float = 0.2
    """Share of scenes with a sound of none of the classes."""
    other_db: tuple[float, float] = (-20.0, -3.0)
    """Its level, relative to the loudest source."""
    noise: float = 0.3
    """Share of scenes with white noise."""
    noise_db: tuple[float, float] = (-70.0, -40.0)
    """Its level under full scale."""
    room: float = 0.2
    """Share of scenes heard through a room: reverberation and a tilt of the spectrum."""
    masked: float = 0.0
    """Share of scenes with a band or a moment of their sound removed, as SpecAugment does on spectrograms."""

    def __post_init__(self) -> None:
        for one in fields(self):  # lists, as a configuration file has them, become tuples
            object.__setattr__(self, one.name, _as_tuple(getattr(self, one.name)))
        for name in (*_SHARES, "flip"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share in [0, 1], got {getattr(self, name)}")
        for name in _WEIGHTS:
            weights = getattr(self, name)
            if not weights or min(weights) < 0 or sum(weights) <= 0:
                raise ValueError(f"{name} are weights of which one is positive, got {weights}")
        for name in _RANGES:
            least, most = getattr(self, name)
            if least > most:
                raise ValueError(f"{name} goes from the least to the most, got {least} to {most}")
        if len(self.layouts) != len(LAYOUTS):
            raise ValueError(f"layouts are weights of {', '.join(LAYOUTS)}, got {len(self.layouts)} of them")
        if not self.sizes or min(side for size in self.sizes for side in size) < 16:
            raise ValueError(f"sizes are widths and heights of at least 16 pixels, got {self.sizes}")
        if self.heights[0] <= 0 or not 0 < self.crop <= 1 or not 0 <= self.colour < 1 or not 0 <= self.speed < 0.5:
            raise ValueError("heights and crop lie in (0, 1], colour in [0, 1), speed in [0, 0.5)")
        if not 0 <= self.hue <= 0.5 or not 0 <= self.pitch_semitones <= 12:
            raise ValueError(
                f"hue lies in [0, 0.5] and pitch_semitones in [0, 12], got {self.hue} and {self.pitch_semitones}"
            )
        if self.seconds <= 0 or self.difference_db < 0 or self.shift_s < 0 or self.turn_degrees < 0:
            raise ValueError("seconds is positive, and difference_db, shift_s and turn_degrees are not negative")

    def without_augmentation(self) -> MixtureOptions:
        """The same mixtures as they come: no flips, colours, noise, rooms or other changes of files. For validation."""
        plain = {
            "crop": 1.0, "flip": 0.0, "turn_degrees": 0.0, "colour": 0.0, "hue": 0.0, "softened": 0.0,
            "compressed": 0.0, "shift_s": 0.0, "speed": 0.0, "pitch_semitones": 0, "noise": 0.0, "room": 0.0,
            "masked": 0.0, "other_sounds": 0.0,
        }  # fmt: skip
        return MixtureOptions(**{one.name: plain.get(one.name, getattr(self, one.name)) for one in fields(self)})


def _as_tuple(value: object) -> object:
    return tuple(_as_tuple(part) for part in value) if isinstance(value, list | tuple) else value
