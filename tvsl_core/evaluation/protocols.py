"""What a score's name must say: threshold, scope, matching and unit.

Papers print one name for different quantities, so every score of ours carries the name of its protocol. ``strict`` is
the default; the others reproduce the arithmetic of published evaluators.
"""

from __future__ import annotations

import math
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
    unit: Literal["source", "frame", "map"] = "source"
    """``source``: every source is one observation. ``frame``: the mean ciou of a frame's sources is one. ``map``: every
    map is one, a source that no map is left for is one of 0, and a frame without any map is left out."""
    ranked: Literal["map", "region"] = "map"
    """What ranks the pixels for CAP: the continuous map, or the region that it was cut to."""
    piap: Literal["permuted", "inverted", "summed"] = "permuted"
    """``permuted``: the best permutation of the maps. ``inverted``: the region of a source's map is what is to be found
    and the annotation ranks the pixels. ``summed``: the maps are added, cut tile by tile, and compared with all sources
    of the frame at once."""
    about: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for scores.json."""
        return {
            "name": self.name,
            "threshold": self.threshold.words,
            "scope": self.scope,
            "matching": self.matching,
            "unit": self.unit,
            "ranked": self.ranked,
            "piap": self.piap,
            "about": self.about,
        }


# Pixel int(n / 2) in ascending order, in every evaluator of this family. LVS turns the map over and back, so that a
# flat map of value v is 1 + v, set to 0 below 1 and then compared with 0.5; NoPrior does the same without turning.
_TIES_IN = Threshold(kind="top", value=0.5, flat=-math.inf)
_LVS = Threshold(kind="above-top", value=0.5, flat=0.0)
_NOPRIOR = Threshold(kind="above-top", value=0.5, flat=1.0)
_PRESETS = (
    Protocol(
        name="strict",
        threshold=Threshold(kind="stretched", value=0.5),
        scope="frame",
        matching="class",
        about="ours: the whole frame, the right name, no free choice of the area",
    ),
    Protocol(
        name="lvs",
        threshold=_LVS,
        scope="source",
        matching="class",
        about="Chen et al., CVPR 2021, released test: above the median pixel, or the highest value",
    ),
    Protocol(
        name="ezvsl",
        threshold=_TIES_IN,
        scope="source",
        matching="class",
        about="Mo and Morgado, ECCV 2022, released test: at least the median pixel",
    ),
    Protocol(
        name="avgn",
        threshold=_TIES_IN,
        scope="source",
        matching="hungarian",
        about="Mo and Tian, CVPR 2023, as the paper says it: maps may be permuted",
    ),
    Protocol(
        name="avgn-released",
        threshold=_TIES_IN,
        scope="source",
        matching="class",
        piap="inverted",
        about="Mo and Tian, CVPR 2023, released test: no permutation; PIAP of the annotation for the predicted region",
    ),
    Protocol(
        name="noprior",
        threshold=_NOPRIOR,
        scope="source",
        matching="greedy",
        unit="map",
        ranked="region",
        piap="summed",
        about="Kim et al., CVPR 2024, released test: above the median pixel of each tile, map by map",
    ),
    Protocol(
        name="noprior-frame",
        threshold=Threshold(kind="stretched", value=0.3),
        scope="frame",
        matching="hungarian",
        about="Kim et al., CVPR 2024, read strictly: the whole frame counts; no published figure comes from it",
    ),
    Protocol(
        name="alignment",
        threshold=Threshold(kind="adaptive", value=0.5),
        scope="source",
        matching="class",
        about="Senocak et al., 2024, released test: above as many pixels as the source has (cIoU and IIoU 'adap.')",
    ),
    Protocol(
        name="dsol",
        threshold=Threshold(kind="of-maximum", value=0.2),
        scope="frame",
        matching="class",
        unit="frame",
        about="Hu et al., NeurIPS 2020, released test of duets",
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
