"""A scene whose truth is known, beside what a model says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tvsl_core.types import Corners


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceReport:
    """One reported class."""

    name: str
    box: Corners | None
    """None when it was reported as offscreen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectTruth:
    """One visible object."""

    name: str
    sounds: bool
    box: Corners | None
    """None where its pixels are not known."""
    given_map: NDArray[np.float32] | None = None
    """The model's map when it is told this name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedScene:
    """One scene, and what a model says of it."""

    kind: str
    size: tuple[int, int]
    """Width and height, in pixels."""
    sounding: tuple[str, ...]
    objects: tuple[ObjectTruth, ...]
    reported: tuple[SourceReport, ...]
    matches: frozenset[tuple[str, str]]
    """(reported name, true name) that mean the same."""

    def report_of(self, name: str) -> SourceReport | None:
        """What was reported for a true name."""
        return next((one for one in self.reported if (one.name, name) in self.matches), None)
