"""Results of papers, at second hand, to print beside ours with that label; their protocols differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """What a paper says about a system, in percent."""

    system: str
    values: Mapping[str, float]
    protocol: str
    """The preset that is nearest, which we infer, or that nothing is known of how the figures came about."""


# Which of a paper's definitions was run is never said beside its figures, so the nearest preset is our inference.
_DUET = "nearest by inference: avgn (maps of the given classes, permuted)"
_NOPRIOR = "nearest by inference: noprior (the released test, map by map)"
_SINGLE = "nearest by inference: lvs and ezvsl (one map, one source); listed under the name IoU"
_LISTED = "as later papers list it, not from the paper itself"

_MUSIC_DUET = (
    Reported(system="Mix-and-Localize", values={"CAP": 47.5, "cIoU@0.3": 26.5, "AUC": 21.5}, protocol=_DUET),
    Reported(system="AVGN", values={"CAP": 50.6, "cIoU@0.3": 32.5, "AUC": 24.6}, protocol=_DUET),
    Reported(system="Alignment", values={"cIoU@0.3": 38.3}, protocol=_LISTED),
    Reported(system="NoPrior", values={"CAP": 52.1, "cIoU@0.3": 38.6, "AUC": 30.1}, protocol=_NOPRIOR),
    Reported(system="T-VSL", values={"CAP": 62.9, "cIoU@0.3": 43.2, "AUC": 35.9}, protocol=_DUET),
)
REPORTED: Mapping[str, tuple[Reported, ...]] = {
    "music-solo": (Reported(system="Alignment", values={"cIoU@0.5": 66.4}, protocol=_LISTED),),
    "music-duet": _MUSIC_DUET,
    "music-duet-short": _MUSIC_DUET,
    "vggsound-single": (
        Reported(system="Alignment", values={"cIoU@0.5": 50.8}, protocol=_LISTED),
        Reported(system="T-VSL", values={"cIoU@0.5": 53.7}, protocol=_SINGLE),
    ),
    "vggsound-duet": (
        Reported(system="AVGN", values={"CAP": 21.9, "cIoU@0.3": 26.2, "AUC": 23.8}, protocol=_DUET),
        Reported(system="Alignment", values={"cIoU@0.3": 35.8}, protocol=_LISTED),
    ),
    "vggsound-instruments": (Reported(system="Alignment", values={"cIoU@0.3": 65.8}, protocol=_LISTED),),
    "vggsound-instruments-multi": (Reported(system="Alignment", values={"cIoU@0.1": 84.9}, protocol=_LISTED),),
}
NOTE = (
    "reported by papers, taken from secondary sources; their lists, splits and protocols are not ours, so differences "
    "of a few points say nothing"
)
