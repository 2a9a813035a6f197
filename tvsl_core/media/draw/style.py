"""How the drawing looks; imports nothing heavy, since the command line shows these as options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tvsl_core.option import check_range, option

ColourMap = Literal["inferno", "magma", "plasma", "viridis", "cividis", "turbo"]
"""Names of colour maps. All but ``turbo`` are perceptually even: an equal step of heat is an equal step for the eye."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HeatStyle:
    """How the drawing looks."""

    colour_map: ColourMap = "inferno"
    """Of sources that have no colour of their own."""
    opacity: float = 0.66
    """Of the hottest part at full strength; the picture shines through the rest."""
    boxes: bool = True
    """Draw the boxes."""
    labels: bool = True
    """Write class and score at each box, and badges for off-screen sources."""
    legend: bool = option(False, typed=False)
    """List all visible sources in a corner; for several sources in one picture."""
    text_scale: float = 1.0
    """Times the usual text height."""

    def __post_init__(self) -> None:
        check_range(self, "(0, 1]", "opacity")
        check_range(self, "(0, 10]", "text_scale")
