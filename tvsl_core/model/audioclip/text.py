"""The text tower: CLIP's transformer over byte-pair tokens (arXiv 2103.00020, section 2.4)."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as fn
from torch import Tensor, nn


class QuickGelu(nn.Module):
    """The sigmoid approximation of GELU that CLIP was trained with."""

    def forward(self, x: Tensor) -> Tensor:
        """``x * sigmoid(1.702 x)``.

        Shapes: x ``[*axes]`` to ``[*axes]``.
        """
        return x * torch.sigmoid(1.702 * x)


class CausalAttention(nn.Module):
    """Multi-head self-attention in which a token sees only itself and earlier ones."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.randn(3 * width, width) / width**0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Mix each token with those before it.

        Shapes: x ``[klass token width]`` to ``[klass token width]``.
        """
        q, k, v = (
            part.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)
            for part in fn.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        )
        mixed = fn.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        out: Tensor = self.out_proj(mixed)
        return out


class TextBlock(nn.Module):
    """Pre-norm attention and MLP, each beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = CausalAttention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            OrderedDict(c_fc=nn.Linear(width, 4 * width), gelu=QuickGelu(), c_proj=nn.Linear(4 * width, width))
        )

    def forward(self, x: Tensor) -> Tensor:
        """One layer of the transformer.

        Shapes: x ``[klass token width]`` to ``[klass token width]``.
        """
        x = x + self.attn(self.ln_1(x))
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class TextBlocks(nn.Module):
    """The stack; it exists so that weights are named ``transformer.resblocks.0`` as published."""

    def __init__(self, *, layers: int, width: int, heads: int) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(TextBlock(width, heads) for _ in range(layers)))

    def forward(self, x: Tensor) -> Tensor:
        """All layers.

        Shapes: x ``[klass token width]`` to ``[klass token width]``.
        """
        out: Tensor = self.resblocks(x)
        return out
