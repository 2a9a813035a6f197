"""Which recipes there are. A recipe is a configuration file; its first comment says what it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tvsl_core.errors import ManifestError
from tvsl_core.system.suggest import did_you_mean

_FOLDER = Path(__file__).parent


def recipes() -> Mapping[str, str]:
    """Every recipe by name, with what it is in a sentence."""
    return {file.stem: _about(file) for file in sorted(_FOLDER.glob("*.toml"))}


def find_recipe(name: str) -> Path:
    """The configuration file of a recipe.

    Raises: ManifestError: There is none of this name; the message names the nearest.
    """
    file = _FOLDER / f"{name}.toml"
    if name not in recipes():
        raise ManifestError(f"there is no recipe '{name}'.", hint=did_you_mean(name, [*recipes(), "list"]))
    return file


def _about(file: Path) -> str:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    return first.lstrip("# ").rstrip(".")
