"""Which classes people make, so that it is a face that shows them and not what lies around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tvsl_core.vocabulary.classes import Vocabulary, load_vocabulary

VOICES = (
    "speech", "child speech", "baby", "singing", "choir", "beatboxing", "laughter", "crying", "screaming", "whistling",
    "coughing",
)  # fmt: skip
"""Classes of the default vocabulary that sound from a face."""
CROWDS = ("applause", "crowd", "choir")
"""Those that sound from everybody in the picture."""
SPOKEN = ("speech", "child speech")
"""Those whose source is out of view where no face is seen; the others may still be seen by what is around them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PeopleClasses:
    """Which classes of a vocabulary people make; class numbers."""

    voices: frozenset[int]
    crowds: frozenset[int]
    spoken: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        """Every class that a person may be the source of."""
        return self.voices | self.crowds

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> PeopleClasses:
        """Those whose name, or a generic name of theirs, the default vocabulary knows as such."""
        known = load_vocabulary(None)

        def made(names: Sequence[str]) -> frozenset[int]:
            return frozenset(
                klass
                for klass, name in enumerate(vocabulary.names)
                if any(_is_among(one, names, known) for one in (name, *vocabulary.ancestors(name)))
            )

        return cls(voices=made(VOICES), crowds=made(CROWDS), spoken=made(SPOKEN))


def is_speech(name: str) -> bool:
    """Whether somebody speaks when a class sounds, by its name or one of its other names."""
    known = load_vocabulary(None)
    klass = known.find(name)
    above = known.ancestors(klass.name) if klass is not None else ()
    return any(_is_among(one, SPOKEN, known) for one in (name, *above))


def _is_among(name: str, names: Sequence[str], known: Vocabulary) -> bool:
    klass = known.find(name)
    return klass is not None and klass.name in names
