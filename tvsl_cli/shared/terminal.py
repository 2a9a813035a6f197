"""What people see: one console on standard error, and text that cannot play tricks on a terminal."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from tvsl_core.errors import TvslError

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories that steer a terminal or reorder what it shows, plus halves of characters (undecodable names)."""
_JOINERS = frozenset("\u200c\u200d")
"""Format characters that scripts and emoji need, and that are harmless."""


def visible(text: str) -> str:
    r"""The text with everything that could steer a terminal written as an escape such as ``\x1b``.

    Letters of every script stay as they are. File names are not trusted: they may hold escape sequences, line breaks
    and marks that reverse the reading direction.
    """
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in _HIDDEN and character not in _JOINERS
        else character
        for character in text
    )


def visible_lines(text: str) -> str:
    """As :func:`visible`, but lines stay lines: for a trace, which a file name may also have found its way into."""
    return "\n".join(visible(line) for line in text.split("\n"))


@cache
def console() -> Console:
    """The console on standard error. Results for programs go to standard output, and never through here."""
    from rich.console import Console

    class Screen(Console):
        """A console that falls silent when nobody reads it; rich would end the program."""

        def on_broken_pipe(self) -> None:
            self.quiet = True

    return Screen(stderr=True, highlight=False, emoji=False)


def say(text: str, *, style: str = "") -> None:
    """One paragraph to standard error: control characters escaped, no markup read from it."""
    from rich.text import Text

    console().print(Text(visible(text), style=style), soft_wrap=True)


def say_error(error: TvslError) -> None:
    """An error that tvsl reports, as one sentence with what to do."""
    say(f"Error: {sentence(error.message, error.hint)}", style="red")


def sentence(message: str, hint: str = "") -> str:
    """Message and hint as text that begins with a capital, unless it begins with a path, and ends with a full stop."""
    whole = f"{message.strip()} {hint.strip()}".strip()
    if whole and whole[-1] not in ".!?":
        whole += "."
    # A path or an address at the beginning stays as it is: another letter would make it another file.
    return whole[:1].upper() + whole[1:] if whole.split(" ", 1)[0].strip(",.!?:;").isalpha() else whole


def write_line(text: str) -> None:
    """One line to standard output, at once, for the program behind the pipe; control characters are escaped."""
    sys.stdout.write(visible(text) + "\n")
    sys.stdout.flush()


def write_fields(*fields: str) -> None:
    """One line of tab-separated fields to standard output; a tab inside a field is escaped."""
    sys.stdout.write("\t".join(visible(field) for field in fields) + "\n")
    sys.stdout.flush()
