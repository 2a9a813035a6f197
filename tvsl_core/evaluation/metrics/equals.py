"""Who of two equals sounds: two objects of one class in one picture, of which one, the other or both are heard.

Conventions: an object is named at an instant when the box of a reported source holds its centre. What a scene says is
the side that it names alone most often; scenes of one picture are a swap when only what is heard differs. Every share
has a 95 % Wilson interval over scenes, or pairs of scenes, for the instants of a scene are not independent.

People who speak are counted the same way, scenes of each kind by themselves: ``evaluate_talking``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tvsl_core.evaluation.metrics.scenes import Figure, wilson


@dataclass(frozen=True, kw_only=True, slots=True)
class EqualsAnswer:
    """One scene of equals, and which of its objects a model names at each instant."""

    picture: int
    """Scenes of one picture have one number."""
    heard: frozenset[int]
    """The objects that sound."""
    named: tuple[frozenset[int], ...]
    """At each instant at which a source of their class is reported in view."""

    @property
    def side(self) -> int | None:
        """The object that is named alone most often; None where none ever is."""
        alone = Counter(next(iter(one)) for one in self.named if len(one) == 1)
        return alone.most_common(1)[0][0] if alone else None


def validate(answers: Sequence[EqualsAnswer]) -> None:
    """Raises: ValueError: Nobody is heard in a scene."""
    if any(not one.heard for one in answers):
        raise ValueError("a scene of equals in which nobody is heard says nothing")


def right_side(answers: Sequence[EqualsAnswer], of: str = "equals") -> Figure:
    """Of the instants at which one object alone is named while one alone is heard, those that name the right one."""
    one_heard = [one for one in answers if len(one.heard) == 1]
    alone = [[names == one.heard for names in one.named if len(names) == 1] for one in one_heard]
    hits, scenes = [hit for scene in alone for hit in scene], sum(bool(scene) for scene in alone)
    return _figure(f"{of}: right side, of the instants that name one", sum(hits), len(hits), scenes)


def one_sided(answers: Sequence[EqualsAnswer], of: str = "equals") -> Figure:
    """Of the instants at which one alone is heard, those that name one alone."""
    one_heard = [one for one in answers if len(one.heard) == 1]
    alone = [len(names) == 1 for one in one_heard for names in one.named]
    return _figure(f"{of}: one side named", sum(alone), len(alone), sum(bool(one.named) for one in one_heard))


def turned(answers: Sequence[EqualsAnswer], of: str = "equals") -> Figure:
    """Of the pictures with one and then the other heard, those whose answers are both right."""
    by_picture: dict[int, list[EqualsAnswer]] = {}
    for one in answers:
        if len(one.heard) == 1 and one.named:
            by_picture.setdefault(one.picture, []).append(one)
    pairs = [pair for pair in by_picture.values() if len({one.heard for one in pair}) == 2]
    hits = sum(all(one.side in one.heard for one in pair) for pair in pairs)
    return _figure(f"{of}: turns round with the sound", hits, len(pairs), len(pairs))


def both_found(answers: Sequence[EqualsAnswer], of: str = "equals") -> Figure:
    """Of the instants at which two are heard, those that name both."""
    two_heard = [one for one in answers if len(one.heard) == 2]
    both = [names >= one.heard for one in two_heard for names in one.named]
    return _figure(f"{of}: both sound, both found", sum(both), len(both), sum(bool(one.named) for one in two_heard))


def named_while_heard(answers: Sequence[EqualsAnswer], of: str = "equals") -> Figure:
    """Of the instants at which somebody is heard, those that name them, alone or not."""
    heard = [one for one in answers if one.heard]
    named = [names >= one.heard for one in heard for names in one.named]
    return _figure(f"{of}: named", sum(named), len(named), sum(bool(one.named) for one in heard))


def nobody_named(answers: Sequence[EqualsAnswer], of: str = "equals") -> Figure:
    """Of the instants of scenes in which nobody in view is heard, those that name nobody."""
    unseen = [one for one in answers if not one.heard]
    nobody = [not names for one in unseen for names in one.named]
    return _figure(f"{of}: nobody in view named", sum(nobody), len(nobody), sum(bool(one.named) for one in unseen))


def evaluate(answers: Sequence[EqualsAnswer]) -> tuple[Figure, ...]:
    """Every figure of equals.

    Raises: ValueError: Nobody is heard in a scene.
    """
    validate(answers)
    return right_side(answers), one_sided(answers), turned(answers), both_found(answers)


def evaluate_talking(answers: Sequence[tuple[str, EqualsAnswer]]) -> tuple[Figure, ...]:
    """Every figure of people who speak.

    Args:
        answers: Each with the kind of its scene: duel, turns, narrated, dubbed or alone.
    """

    def of(kind: str) -> list[EqualsAnswer]:
        return [answer for its, answer in answers if its == kind]

    duel, turns = of("duel"), of("turns")
    return (
        right_side(duel, "talking"),
        one_sided(duel, "talking"),
        turned(duel, "talking"),
        both_found(duel, "talking"),
        right_side(turns, "talking in turns"),
        one_sided(turns, "talking in turns"),
        named_while_heard(of("alone"), "talking alone"),
        nobody_named(of("narrated"), "narrated"),
        nobody_named(of("dubbed"), "dubbed"),
    )


def _figure(name: str, hits: float, count: int, independent: int) -> Figure:
    share = hits / count if count else math.nan
    low, high = wilson(share * independent if count else 0, independent)
    return Figure(name=name, value=share, number=independent, low=low, high=high)
