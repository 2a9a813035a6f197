"""What a reader of pictures met on its way, and what of it the user should hear."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


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

    def restart(self) -> None:
        """Forget what an attempt gave that is not used."""
        self.decoded, self.damaged, self.end, self.expected_end, self.broke_off = 0, 0, Fraction(0), None, ""

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
        return tuple(sentences)

    @property
    def is_cut_off(self) -> bool:
        """Whether the picture ends clearly before the file says."""
        if self.broke_off:
            return True
        return self.expected_end is not None and self.expected_end - self.end > max(
            Fraction(1, 2), self.expected_end / 50
        )
