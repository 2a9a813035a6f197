from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from tvsl_core.model.layers import convolution
from tvsl_core.model.layers.convolution import convolve

ACTIVATIONS = {
    "none": lambda y: y,
    "relu": F.relu,
    "relu6": F.relu6,
    "sigmoid": torch.sigmoid,
    "hardswish": F.hardswish,
}


@pytest.fixture(params=["oneDNN", "plain torch"])
def library(request, monkeypatch):
    if request.param == "plain torch":
        monkeypatch.setattr(convolution, "_onednn_knows", lambda dtype: False)
    elif not convolution._onednn_knows(torch.float32):
        pytest.skip("torch has no oneDNN here")


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape))) * 3


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "groups"), [(1, 1, 1), (1, 2, 1), (3, 1, 8), (3, 2, 2)])
def test_one_call_does_what_the_single_steps_do(library, kernel, stride, groups, added, activation):
    x = drawn(2, 8, 9, 12).contiguous(memory_format=torch.channels_last)
    weight, bias = drawn(16, 8 // groups, kernel, kernel), drawn(16)
    settings = {"stride": (stride, stride), "padding": (kernel // 2, kernel // 2), "groups": groups}
    alone = F.conv2d(x, weight, bias, **settings)
    shortcut = drawn(*alone.shape).contiguous(memory_format=torch.channels_last) if added else None
    expected = ACTIVATIONS[activation](alone + shortcut if added else alone)

    found = convolve(x, weight, bias, activation=activation, shortcut=shortcut, **settings)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-5)


def test_memory_in_any_order_gives_the_same(library):
    x, weight, bias, shortcut = drawn(2, 4, 6, 5), drawn(4, 4, 3, 3), drawn(4), drawn(2, 4, 6, 5)
    last = torch.channels_last

    there = convolve(x, weight, bias, padding=(1, 1), activation="relu", shortcut=shortcut.clone())
    here = convolve(
        x.to(memory_format=last),
        weight.to(memory_format=last),
        bias,
        padding=(1, 1),
        activation="relu",
        shortcut=shortcut.to(memory_format=last),
    )
    torch.testing.assert_close(there, here, atol=1e-4, rtol=1e-5)


def test_bfloat16_stays_bfloat16(library):
    x, weight, bias = (part.bfloat16() for part in (drawn(1, 8, 5, 5), drawn(8, 8, 1, 1), drawn(8)))

    found = convolve(x, weight, bias, activation="relu")
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(
        found.float(), F.relu(F.conv2d(x.float(), weight.float(), bias.float())), atol=0.2, rtol=0.01
    )


def test_nothing_in_gives_nothing_out():
    assert convolve(torch.zeros(0, 3, 8, 8), drawn(4, 3, 1, 1), drawn(4)).shape == (0, 4, 8, 8)


def test_gradients_pass_where_they_are_wanted():
    x, weight, bias = drawn(1, 4, 5, 5), drawn(4, 4, 3, 3).requires_grad_(), drawn(4)

    convolve(x, weight, bias, activation="relu").sum().backward()
    assert weight.grad is not None and bool((weight.grad != 0).any())
