"""The image tower: CLIP's modified ResNet-50 (arXiv 2103.00020), pooled as published or read cell by cell."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from tvsl_core.model.audioclip.blocks import stage
from tvsl_core.model.audioclip.sizes import ImageSizes

Reading = Literal["value", "query"]
"""How a cell becomes a patch embedding. ``value``: the pool's value and output projections of that cell alone.
``query``: the pool's whole attention with that cell as the query."""


class AttentionPool(nn.Module):
    """Attention over the cells and their mean; the published answer is the one at the mean.

    Args:
        channels: Of a cell.
        heads: Of the attention.
        grid: Cells along each side of the grid on which positions were learned.
        dim: Of the joint space.
    """

    def __init__(self, *, channels: int, heads: int, grid: int, dim: int) -> None:
        super().__init__()
        self.heads, self.grid = heads, grid
        self.factored = False
        self.positional_embedding = nn.Parameter(torch.randn(grid * grid + 1, channels) / channels**0.5)
        self.k_proj = nn.Linear(channels, channels)
        self.q_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.c_proj = nn.Linear(channels, dim)

    def forward(self, features: Tensor) -> Tensor:
        """The published pooled embedding, for a grid of any size.

        Shapes: features ``[clip channel row column]`` to ``[clip dim]``.
        """
        tokens = self._tokens(features)
        attend = self._attend_factored if self.factored else self._attend
        pooled: Tensor = self.c_proj(attend(tokens[:, :1], tokens))
        return pooled.squeeze(1)

    def patches(self, features: Tensor, reading: Reading) -> Tensor:
        """One embedding per cell, row by row.

        Shapes: features ``[clip channel row column]`` to ``[clip patch dim]``.
        """
        tokens = self._tokens(features)
        cells = tokens[:, 1:]
        patches: Tensor = self.c_proj(self.v_proj(cells) if reading == "value" else self._attend(cells, tokens))
        return patches

    def _tokens(self, features: Tensor) -> Tensor:
        cells = features.flatten(2).transpose(1, 2)
        tokens = torch.cat([cells.mean(1, keepdim=True), cells], dim=1)
        return tokens + self._positions(features.shape[-2], features.shape[-1]).to(tokens.dtype)

    def _positions(self, rows: int, columns: int) -> Tensor:
        """The learned positions, resampled in two dimensions when the grid is not the learned one."""
        if (rows, columns) == (self.grid, self.grid):
            return self.positional_embedding
        mean, cells = self.positional_embedding[:1], self.positional_embedding[1:]
        square = cells.float().T.reshape(1, -1, self.grid, self.grid)
        resampled = fn.interpolate(square, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([mean, resampled.flatten(2)[0].T.to(mean.dtype)])

    def _attend(self, queries: Tensor, tokens: Tensor) -> Tensor:
        q, k, v = (
            project(x).reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)
            for project, x in ((self.q_proj, queries), (self.k_proj, tokens), (self.v_proj, tokens))
        )
        return fn.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)

    def _attend_factored(self, queries: Tensor, tokens: Tensor) -> Tensor:
        """The same for a few queries, without projecting every token to a key and a value.

        ``q . (K x) = (K^T q) . x``, and a mean of ``V x`` is ``V`` of the mean. The bias of the keys adds the same to
        all logits of a query, which the softmax ignores; weights sum to one, so the bias of the values stays as it is.
        """
        width = tokens.shape[-1] // self.heads
        q = self.q_proj(queries).reshape(*queries.shape[:2], self.heads, width)
        key, value = (project.weight.reshape(self.heads, width, -1) for project in (self.k_proj, self.v_proj))
        pulled = torch.einsum("cqhw,hwt->cqht", q, key)
        weights = (torch.einsum("cqht,cpt->cqhp", pulled, tokens) / width**0.5).softmax(-1)
        mixed = torch.einsum("cqhp,cpt->cqht", weights, tokens)
        return torch.einsum("cqht,hwt->cqhw", mixed, value).flatten(2) + self.v_proj.bias


class ImageTower(nn.Module):
    """CLIP's modified ResNet. Attribute names are those of the published weights under ``visual.``."""

    def __init__(self, sizes: ImageSizes, *, dim: int) -> None:
        super().__init__()
        planes = sizes.planes
        self.conv1 = nn.Conv2d(3, planes // 2, 3, stride=2, padding=1, bias=False)
        self.bn1: nn.Module = nn.BatchNorm2d(planes // 2)
        self.relu1: nn.Module = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes // 2, planes // 2, 3, padding=1, bias=False)
        self.bn2: nn.Module = nn.BatchNorm2d(planes // 2)
        self.relu2: nn.Module = nn.ReLU(inplace=True)
        self.conv3 = nn.Conv2d(planes // 2, planes, 3, padding=1, bias=False)
        self.bn3: nn.Module = nn.BatchNorm2d(planes)
        self.relu3: nn.Module = nn.ReLU(inplace=True)
        inputs = planes
        for index, depth in enumerate(sizes.blocks):
            width = planes * 2**index
            self.add_module(
                f"layer{index + 1}",
                stage(inputs=inputs, planes=width, depth=depth, stride=1 if index == 0 else 2, pool=True),
            )
            inputs = width * 4
        self.attnpool = AttentionPool(channels=sizes.channels, heads=sizes.heads, grid=sizes.grid, dim=dim)

    def features(self, images: Tensor) -> Tensor:
        """The last feature grid, one cell per 32 x 32 pixels of the normalised image.

        Shapes: images ``[clip 3 height width]`` to ``[clip channel row column]``.
        """
        x: Tensor = self.relu1(self.bn1(self.conv1(images)))
        x = self.relu2(self.bn2(self.conv2(x)))
        x = fn.avg_pool2d(self.relu3(self.bn3(self.conv3(x))), 2)
        for index in range(1, 5):
            x = self.get_submodule(f"layer{index}")(x)
        return x

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images to pooled embeddings.

        Shapes: images ``[clip 3 height width]`` to ``[clip dim]``.
        """
        pooled: Tensor = self.attnpool(self.features(images))
        return pooled
