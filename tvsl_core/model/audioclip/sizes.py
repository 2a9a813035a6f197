"""How large each AudioCLIP tower is; the defaults are the published model."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE = 44_100
"""Of the sound that the audio tower was trained on, in Hz."""
STRIDE = 32
"""Pixels of the image, or bins and frames of the spectrogram, per cell of the last feature grid."""
EXPANSION = 4
"""Channels out of a bottleneck per channel inside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SoundSizes:
    """ESResNeXt-fbsp (arXiv 2104.11587): a learned spectrogram, then a ResNeXt with attention after each stage."""

    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    planes: int = 64
    """Channels of the stem; stage i works on ``planes * 2**i`` and puts out four times that."""
    cardinality: int = 32
    """Groups of the 3 x 3 convolutions, whose width is twice the stage's planes."""
    frame: int = 1654
    """Samples of one analysis frame."""
    hop: int = 561
    """Samples from one frame to the next."""
    fft: int = 2048
    """Samples over which the transform is defined; frames are zero padded to it."""
    bands: int = 3
    """Input planes of the ResNeXt; the bins are split evenly, what is left over at the top is dropped."""

    @property
    def bins(self) -> int:
        """Rows of the learned transform."""
        return self.fft // 2 + 1

    @property
    def band_bins(self) -> int:
        """Bins in one band."""
        return self.bins // self.bands


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSizes:
    """CLIP's modified ResNet-50 with attention pooling (arXiv 2103.00020, section 2.4)."""

    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    planes: int = 64
    heads: int = 32
    """Of the attention pool."""
    side: int = 224
    """Pixels of the square image that the positions were learned on."""

    @property
    def grid(self) -> int:
        """Cells along one side of the learned position grid."""
        return self.side // STRIDE

    @property
    def channels(self) -> int:
        """Of the last feature grid."""
        return self.planes * EXPANSION << (len(self.blocks) - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSizes:
    """CLIP's text transformer."""

    layers: int = 12
    width: int = 512
    heads: int = 8
    context: int = 77
    """Tokens of one text, padding included."""
    vocabulary: int = 49_408


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioClipSizes:
    """All of AudioCLIP."""

    dim: int = 1024
    """Of the joint space."""
    image: ImageSizes = ImageSizes()
    text: TextSizes = TextSizes()
    sound: SoundSizes = SoundSizes()


PUBLISHED = AudioClipSizes()
"""134,111,910 parameters in 861 tensors."""
