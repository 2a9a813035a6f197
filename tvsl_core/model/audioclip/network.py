"""AudioCLIP (arXiv 2106.13043) as one module whose tensors carry the published names."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tvsl_core.model.audioclip.image import ImageTower
from tvsl_core.model.audioclip.sizes import PUBLISHED, AudioClipSizes
from tvsl_core.model.audioclip.sound import SoundTower
from tvsl_core.model.audioclip.text import TextBlocks


class AudioClipNetwork(nn.Module):
    """The three towers. ``state_dict()`` has exactly the published names and shapes."""

    def __init__(self, sizes: AudioClipSizes = PUBLISHED) -> None:
        super().__init__()
        self.sizes = sizes
        text = sizes.text
        self.positional_embedding = nn.Parameter(torch.randn(text.context, text.width) * 0.01)
        self.text_projection = nn.Parameter(torch.randn(text.width, sizes.dim) / text.width**0.5)
        self.logit_scale = nn.Parameter(torch.tensor(1 / 0.07).log())
        self.logit_scale_ai = nn.Parameter(torch.tensor(1 / 0.07).log())
        self.logit_scale_at = nn.Parameter(torch.tensor(1 / 0.07).log())
        self.visual = ImageTower(sizes.image, dim=sizes.dim)
        self.transformer = TextBlocks(layers=text.layers, width=text.width, heads=text.heads)
        self.token_embedding = nn.Embedding(text.vocabulary, text.width)
        self.ln_final = nn.LayerNorm(text.width)
        self.audio = SoundTower(sizes.sound, dim=sizes.dim)

    def embed_images(self, images: Tensor) -> Tensor:
        """Pooled embeddings of normalised images.

        Shapes: images ``[clip 3 height width]`` to ``[clip dim]``.
        """
        pooled: Tensor = self.visual(images)
        return pooled

    def embed_audio(self, waveforms: Tensor) -> Tensor:
        """Pooled embeddings of sounds on the +-32768 scale at 44.1 kHz.

        Shapes: waveforms ``[clip sample]`` to ``[clip dim]``.
        """
        return self.audio.pool(self.audio.listen(waveforms))

    def embed_tokens(self, tokens: Tensor) -> Tensor:
        """The state at the end of each text, in the joint space.

        Shapes: tokens ``[klass token]`` to ``[klass dim]``.

        The end is the largest token id. What follows it cannot reach it through the causal mask, so the padding that
        all texts share is cut off first.
        """
        ends = tokens.argmax(dim=-1)
        tokens = tokens[:, : int(ends.max()) + 1] if len(tokens) else tokens[:, :1]
        x = self.token_embedding(tokens) + self.positional_embedding[: tokens.shape[1]]
        x = self.ln_final(self.transformer(x))
        states: Tensor = x[torch.arange(len(x), device=x.device), ends]
        return states @ self.text_projection

    def scale(self, name: str) -> float:
        """Exp of a learned logit scale (``logit_scale``, ``_ai`` or ``_at``), clamped to [1, 100] as in training."""
        value: Tensor = getattr(self, name)
        return float(value.detach().float().exp().clamp(1, 100))


def empty_network(sizes: AudioClipSizes = PUBLISHED) -> AudioClipNetwork:
    """The network without memory behind its tensors, for their names and shapes."""
    with torch.device("meta"):
        return AudioClipNetwork(sizes)
