"""The weights that tvsl can fetch, and how to know that they are the right ones."""

from __future__ import annotations

from dataclasses import dataclass

from tvsl_core.errors import WeightsError

RELEASE = "https://github.com/AndreyGuzhov/AudioCLIP/releases/download/v0.1/"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedWeights:
    """One file that somebody has published."""

    name: str
    """What ``tvsl models`` calls it."""
    file: str
    url: str
    bytes: int
    sha256: str
    licence: str
    about: str


REGISTRY = (
    PublishedWeights(
        name="audioclip",
        file="AudioCLIP-Full-Training.pt",
        url=RELEASE + "AudioCLIP-Full-Training.pt",
        bytes=537_302_068,
        sha256="2441d35b353352c8b1bbfb8f7c687f46314c3d2909e940eaf763b8c17f632c44",
        licence="MIT",
        about="AudioCLIP, all three towers trained together on AudioSet (arXiv 2106.13043)",
    ),
    PublishedWeights(
        name="audioclip-partial",
        file="AudioCLIP-Partial-Training.pt",
        url=RELEASE + "AudioCLIP-Partial-Training.pt",
        bytes=537_302_068,
        sha256="1921885b6c3b5de0619f2ef4a9700ecbade758a398b34eb064230c30baef0c75",
        licence="MIT",
        about="AudioCLIP with CLIP's own image and text towers; only the sound tower was trained",
    ),
)


def published(name: str) -> PublishedWeights:
    """The entry of that name.

    Raises: WeightsError: There is none.
    """
    for entry in REGISTRY:
        if entry.name == name:
            return entry
    raise WeightsError(
        f"No weights are called {name!r}.", hint=f"Known: {', '.join(entry.name for entry in REGISTRY)}."
    )
