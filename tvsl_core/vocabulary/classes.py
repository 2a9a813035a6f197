"""The classes that are looked for: names, aliases, and which labels of the networks speak for each.

A name that nobody has curated is welcome too: the towers then derive its evidence from the words alone.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from tvsl_core.errors import ManifestError
from tvsl_core.system.suggest import ALIKE, closest
from tvsl_core.vocabulary import spelling
from tvsl_core.vocabulary.entry import VocabularyEntry
from tvsl_core.vocabulary.file import label_groups, read_vocabulary_file

"""Benchmarks whose class lists ship with tvsl."""
LIKE_A_TYPO = 0.83
"""Similarity of spelling from which an unknown name is taken for a slip of the hand: "vilin" and "violin" have 0.91."""

_log = logging.getLogger(__name__)


class Evidence(NamedTuple):
    """The labels that speak for a class, each with a weight in (0, 1]; 1 means that the label is this class."""

    sounds: Mapping[str, float]
    """AudioSet display names."""
    looks: Mapping[str, float]
    """ImageNet main names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VocabularyClass:
    """One class that may be reported."""

    name: str
    """What tables and videos call it."""
    group: str = "other"
    """What kind of thing it is: ``instrument``, ``animal``, ``vehicle`` ..."""
    aliases: tuple[str, ...] = ()
    sounds: Mapping[str, float] = field(default_factory=dict)
    """AudioSet display names to weights in (0, 1]."""
    looks: Mapping[str, float] = field(default_factory=dict)
    """ImageNet main names to weights in (0, 1]."""
    parents: tuple[str, ...] = ()
    """Names of the vocabulary that are generic for it; they give way to it."""
    prompt: str = ""
    """What a text tower reads; empty means the name."""
    note: str = ""
    """How far the evidence can be trusted."""

    def __post_init__(self) -> None:
        for name in (self.name, *self.aliases):
            wrong = spelling.fault(name)
            if wrong:
                raise ValueError(f"the name {name!r} {wrong}")
        for label, weight in (*self.sounds.items(), *self.looks.items()):
            if not 0 < weight <= 1:
                raise ValueError(
                    f"the weight of label {label!r} of class {self.name!r} must lie in (0, 1], got {weight}"
                )

    @property
    def is_curated(self) -> bool:
        """Whether any label is known to speak for it; otherwise the towers go by the words of its name."""
        return bool(self.sounds or self.looks)


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """The classes that are looked for, in order: the index of a class is its ``klass``."""

    classes: tuple[VocabularyClass, ...]
    masked: tuple[str, ...] = ()
    """Labels that say nothing about what sounds ("Music"): never reported, never evidence."""
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Of all classes, in order."""
    _by_key: dict[str, int] = field(init=False, repr=False, compare=False)
    _ancestors: dict[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key: dict[str, int] = {}
        for index, klass in enumerate(self.classes):
            for name in (klass.name, *klass.aliases):
                if by_key.setdefault(spelling.key(name), index) != index:
                    raise ValueError(f"two classes are called {name!r}")
        object.__setattr__(self, "names", tuple(klass.name for klass in self.classes))
        object.__setattr__(self, "_by_key", by_key)
        object.__setattr__(self, "_ancestors", _all_ancestors(self.classes))

    def __len__(self) -> int:
        return len(self.classes)

    def __iter__(self) -> Iterator[VocabularyClass]:
        return iter(self.classes)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    @property
    def prompts(self) -> tuple[str, ...]:
        """What a text tower reads for each class, in order: the name, unless that alone would mislead ("organ")."""
        return tuple(klass.prompt or klass.name for klass in self.classes)

    @property
    def groups(self) -> tuple[str, ...]:
        """The kinds of things, in the order of their first class."""
        return tuple(dict.fromkeys(klass.group for klass in self.classes))

    @property
    def sha256(self) -> str:
        """Of everything that can change a result: names, evidence, order; not the notes."""
        plain = [dataclasses.asdict(klass) | {"note": ""} for klass in self.classes]
        return hashlib.sha256(json.dumps([plain, self.masked], sort_keys=True).encode()).hexdigest()

    def find(self, name: str) -> VocabularyClass | None:
        """The class of a name or alias, whatever its case, spaces, hyphens or plural; None when there is none.

        "playing", which VGGSound puts before its instruments, is passed over.
        """
        for one in spelling.keys_to_try(name):
            if one in self._by_key:
                return self.classes[self._by_key[one]]
        return None

    def ancestors(self, name: str) -> frozenset[str]:
        """Every name that is generic for a class of this vocabulary: of a rooster, chicken and bird.

        Raises: ValueError: No class has that name.
        """
        if name not in self._ancestors:
            raise ValueError(f"no class of the vocabulary is named {name!r}")
        return self._ancestors[name]

    def rivals(self, name: str) -> tuple[str, ...]:
        """Classes that own a label which a class only borrows: of an erhu, the violin and the cello.

        Where one of them is heard, a borrowed label proves nothing about the borrower.

        Raises: ManifestError: No class has that name.
        """
        klass = self.find(name)
        if klass is None:
            raise self._unknown(name)
        sounds = {label for label, weight in klass.sounds.items() if weight < 1}
        looks = {label for label, weight in klass.looks.items() if weight < 1}
        return tuple(
            other.name
            for other in self.classes
            if other is not klass
            and (
                any(other.sounds.get(label) == 1 for label in sounds)
                or any(other.looks.get(label) == 1 for label in looks)
            )
        )

    def evidence(self) -> dict[str, Evidence]:
        """What speaks for each name, alias and prompt; names without curated evidence are left out."""
        found: dict[str, Evidence] = {}
        curated = [klass for klass in self.classes if klass.is_curated]
        for klass in curated:
            for name in (klass.name, *klass.aliases):
                found[name] = Evidence(klass.sounds, klass.looks)
        for klass in curated:
            found.setdefault(klass.prompt or klass.name, Evidence(klass.sounds, klass.looks))
        return found

    def restrict(self, names: Iterable[str]) -> Vocabulary:
        """Only these classes, in the order given.

        A name that the vocabulary does not hold becomes a class of its own, judged by its words alone (a warning is
        logged), unless it looks like a slip of the hand. Generic names stay generic: of bird, chicken and rooster,
        chicken may be left out and bird still gives way to rooster.

        Args:
            names: Names or aliases; a class that is named twice counts once.

        Raises: ManifestError: No name is given, one is misspelt, or one is no name at all.
        """
        chosen: dict[str, VocabularyClass] = {}
        for name in names:
            klass = self.find(name) or self._open_class(name)
            chosen.setdefault(spelling.key(klass.name), klass)
        if not chosen:
            raise ManifestError("no class is named.", hint="Name at least one, such as: violin.")
        kept = {klass.name for klass in chosen.values()}
        known = {klass.name: klass for klass in self.classes}
        classes = (dataclasses.replace(one, parents=_nearest_parents(one, known, kept)) for one in chosen.values())
        return Vocabulary(classes=tuple(classes), masked=self.masked)

    def extend(self, names: Iterable[str]) -> Vocabulary:
        """The same with every name that is not here as a class of its own: what a model was taught beside it.

        A name that is only another name of a class ("puppy" of a dog) becomes a class below that one.

        Raises: ValueError: A name is no name at all.
        """
        extended = self
        for name in names:
            known = extended.find(name)
            if known is None:
                extended = dataclasses.replace(extended, classes=(*extended.classes, VocabularyClass(name=name)))
            elif spelling.key(known.name) not in spelling.keys_to_try(name):
                kept = tuple(one for one in known.aliases if spelling.key(one) not in spelling.keys_to_try(name))
                below = dataclasses.replace(known, name=name, aliases=(), parents=(known.name,), note="")
                plain = dataclasses.replace(known, aliases=kept)
                others = (plain if klass is known else klass for klass in extended.classes)
                extended = dataclasses.replace(extended, classes=(*others, below))
        return extended

    def _open_class(self, name: str) -> VocabularyClass:
        plain = spelling.tidy(name)
        wrong = spelling.fault(plain)
        if wrong:
            raise ManifestError(f"the class name {plain[:60]!r} {wrong}.", hint="Name a thing, such as: violin.")
        if self._nearest(plain, LIKE_A_TYPO):
            raise self._unknown(plain)
        _log.warning("class %r is not in the vocabulary: it is judged by its name alone", plain)
        return VocabularyClass(name=plain)

    def _nearest(self, name: str, least: float = ALIKE) -> str:
        """The name or alias that is spelt most like this one, or nothing."""
        everything = {spelling.key(one): one for klass in self.classes for one in (klass.name, *klass.aliases)}
        near = closest(spelling.key(name), everything, least=least)
        return everything[near] if near else ""

    def _unknown(self, name: str) -> ManifestError:
        near = self._nearest(name)
        guess = f": did you mean {near!r}?" if near else "."
        hint = f"`tvsl vocabulary` lists all names; to look for {name!r} itself, put it into a --vocabulary file."
        return ManifestError(f"unknown class {name!r}{guess}", hint=hint)


def load_vocabulary(path: Path | str | None = None) -> Vocabulary:
    """The default vocabulary, or one of your own.

    What a file leaves open is taken from the default vocabulary where that knows the name: a list of bare names has
    the same evidence, aliases and generic names as before.

    Args:
        path: A file: ``.toml`` in the form of the default, ``.csv`` with a column ``class`` or ``name``, or any other
            suffix for one name a line (``name: alias, alias``; ``#`` begins a comment). None is the default.

    Raises: ManifestError: The file cannot be used; the message names the line.
    """
    if path is None:
        return _default()
    path = Path(path)
    base = _default()
    file = read_vocabulary_file(path, groups=_default_groups())
    try:
        return _assemble(file.entries, base=base, masked=base.masked if file.masked is None else file.masked)
    except ManifestError as error:
        raise ManifestError(f"vocabulary {str(path)!r}{error.message}", hint=error.hint) from error


def _resource(name: str) -> resources.abc.Traversable:
    return resources.files("tvsl_core.vocabulary").joinpath(name)


@cache
def _default() -> Vocabulary:
    with resources.as_file(_resource("default.toml")) as path:
        file = read_vocabulary_file(path, groups={})
    return _assemble(file.entries, base=Vocabulary(classes=()), masked=file.masked or ())


@cache
def _default_groups() -> Mapping[str, tuple[str, ...]]:
    return label_groups(_resource("default.toml").read_text(encoding="utf-8"))


def _assemble(entries: Sequence[VocabularyEntry], *, base: Vocabulary, masked: tuple[str, ...]) -> Vocabulary:
    """Entries become classes; what they leave open comes from the base. Errors name the line only, not the file."""
    own = {spelling.key(name): entry for entry in entries for name in (entry.name, *entry.aliases)}
    models = {entry.name: base.find(entry.name) for entry in entries}
    known = {klass.name: klass for klass in base}
    by_model = {model.name: name for name, model in reversed(models.items()) if model is not None}
    classes = []
    for entry in entries:
        model = models[entry.name]
        parents = _stated_parents(entry, own)
        if entry.parents is None and model is not None:
            nearest = _nearest_parents(model, known, set(by_model) - {model.name})
            parents = tuple(by_model[parent] for parent in nearest)
        aliases = entry.aliases
        if model is not None and by_model[model.name] == entry.name:
            aliases += tuple(one for one in (model.name, *model.aliases) if spelling.key(one) not in own)
        classes.append(_fill(entry, model or VocabularyClass(name=entry.name), aliases, parents))
    _refuse_circles(entries, classes)
    return Vocabulary(classes=tuple(classes), masked=masked)


def _fill(
    entry: VocabularyEntry, model: VocabularyClass, aliases: tuple[str, ...], parents: tuple[str, ...]
) -> VocabularyClass:
    return VocabularyClass(
        name=entry.name,
        group=entry.group or model.group,
        aliases=aliases,
        sounds=model.sounds if entry.sounds is None else entry.sounds,
        looks=model.looks if entry.looks is None else entry.looks,
        parents=parents,
        prompt=entry.prompt or model.prompt,
        note=entry.note or model.note,
    )


def _stated_parents(entry: VocabularyEntry, own: Mapping[str, VocabularyEntry]) -> tuple[str, ...]:
    found = []
    for parent in entry.parents or ():
        target = own.get(spelling.key(parent))
        if target is None:
            raise _at(entry, f"class {entry.name!r} has the parent {parent!r}, which no class is named", "Add it.")
        found.append(target.name)
    return tuple(found)


def _refuse_circles(entries: Sequence[VocabularyEntry], classes: Sequence[VocabularyClass]) -> None:
    ancestors = _all_ancestors(classes)
    for entry in entries:
        if entry.name in ancestors[entry.name]:
            raise _at(entry, f"class {entry.name!r} is its own ancestor", "Drop one of the parents.")


def _at(entry: VocabularyEntry, message: str, hint: str) -> ManifestError:
    where = f", line {entry.line}" if entry.line else ""
    return ManifestError(f"{where}: {message}.", hint=hint)


def _nearest_parents(klass: VocabularyClass, known: Mapping[str, VocabularyClass], kept: set[str]) -> tuple[str, ...]:
    """The closest generic names that are kept; the way there may lead over names that are not."""
    found: dict[str, None] = {}
    seen, level = {klass.name}, list(klass.parents)
    while level:
        parent = level.pop(0)
        if parent in seen:
            continue
        seen.add(parent)
        if parent in kept:
            found[parent] = None
        elif parent in known:
            level += known[parent].parents
    return tuple(found)


def _all_ancestors(classes: Sequence[VocabularyClass]) -> dict[str, frozenset[str]]:
    """For each name everything that its parents lead to; a name that reaches itself is among its own ancestors."""
    parents = {klass.name: klass.parents for klass in classes}
    found = {}
    for name, own in parents.items():
        seen: set[str] = set()
        level = list(own)
        while level:
            parent = level.pop()
            if parent not in seen:
                seen.add(parent)
                level += parents.get(parent, ())
        found[name] = frozenset(seen)
    return found
