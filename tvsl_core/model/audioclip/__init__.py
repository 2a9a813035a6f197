"""AudioCLIP (Guzhov et al., arXiv 2106.13043): the published towers, written from the papers, under published names."""

from tvsl_core.model.audioclip.load import load_audioclip, load_network
from tvsl_core.model.audioclip.sizes import PUBLISHED, AudioClipSizes, ImageSizes, SoundSizes, TextSizes
from tvsl_core.model.audioclip.towers import AudioClipTowers

__all__ = [
    "PUBLISHED",
    "AudioClipSizes",
    "AudioClipTowers",
    "ImageSizes",
    "SoundSizes",
    "TextSizes",
    "load_audioclip",
    "load_network",
]
