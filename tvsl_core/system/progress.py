"""How far a long loop is, for those who call the library: a bar of tqdm's, or a function of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

OnProgress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is behind us, and of how much; must return quickly."""


@contextmanager
def reporting(progress: bool | OnProgress) -> Iterator[OnProgress]:
    """What a loop calls as it goes on.

    Args:
        progress: True shows a bar on standard error, or in a notebook as one; a function is called instead.

    Example:
        >>> with reporting(lambda what, done, total: print(what, done, total)) as advance:
        ...     advance("counting", 1, 2)
        counting 1 2
    """
    if callable(progress):
        yield progress
        return
    bar = _Bar() if progress else None
    try:
        yield bar or (lambda _what, _done, _total: None)
    finally:
        if bar is not None:
            bar.close()


class _Bar:
    """One bar for what is being done; the next thing gets its own."""

    def __init__(self) -> None:
        self._what = ""
        self._bar: tqdm[Any] | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        from tqdm.auto import tqdm

        if self._bar is None or what != self._what:
            self.close()
            # What was done in an earlier run would make this one look fast.
            self._what, self._bar = what, tqdm(desc=what, total=total, initial=max(0, done - 1))
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
