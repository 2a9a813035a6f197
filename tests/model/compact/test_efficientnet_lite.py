from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tvsl_core.model.compact.efficientnet_lite import SameConv2d, fold_batch_norm, same_padding


@given(size=st.integers(1, 600), kernel=st.sampled_from([1, 3, 5]), stride=st.sampled_from([1, 2]))
def test_same_padding_gives_the_rounded_up_size_and_never_a_needless_zero(size, kernel, stride):
    before, after = same_padding(size, kernel, stride)
    outputs = (size + before + after - kernel) // stride + 1

    assert outputs == -(-size // stride)
    assert after - before in (0, 1)
    assert before + after == 0 or (size + before + after - 1 - kernel) // stride + 1 < outputs


@pytest.mark.parametrize(("kernel", "stride", "groups"), [(1, 1, 1), (3, 1, 4), (3, 2, 1), (5, 2, 4), (5, 1, 1)])
@pytest.mark.parametrize("size", [(8, 8), (7, 12), (1, 5)])
def test_a_convolution_pads_by_the_rule_whatever_path_it_takes(kernel, stride, groups, size):
    torch.manual_seed(0)
    layer = SameConv2d(4, 8, kernel=kernel, stride=stride, groups=groups)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    x = torch.randn(2, 4, *size)

    top, bottom = same_padding(size[0], kernel, stride)
    left, right = same_padding(size[1], kernel, stride)
    padded = F.pad(x, (left, right, top, bottom))
    expected = F.conv2d(padded, layer.weight, layer.bias, stride=stride, groups=groups)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def test_folding_changes_nothing():
    torch.manual_seed(1)
    convolution, norm = nn.Conv2d(3, 6, 3, bias=False).double(), nn.BatchNorm2d(6, eps=1e-3).double().eval()
    for values in (norm.weight.data, norm.bias.data, norm.running_mean):
        values.normal_()
    norm.running_var.uniform_(0.1, 3.0)
    x = torch.randn(2, 3, 9, 9).double()

    weight, bias = fold_batch_norm(
        convolution.weight, gain=norm.weight, shift=norm.bias, mean=norm.running_mean, variance=norm.running_var
    )

    torch.testing.assert_close(F.conv2d(x, weight, bias), norm(convolution(x)))


@settings(max_examples=6, deadline=None)
@given(rows=st.integers(1, 5), columns=st.integers(1, 5))
def test_the_grid_covers_any_picture_and_its_mean_is_the_verdict_on_the_whole(towers, rows, columns):
    torch.manual_seed(rows * 7 + columns)
    images = torch.randn(1, 3, 32 * rows, 32 * columns)
    with torch.inference_mode():
        features = towers.image.features(images)
        logits = towers.image.classifier(features.cells.permute(0, 2, 3, 1))

        assert features.cells.shape == (1, 1280, rows, columns)
        assert features.local.shape == (1, 112, 2 * rows, 2 * columns)
        torch.testing.assert_close(logits.mean(dim=(1, 2)), towers.image(images), atol=1e-4, rtol=1e-4)


def test_a_mirrored_picture_gives_much_the_same_verdict(towers):
    torch.manual_seed(2)
    coarse = torch.randn(4, 3, 10, 10)
    images = F.interpolate(coarse, size=(224, 224), mode="bicubic")
    with torch.inference_mode():
        there, mirrored = towers.image(images), towers.image(images.flip(-1))

    assert torch.cosine_similarity(there, mirrored, dim=1).min() > 0.8
