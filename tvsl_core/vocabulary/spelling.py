"""When two spellings are the same name, and what may not be a name at all."""

from __future__ import annotations

import unicodedata
from functools import cache

MAX_NAME = 100
"""Characters; no class of any benchmark comes near it, and file names are made of class names."""


def tidy(name: str) -> str:
    """One space between words, none around; underscores are spaces; composed Unicode."""
    # Not str.split(): that also drops control characters, which are to be reported, not hidden.
    spaced = "".join(" " if _is_space(character) else character for character in unicodedata.normalize("NFC", name))
    return " ".join(word for word in spaced.split(" ") if word)


def _is_space(character: str) -> bool:
    return character in "_\t" or unicodedata.category(character) == "Zs"


@cache
def key(name: str) -> str:
    """What two spellings of one name share: its letters, marks and digits, whatever the case.

    "Drum-Kit", "drum kit" and "drumkit" have one key.
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if unicodedata.category(character)[0] in "LMN")


def keys_to_try(name: str) -> tuple[str, ...]:
    """Keys under which a name may be filed, the likeliest first.

    VGGSound says "playing cello", and people say "dogs" for the class "dog".
    """
    first = key(name)
    found = [first]
    if tidy(name).casefold().startswith("playing "):
        found.append(first.removeprefix("playing"))
    found += [one.removesuffix("s") for one in found if one.endswith("s") and not one.endswith("ss")]
    return tuple(one for one in found if one)


def fault(name: str) -> str:
    """What is wrong with a name, as the end of a sentence; empty when nothing is."""
    if not name.strip():
        return "is empty"
    if len(name) > MAX_NAME:
        return f"has {len(name)} characters, more than {MAX_NAME}"
    for character in name:
        if unicodedata.category(character) in {"Cc", "Cs", "Cn", "Zl", "Zp"} or character in _HIDDEN:
            return f"contains the control character U+{ord(character):04X}"
    if not key(name):
        return "contains no letter or digit"
    return ""


_HIDDEN = frozenset(
    map(chr, (0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF))
)
"""Invisible marks, among them those that turn the direction of the text: able to make a name read as another."""
