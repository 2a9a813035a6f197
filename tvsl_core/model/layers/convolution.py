"""A convolution and what follows it, in one pass over the memory where the processor's library can.

On a CPU an activation or a shortcut by itself reads and writes whole feature maps, which costs up to a third of a
network's time. oneDNN, the library behind torch's convolutions, does both while a result is still in registers; torch
offers that to its own compiler as operators of ``torch.ops.mkldnn``, whose names the pinned version of torch keeps.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

Activation = Literal["none", "relu", "relu6", "sigmoid", "hardswish"]
Pair = tuple[int, int]

_ONEDNN_NAMES: dict[Activation, tuple[str, list[float]]] = {
    "none": ("none", []),
    "relu": ("relu", []),
    "relu6": ("hardtanh", [0.0, 6.0]),
    "sigmoid": ("sigmoid", []),
    "hardswish": ("hardswish", []),
}


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
    groups: int = 1,
    activation: Activation = "none",
    shortcut: Tensor | None = None,
) -> Tensor:
    """``activation(conv2d(x, weight, bias) + shortcut)``, fastest with channels-last memory.

    Shapes: x ``[clip inputs height width]``, shortcut and result ``[clip outputs height2 width2]``.

    Args:
        x: What is filtered.
        weight: ``[outputs inputs/groups rows columns]``, of the type of ``x``.
        bias: ``[outputs]``.
        stride: Down and across.
        padding: Zeros on each side, down and across.
        groups: Into which the channels are split.
        activation: Applied last.
        shortcut: Added before the activation. The answer may be written over it.
    """
    # oneDNN adds a shortcut before a ReLU or before nothing.
    if _is_fusible(x, weight) and (shortcut is None or activation in ("none", "relu")):
        return _convolve_fused(x, weight, bias, stride, padding, groups, activation, shortcut)
    if x.device.type == "cpu" and weight.shape[-2:] == (1, 1) and stride == (1, 1):
        # A matrix product over channels-last pixels; torch's own fallback copies the picture twice.
        y = F.linear(x.permute(0, 2, 3, 1), weight.flatten(1), bias).permute(0, 3, 1, 2)
    else:
        y = F.conv2d(x, weight, bias, stride, padding, 1, groups)
    if shortcut is not None:
        y = y + shortcut
    match activation:
        case "relu":
            return F.relu(y, inplace=True)
        case "relu6":
            return F.relu6(y, inplace=True)
        case "sigmoid":
            return y.sigmoid_()
        case "hardswish":
            return F.hardswish(y, inplace=True)
    return y


def _convolve_fused(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    stride: Pair,
    padding: Pair,
    groups: int,
    activation: Activation,
    shortcut: Tensor | None,
) -> Tensor:
    after = (*_ONEDNN_NAMES[activation], "")
    y: Tensor
    if shortcut is None:
        y = torch.ops.mkldnn._convolution_pointwise(x, weight, bias, padding, stride, (1, 1), groups, *after)
    else:
        plus = ("add", 1.0, *(after if activation != "none" else (None, [], None)))
        y = torch.ops.mkldnn._convolution_pointwise_.binary(
            shortcut, x, weight, bias, padding, stride, (1, 1), groups, *plus
        )
    return y


def _is_fusible(x: Tensor, weight: Tensor) -> bool:
    """The fused operators know no gradients and no device but the CPU."""
    wants_gradient = torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)
    return x.device.type == "cpu" and _onednn_knows(x.dtype) and not wants_gradient


@cache
def _onednn_knows(dtype: torch.dtype) -> bool:
    """Whether this processor's oneDNN convolves numbers of a type; there is none in torch for a Mac."""
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))
