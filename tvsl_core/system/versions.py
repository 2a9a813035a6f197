"""Which versions of which packages made a result."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

DECISIVE = (
    "tvsl",
    "torch",
    "openvino",
    "torchvision",
    "torchaudio",
    "av",
    "opencv-python-headless",
    "pyarrow",
    "numpy",
    "safetensors",
)
"""Packages that can change a result: whoever compares two runs looks here first."""


def versions() -> dict[str, str]:
    """Python, the system and every package that can change a result, as they stand in ``run.json``."""
    system = f"{platform.system()} {platform.machine()}"
    return {"python": platform.python_version(), "system": system} | package_versions(DECISIVE)


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """Version of each package by its name on the package index; ``not installed`` where there is none."""
    return {name: _version(name) for name in names}


def tvsl_version() -> str:
    """Version of tvsl itself."""
    return _version("tvsl")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
