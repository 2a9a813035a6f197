"""Which class takes its sounds and pictures from where: ``recipe.toml`` as checked values."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from tvsl_core.errors import ManifestError

Style = Literal["line", "chords", "hits"]
"""``line``: one note after the other. ``chords``: line and broken chords. ``hits``: a pattern of strokes."""
RECIPE = Path(__file__).parent / "recipe.toml"


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFolders:
    """Where the packages were unpacked."""

    packages: Path
    """Debian packages and npm packages (``tonejs/<name>``), unpacked; GCompris' resources under ``gcompris``."""
    media: Path
    """The folder with ``images``, ``imagenet_samples`` and ``notes``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassRecipe:
    """Where one class has its material; every field is explained at the head of ``recipe.toml``."""

    name: str
    programs: tuple[int, ...] = ()
    drums: tuple[int, ...] = ()
    range: tuple[int, int] = (48, 84)
    style: Style = "line"
    notes: tuple[str, ...] = ()
    tonejs: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    gcompris: tuple[str, ...] = ()
    kits: tuple[str, ...] = ()
    sonic: tuple[str, ...] = ()
    photos: tuple[str, ...] = ()
    cutouts: tuple[str, ...] = ()
    imagenet: tuple[str, ...] = ()
    portraits: tuple[str, ...] = ()
    speech: str = ""

    @property
    def folder(self) -> str:
        """Name of its folder: spaces become underscores."""
        return self.name.replace(" ", "_")


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialRecipe:
    """The whole recipe."""

    classes: tuple[ClassRecipe, ...]
    others: ClassRecipe
    """Sounds of none of the classes."""
    not_backgrounds: tuple[str, ...]
    """Names of photographs in which a class may be seen, though their name does not say so."""
    soundfonts: dict[str, str]
    """Source to the pattern of its file below the packages."""
    validation: frozenset[str]
    """Sources that are held out."""


def read_recipe(path: Path = RECIPE) -> MaterialRecipe:
    """Read and check a recipe.

    Raises: ManifestError: A key is unknown.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return MaterialRecipe(
        classes=tuple(_class(name, values) for name, values in data["classes"].items()),
        others=_class("others", data["others"]),
        not_backgrounds=tuple(data["backgrounds"]["without"]),
        soundfonts=dict(data["soundfonts"]),
        validation=frozenset(data["sources"]["validation"]),
    )


def _class(name: str, values: dict[str, Any]) -> ClassRecipe:
    unknown = set(values) - {field.name for field in fields(ClassRecipe)}
    if unknown:
        raise ManifestError(f"the recipe of {name} has an unknown key '{min(unknown)}'.")
    fixed: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return ClassRecipe(name=name, **fixed)
