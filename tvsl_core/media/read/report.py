"""What a reader of pictures met on its way, and what of it the user should hear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

MAX_PADDING = Fraction(1, 5)
"""Codecs fill up their last packet, at 8 kHz by 0.14 s; sound that outlasts the picture by less is no sound."""


@dataclass(slots=True)
class ReadReport:
    """What went wrong, and how much was read, while frames were decoded. Filled as the frames come."""

    decoded: int = 0
    """Frames that the decoder gave, wanted or not."""
    damaged: int = 0
    """Packets that could not be decoded, and frames that the decoder marked as damaged."""
    end: Fraction = Fraction(0)
    """When the last frame so far stops being shown, on the video's timeline."""
    expected_end: Fraction | None = None
    """When the file says that its picture ends; None when it does not say, or when reading stopped on purpose."""
    broke_off: str = ""
    """Why reading stopped before the end of the file; empty when it did not."""
    sound_end: Fraction = Fraction(0)
    """When the last packet so far of the track that is listened to stops sounding."""
    sound_padding: Fraction = Fraction(0)
    """How much of that may be what the codec filled up."""
    held_before: Fraction = Fraction(0)
    """When the first picture appears that stood for the instants before it as well; 0 when it stood for none."""
    held_until: Fraction = Fraction(0)
    """Until when the last picture stood for instants after its end; 0 when it stood for none."""
    gaps: int = 0
    """Stretches between two pictures that the earlier one had to stand for."""
    gaps_length: Fraction = Fraction(0)
    """Of all of them together."""

    @property
    def seen_until(self) -> Fraction:
        """The last end of picture and sound so far; the length of the file once all of it was read."""
        return max(self.end, self.sound_end)

    @property
    def hold_until(self) -> Fraction:
        """Until when the last picture stands, as in players: the end of the sound, unless only its padding is left."""
        if self.sound_end - self.end <= MAX_PADDING:
            return self.end
        return self.sound_end - min(self.sound_padding, MAX_PADDING)

    def restart(self) -> None:
        """Forget what an attempt gave that is not used."""
        self.decoded, self.damaged, self.end, self.expected_end, self.broke_off = 0, 0, Fraction(0), None, ""
        self.sound_end = self.sound_padding = Fraction(0)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the user; empty when all went well."""
        sentences = []
        if self.damaged:
            packets = "packet" if self.damaged == 1 else "packets"
            sentences.append(f"{self.damaged} damaged picture {packets} could not be fully decoded.")
        end = f"{float(self.end):.2f} s"
        if self.broke_off:
            sentences.append(f"The picture could not be read beyond {end} ({self.broke_off}).")
        elif self.expected_end is not None and self.is_cut_off:
            said = f"{float(self.expected_end):.2f} s"
            sentences.append(f"The picture ends at {end}, but the file promises {said}: it is cut off.")
        return (*sentences, *self._holds())

    def _holds(self) -> Iterator[str]:
        """Where a picture stands for a time at which the file has none."""
        if self.held_before:
            yield f"The picture begins at {float(self.held_before):.2f} s: its first one stands for the time before."
        if self.gaps:
            gaps = "a gap" if self.gaps == 1 else f"{self.gaps} gaps"
            said = f"{float(self.gaps_length):.2f} s" + (" in all" if self.gaps > 1 else "")
            yield f"The picture has {gaps} of {said}: the one before stands for the time until the next."
        if self.held_until:
            end, sound = f"{float(self.end):.2f} s", f"{float(self.held_until):.2f} s"
            yield f"The picture ends at {end} and the sound at {sound}: the last one stands for the rest."

    @property
    def is_cut_off(self) -> bool:
        """Whether the picture ends clearly before the file says."""
        if self.broke_off:
            return True
        return self.expected_end is not None and self.expected_end - self.end > max(
            Fraction(1, 2), self.expected_end / 50
        )
