"""The shipped inference path: the same function as the network, in fewer and faster steps."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as fn
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tvsl_core.model.audioclip import fbsp
from tvsl_core.model.audioclip.blocks import Bottleneck
from tvsl_core.model.audioclip.network import AudioClipNetwork
from tvsl_core.model.layers.convolution import Activation, Pair, convolve

_CHAINS: tuple[tuple[str, str, str, Activation], ...] = (
    ("conv1", "bn1", "relu1", "relu"),
    ("conv2", "bn2", "relu2", "relu"),
    ("conv3", "bn3", "relu3", "relu"),
    ("conv_depth", "", "", "none"),
    ("conv_point", "bn", "sigmoid", "sigmoid"),
)
"""Convolution, normalisation and activation that follow each other in the stems and gates, by their attributes."""


class FoldedConv(nn.Module):
    """A convolution, the normalisation that followed it, and the activation after that.

    Args:
        conv: In eval mode.
        norm: Folded into the weights; None if there was none.
        activation: Applied last.
        dtype: Of the weights and of what comes in.
    """

    def __init__(
        self, conv: nn.Conv2d, norm: nn.Module | None, activation: Activation, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        if isinstance(norm, nn.BatchNorm2d):
            conv = fuse_conv_bn_eval(conv, norm)
        assert conv.bias is not None
        self.weight = nn.Parameter(conv.weight.to(dtype, memory_format=torch.channels_last), requires_grad=False)
        self.bias = nn.Parameter(conv.bias.to(dtype), requires_grad=False)
        self.stride, self.padding = cast(Pair, conv.stride), cast(Pair, conv.padding)
        self.groups, self.activation = conv.groups, activation

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        """Filter, add the shortcut if there is one, over which the answer may be written, and activate.

        Shapes: x ``[clip inputs row column]`` to ``[clip outputs row2 column2]``.
        """
        return convolve(
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            groups=self.groups,
            activation=self.activation,
            shortcut=shortcut,
        )


class FoldedBottleneck(nn.Module):
    """What a ``Bottleneck`` computes, in four steps. The answer may be written over what comes in.

    Args:
        block: With its weights.
        dtype: Of the convolutions inside. What adds up along the tower keeps the type of what comes in, since there
            rounding would add up too.
    """

    def __init__(self, block: Bottleneck, dtype: torch.dtype) -> None:
        super().__init__()
        self.pool, self.dtype = block.pool, dtype
        self.conv1 = FoldedConv(block.conv1, block.bn1, "relu", dtype)
        self.conv2 = FoldedConv(block.conv2, block.bn2, "relu", dtype)
        self.conv3 = FoldedConv(block.conv3, block.bn3, "relu" if dtype == torch.float32 else "none", dtype)
        self.downsample: FoldedConv | None = None
        if block.downsample is not None:
            conv, norm = block.downsample
            self.downsample = FoldedConv(cast(nn.Conv2d, conv), norm, "none")

    def forward(self, x: Tensor) -> Tensor:
        """One step of the tower.

        Shapes: x ``[clip inputs row column]`` to ``[clip outputs row2 column2]``.
        """
        y = self.conv2(self.conv1(x.to(self.dtype)))
        if self.pool > 1:
            y, x = fn.avg_pool2d(y, self.pool), fn.avg_pool2d(x, self.pool)
        shortcut = x if self.downsample is None else self.downsample(x)
        if self.dtype == shortcut.dtype:
            added: Tensor = self.conv3(y, shortcut)
            return added
        return shortcut.add_(self.conv3(y)).relu_()


def optimise(network: AudioClipNetwork, dtype: torch.dtype = torch.float32) -> AudioClipNetwork:
    """Make a network fast, in place; it can no longer be trained, and its tensors lose their published names.

    BatchNorm is folded into convolutions, which work on channels-last memory and add shortcuts and activate while they
    write; the spectrogram's filters are computed once, and the attention pool answers its one query without projecting
    every cell. On a CPU sounds go through one by one: the feature maps of eight do not fit into its caches, which cost
    up to half the time.

    Args:
        network: With its weights loaded.
        dtype: Of the convolutions inside the bottlenecks, where nearly all the time goes. What adds up along a tower,
            the shortcuts, the stems, the spectrogram, the pools and the text tower stay in float32: with all of a tower
            in bfloat16 the cosine to float32 fell to 0.995 (spectrogram alone: 0.998); this way it stays above 0.999.
    """
    network.eval().requires_grad_(False)
    with torch.no_grad():
        network.audio.kernel = fbsp.kernel(network.audio.fbsp, network.audio.sizes)
        network.visual.attnpool.factored = True
        on_cpu = network.text_projection.device.type == "cpu"
        network.audio.at_once = 1 if on_cpu else None
        for tower in (network.visual, network.audio):
            fold(tower, dtype)
    return network


def fold(module: nn.Module, dtype: torch.dtype) -> None:
    """Replace bottlenecks, and chains of convolution, normalisation and activation, throughout a module."""
    for name, child in list(module.named_children()):
        if isinstance(child, Bottleneck):
            setattr(module, name, FoldedBottleneck(child, dtype))
        else:
            fold(child, dtype)
    for name, norm, last, activation in _CHAINS:
        conv = getattr(module, name, None)
        if isinstance(conv, nn.Conv2d):
            setattr(module, name, FoldedConv(conv, getattr(module, norm, None) if norm else None, activation))
            for done in filter(None, (norm, last)):
                setattr(module, done, nn.Identity())
