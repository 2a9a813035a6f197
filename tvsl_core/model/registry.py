"""Towers by name, loaded when somebody asks for them.

There are three ways in, and none needs a change anywhere else:

- a folder beside this file that holds a ``towers.py``: the name is the folder's, and ``load_NAME`` its loader;
- an installed package with an entry point of the group ``tvsl.towers``: ``my-towers = "my_package:load"``;
- ``register_towers("my-towers", load)``, for this process alone. Worker processes know entry points only.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import torch

from tvsl_core.errors import WeightsError
from tvsl_core.model.towers import Towers

GROUP = "tvsl.towers"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_OWN = Path(__file__).parent


class TowersLoader(Protocol):
    """Makes towers ready for use.

    Raises: WeightsError: The weights are missing, damaged or of another model.
    """

    def __call__(
        self, *, weights: Path | Mapping[str, Any] | None, device: torch.device, precision: Literal["fp32", "bf16"]
    ) -> Towers:
        """Load them.

        Args:
            weights: A file, tensors under their published names, or None for the towers' own.
            device: Where they run.
            precision: ``bf16`` may be ignored where it would not be faster.
        """
        ...


_registered: dict[str, TowersLoader] = {}


def register_towers(name: str, loader: TowersLoader) -> None:
    """Let towers be found under a name in this process, as ``load_towers(name)`` and ``load_model(name)`` do.

    Args:
        name: In lower case, of letters, digits, ``-`` and ``_``.
        loader: Called each time that somebody asks for them.

    Raises: ValueError: The name is taken, or is none.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"a name of towers is made of a-z, 0-9, - and _, got {name!r}")
    if name in towers_names():
        raise ValueError(f"there are towers called {name!r} already")
    _registered[name] = loader


def towers_names() -> tuple[str, ...]:
    """Every name that ``load_towers`` knows: ours first, then those of other packages, then those of this process."""
    return tuple(dict.fromkeys((*_own_names(), *_installed(), *_registered)))


def find_loader(name: str) -> TowersLoader:
    """The loader of some towers; nothing is imported but theirs.

    Raises: WeightsError: There are none of that name (the nearest is named), or their package is broken.
    """
    if name in _registered:
        return _registered[name]
    if name in _own_names():
        own = importlib.import_module(f"{__package__}.{name}")
        return cast(TowersLoader, getattr(own, f"load_{name}"))
    installed = _installed()
    if name not in installed:
        near = difflib.get_close_matches(name, towers_names(), n=1, cutoff=0.0)[0]
        raise WeightsError(
            f"there are no towers {name!r}; the nearest name is {near!r}.",
            hint=f"Known towers: {', '.join(towers_names())}.",
        )
    entry = installed[name]
    package = entry.dist.name if entry.dist is not None else entry.module
    try:
        return cast(TowersLoader, entry.load())
    except (ImportError, AttributeError) as error:
        raise WeightsError(
            f"the towers {name!r} of the package {package} cannot be loaded ({error}).", hint="Install it anew."
        ) from error


def _own_names() -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in _OWN.glob("*/towers.py")))


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
