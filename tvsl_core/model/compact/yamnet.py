"""YAMNet: sound becomes scores of the 521 AudioSet classes, one set of scores every 0.48 s.

A MobileNet-v1 over log-mel patches of 0.96 s (Howard et al., "MobileNets", arXiv 1704.04861; Plakal and Ellis,
YAMNet, TensorFlow models, Apache-2.0). The front end is that of the published graph: frames of 25 ms every 10 ms
without padding at the borders, periodic Hann window, 512-point magnitude spectrum, 64 mel bands between 125 and
7500 Hz, ``log(mel + 0.001)``.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from tvsl_core.model.compact.efficientnet_lite import SameConv2d
from tvsl_core.model.layers.compiled import run

SAMPLE_RATE = 16_000
FRAME, FRAME_HOP, SPECTRUM = 400, 160, 512
"""Samples of a frame, between frames, and of the transform (the frame is padded with zeros behind)."""
BANDS = 64
PATCH_FRAMES, PATCH_HOP_FRAMES = 96, 48
LOG_OFFSET = 0.001
SPAN = FRAME + (PATCH_FRAMES - 1) * FRAME_HOP
"""Samples that one position sees: 15,600, which is 0.975 s (96 frames of 10 ms, and the last one's overlap)."""
HOP = PATCH_HOP_FRAMES * FRAME_HOP
"""Samples between positions: 7,680, which is 0.48 s."""
AT_ONCE = 4
"""Positions that go through the network together on a CPU."""
EMBEDDING = 1024
CLASSES = 521

LAYERS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1),
    (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
"""(channels, stride) of the 13 depthwise-separable convolutions."""


def count_positions(samples: int) -> int:
    """How many sound positions a waveform has: 1 up to 15,600 samples, then one more for every 7,680 begun.

    ``1 + ceil(max(samples - SPAN, 0) / HOP)``: the last position is padded with zeros, so that no sample goes unheard.

    Raises: ValueError: There is no sample.
    """
    if samples < 1:
        raise ValueError(f"a waveform has at least one sample, got {samples}")
    return 1 + -(-max(samples - SPAN, 0) // HOP)


class Separable(nn.Module):
    """A 3 x 3 filter on each channel, then a mix of the channels, each with ReLU6."""

    def __init__(self, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        self.filter = SameConv2d(inputs, inputs, kernel=3, stride=stride, groups=inputs)
        self.mix = SameConv2d(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """``[patch inputs time band]`` to ``[patch outputs time' band']``."""
        mixed: Tensor = self.mix(self.filter(x, activation="relu6"), activation="relu6")
        return mixed


class Yamnet(nn.Module):
    """Sound in, AudioSet scores out; 3.75 million parameters."""

    mel: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mel", torch.zeros(BANDS, SPECTRUM // 2 + 1))
        self.register_buffer("window", torch.hann_window(FRAME, periodic=True), persistent=False)
        self.stem = SameConv2d(1, 32, kernel=3, stride=2)
        layers = []
        inputs = 32
        for channels, stride in LAYERS:
            layers.append(Separable(inputs, channels, stride=stride))
            inputs = channels
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(EMBEDDING, CLASSES)

    def log_mel(self, waveforms: Tensor) -> Tensor:
        """Mono float ``[clip sample]`` in [-1, 1] to ``[clip sound 96 64]``, one patch a position.

        The sound is padded with zeros behind to a whole number of positions (``count_positions``).
        """
        positions = count_positions(waveforms.shape[-1])
        padded = F.pad(waveforms, (0, SPAN + (positions - 1) * HOP - waveforms.shape[-1]))
        frames = padded.unfold(-1, FRAME, FRAME_HOP) * self.window
        magnitude = torch.fft.rfft(frames, n=SPECTRUM).abs()
        bands = torch.log(magnitude @ self.mel.T + LOG_OFFSET)
        return bands.unfold(1, PATCH_FRAMES, PATCH_HOP_FRAMES).transpose(-1, -2)

    def embed(self, patches: Tensor) -> Tensor:
        """Log-mel patches ``[patch 96 64]`` to embeddings ``[patch 1024]``, not negative."""
        x = patches.to(self.stem.weight.dtype)[:, None].contiguous(memory_format=torch.channels_last)
        (maps,) = run(self, self._maps, x, clips=AT_ONCE)
        return maps.float().mean(dim=(-2, -1))

    def _maps(self, x: Any) -> tuple[Any]:
        return (self.layers(self.stem(x, activation="relu6")),)

    def forward(self, waveforms: Tensor) -> tuple[Tensor, Tensor]:
        """Mono float ``[clip sample]`` to (scores ``[clip sound 521]`` in [0, 1], embeddings ``[clip sound 1024]``)."""
        patches = self.log_mel(waveforms)
        clips, positions = patches.shape[:2]
        embeddings = self.embed(patches.flatten(0, 1))
        logits = F.linear(embeddings, self.classifier.weight.float(), self.classifier.bias.float())
        shape = (clips, positions, -1)
        return torch.sigmoid(logits).reshape(shape), embeddings.reshape(shape)
