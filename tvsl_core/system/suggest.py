"""Did you mean: the name that was probably meant by one that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Collection

ALIKE = 0.6
"""Least likeness of a guess, as :meth:`difflib.SequenceMatcher.ratio` counts it: two letters in five may be wrong.

Below that a guess is a coincidence, and a list of all names is of more use.
"""


def closest(name: str, known: Collection[str], *, least: float = ALIKE) -> str | None:
    """The known name that is spelt most like this one; None when no name is like it.

    Args:
        name: What was given.
        known: What there is.
        least: Likeness in [0, 1] that a guess must reach; 0 always finds one, for lists too long to be shown.
    """
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=least)), None)


def did_you_mean(name: str, known: Collection[str], *, more: str = "") -> str:
    """The hint beside an unknown name: the nearest known one, or all of them.

    Args:
        name: What was given.
        known: What there is, in the order to show it.
        more: What would be taken besides, such as ``, or the path of a folder``.

    Example:
        >>> did_you_mean("vilin", ["violin", "drum"])
        "Did you mean 'violin'?"
        >>> did_you_mean("x", ["violin", "drum"])
        'Known: violin, drum.'
    """
    near = closest(name, known)
    return f"Did you mean {near!r}?" if near else f"Known: {', '.join(known)}{more}."
