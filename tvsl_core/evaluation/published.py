"""Results that papers report, to print beside ours with that label. They are secondary and their protocols differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """What a paper says about a system, in percent."""

    system: str
    values: Mapping[str, float]


_MUSIC_DUET = (
    Reported(system="Mix-and-Localize", values={"CAP": 47.5, "cIoU@0.3": 26.5, "AUC": 21.5}),
    Reported(system="AVGN", values={"CAP": 50.6, "cIoU@0.3": 32.5, "AUC": 24.6}),
    Reported(system="NoPrior", values={"CAP": 52.1, "cIoU@0.3": 38.6, "AUC": 30.1}),
    Reported(system="T-VSL", values={"CAP": 62.9, "cIoU@0.3": 43.2, "AUC": 35.9}),
)
REPORTED: Mapping[str, tuple[Reported, ...]] = {
    "music-duet": _MUSIC_DUET,
    "music-duet-short": _MUSIC_DUET,
    "vggsound-single": (Reported(system="T-VSL", values={"cIoU@0.5": 53.7}),),
    "vggsound-duet": (Reported(system="AVGN", values={"CAP": 21.9, "cIoU@0.3": 26.2, "AUC": 23.8}),),
}
NOTE = "reported by papers; their lists, splits and protocols are not ours, so differences of a few points say nothing"
