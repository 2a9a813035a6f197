"""AudioCLIP (Guzhov et al., arXiv 2106.13043): the published towers, written from the papers, under published names.

- ``blocks``: the bottleneck that both residual towers are built from;
- ``class_evidence``: evidence for classes: cosines, set against their rivals;
- ``evidence``: from cosines to evidence in [0, 1] that can be compared between classes, clips and vocabularies;
- ``fbsp``: the learned spectrogram: a bank of complex frequency B-spline filters (arXiv 2104.11587, section 3.1);
- ``fold``: the shipped inference path: the same function as the network, in fewer and faster steps;
- ``image``: the image tower: CLIP's modified ResNet-50 (arXiv 2103.00020), pooled as published or read cell by cell;
- ``importing``: A user's own AudioCLIP weights become the ones that this machine uses;
- ``load``: from a weights file, or tensors by name, to towers that are ready;
- ``network``: audioCLIP (arXiv 2106.13043) as one module whose tensors carry the published names;
- ``prepare``: frames as AudioCLIP expects them: resized, scaled, normalised;
- ``sizes``: how large each AudioCLIP tower is; the defaults are the published model;
- ``sound``: the sound tower: ESResNeXt-fbsp (arXiv 2104.11587), pooled as published or read position by position;
- ``text``: the text tower: CLIP's transformer over byte-pair tokens (arXiv 2103.00020, section 2.4);
- ``tokenizer``: CLIP's byte-pair tokens (arXiv 2103.00020, section 2.4), with CLIP's own vocabulary file;
- ``towers``: audioCLIP behind the towers interface.
"""

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
