"""What a score's name must say: threshold, scope, matching and unit.

Papers print one name for different quantities, so every score of ours carries the name of its protocol. ``strict`` is
the default; the others reproduce the arithmetic of published evaluators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tvsl_core.errors import InputError
from tvsl_core.evaluation.metrics.maps import Threshold
from tvsl_core.evaluation.metrics.matching import Matching
from tvsl_core.system.suggest import did_you_mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """How maps are scored."""

    name: str
    threshold: Threshold
    scope: Literal["frame", "source"]
    """``frame``: a map is judged on the whole frame, other sources are background. ``source``: only on its own tile of
    a composed frame; where the frame has no tiles, on the whole frame too."""
    matching: Matching
    unit: Literal["source", "frame"] = "source"
    """``source``: every source is one observation. ``frame``: the mean ciou of a frame's sources is one."""
    about: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for scores.json."""
        return {
            "name": self.name,
            "threshold": self.threshold.words,
            "scope": self.scope,
            "matching": self.matching,
            "unit": self.unit,
            "about": self.about,
        }


_HALF = Threshold(kind="top", value=0.5)
_PRESETS = (
    Protocol(
        name="strict",
        threshold=Threshold(kind="stretched", value=0.5),
        scope="frame",
        matching="class",
        about="ours: the whole frame, the right name, no free choice of the area",
    ),
    Protocol(name="lvs", threshold=_HALF, scope="source", matching="class", about="Chen et al., CVPR 2021"),
    Protocol(
        name="ezvsl",
        threshold=_HALF,
        scope="source",
        matching="class",
        about="Mo and Morgado, ECCV 2022: with boxes the same arithmetic as lvs",
    ),
    Protocol(name="avgn", threshold=_HALF, scope="source", matching="hungarian", about="Mo and Tian, CVPR 2023"),
    Protocol(
        name="noprior",
        threshold=Threshold(kind="stretched", value=0.3),
        scope="frame",
        matching="hungarian",
        about="Kim et al., CVPR 2024",
    ),
    Protocol(
        name="dsol",
        threshold=Threshold(kind="of-maximum", value=0.2),
        scope="frame",
        matching="class",
        unit="frame",
        about="Hu et al., NeurIPS 2020",
    ),
)
PROTOCOLS: Mapping[str, Protocol] = {protocol.name: protocol for protocol in _PRESETS}


def find_protocol(name: str) -> Protocol:
    """The protocol of this name.

    Raises: InputError: There is none; the message names the nearest one.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    raise InputError(f"there is no protocol '{name}'.", hint=did_you_mean(name, PROTOCOLS))
