from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from tvsl_core.model.heads import GatedAdapter, HeadOptions, TvslHeads

DIM = 16


def make_heads(*, project=False, gate=None, seed=0, **options):
    torch.manual_seed(seed)
    sizes = {"image_features": 24, "sound_features": 20} if project else {"image_features": DIM, "sound_features": DIM}
    heads = TvslHeads(HeadOptions(dim=DIM, project=project, hidden=8, **sizes, **options)).eval()
    if gate is not None:
        for module in heads.modules():
            if isinstance(module, GatedAdapter):
                module.gate.data.fill_(gate)
    return heads


def unit(*shape, seed=1):
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def maps(heads, *, classes=4, seed=1):
    seen, heard, text = unit(2, 6, DIM, seed=seed), unit(2, 5, DIM, seed=seed + 1), unit(classes, DIM, seed=seed + 2)
    return seen, heard, text, heads.correspondence(seen, heard, text)


def test_an_adapter_at_gate_one_is_the_identity():
    adapter = GatedAdapter(DIM)
    adapter.gate.data.fill_(1.0)
    x = torch.randn(3, DIM)

    assert torch.equal(adapter(x), x)


def test_an_adapter_starts_where_its_perceptron_gets_a_gradient():
    adapter = GatedAdapter(DIM)
    adapter(torch.randn(3, DIM)).square().sum().backward()

    assert 0.8 < float(adapter.gate.detach()) < 1
    assert all(bool(parameter.grad.abs().max() > 0) for parameter in adapter.parameters())


@pytest.mark.parametrize("kind", ["see", "hear"])
def test_heads_at_gate_one_without_projections_leave_directions_alone(kind):
    heads = make_heads(gate=1.0)
    x = torch.randn(2, 5, DIM)

    assert torch.allclose(getattr(heads, kind)(x), normalize(x, dim=-1), atol=1e-6)


@pytest.mark.parametrize("text_weight", ["relu", "softmax", "sign"])
def test_shuffled_patches_shuffle_the_map(text_weight):
    heads = make_heads(text_weight=text_weight)
    seen, heard, text, found = maps(heads)
    order = torch.tensor([3, 0, 5, 1, 4, 2])

    assert torch.allclose(heads.correspondence(seen[:, order], heard, text), found[:, :, order], atol=1e-6)


@pytest.mark.parametrize("text_weight", ["relu", "sign"])
def test_each_class_gets_the_map_that_it_would_get_alone(text_weight):
    heads = make_heads(text_weight=text_weight)
    seen, heard, text, found = maps(heads)

    alone = torch.cat([heads.correspondence(seen, heard, text[k : k + 1]) for k in range(len(text))], dim=1)
    assert torch.allclose(alone, found, atol=1e-6)


def test_clips_do_not_influence_each_other():
    heads = make_heads()
    seen, heard, text, found = maps(heads)

    assert torch.allclose(heads.correspondence(seen[1:], heard[1:], text), found[1:], atol=1e-6)


def test_a_patch_closer_to_the_name_gets_more_of_the_map():
    """The published form gives both patches the same: there a name contributes only its sign."""
    text = torch.eye(DIM)[:1]
    sideways = torch.eye(DIM)[1]
    near, far = (normalize(text[0] * share + sideways * (1 - share), dim=-1) for share in (0.9, 0.4))
    seen = torch.stack((near, far))[None]
    # What is heard agrees equally with both patches, so that only the name can tell them apart.
    heard = normalize((near + far) / 2, dim=-1)[None, None]

    weighted = make_heads(gate=1.0).correspondence(seen, heard, text)[0, 0]
    signed = make_heads(gate=1.0, text_weight="sign").correspondence(seen, heard, text)[0, 0]

    assert weighted[0].item() > 1.5 * weighted[1].item() > 0
    assert torch.allclose(signed[0], signed[1], atol=1e-6)


def test_higher_means_more_likely_the_source():
    heads = make_heads(gate=1.0)
    text = unit(2, DIM)
    seen = torch.stack((text[0], text[1]))[None]

    found = heads.correspondence(seen, text[:1][None], text[:1])[0, 0]
    assert int(found.argmax()) == 0


def test_keys_and_queries_in_training_are_those_in_use():
    heads = make_heads(gate=0.5)
    seen, heard, text, found = maps(heads, classes=3)
    pairs = [(clip, klass) for clip in range(2) for klass in range(3)]
    clip, klass = torch.tensor(pairs).T
    query = heads.queries(heard[clip], text[klass])

    agreement = torch.einsum("npd,nd->np", heads.keys(seen)[clip], query).clamp_min(0)
    weights = torch.einsum("npd,nd->np", seen[clip], text[klass]).clamp_min(0)
    assert torch.allclose(weights * agreement, found[clip, klass], atol=1e-6)


def test_pooled_keys_of_one_patch_are_its_key_in_either_order():
    text = unit(2, DIM, seed=3)
    seen = normalize(text + 0.3 * unit(2, DIM, seed=4), dim=-1)[:, None]

    for pooling in ("adapt-first", "pool-first"):
        heads = make_heads(gate=0.5, pooling=pooling)
        assert torch.allclose(heads.pooled_keys(seen, text), heads.keys(seen)[:, 0], atol=1e-5), pooling


def test_the_order_of_pooling_matters_for_several_patches():
    seen, text = unit(2, 6, DIM), unit(2, DIM, seed=5)
    first, last = (make_heads(gate=0.5, pooling=pooling) for pooling in ("adapt-first", "pool-first"))

    assert not torch.allclose(first.pooled_keys(seen, text), last.pooled_keys(seen, text), atol=1e-3)


def test_logits_have_a_place_for_every_class_and_for_the_background():
    heads = make_heads(project=True)
    seen, heard, text = heads.see(torch.rand(2, 6, 24)), heads.hear(torch.rand(2, 5, 20)), unit(4, DIM)

    assert heads.image_logits(seen, text).shape == (2, 6, 5)
    assert heads.sound_logits(heard, text).shape == (2, 5, 4)
    assert heads.detection_logits(seen, heard, text).shape == (2, 4)
    assert heads.correspondence(seen, heard, text).shape == (2, 4, 6)
    klass = torch.tensor([1, 3])
    assert heads.class_logits("image", seen, text, klass).shape == (2, 4)


def test_projections_read_features_by_their_own_mean_and_spread():
    heads = make_heads(project=True)
    features = torch.rand(50, 24) * torch.linspace(0.5, 2, 24) + 3
    heads.project_image.standardise(features)
    shifted = make_heads(project=True)
    shifted.project_image.standardise(features * 10 + 7)

    assert torch.allclose(heads.see(features), shifted.see(features * 10 + 7), atol=1e-3)


def test_a_dimension_that_never_moves_is_not_blown_up():
    heads = make_heads(project=True)
    features = torch.rand(50, 24)
    features[:, 3] = 1.0
    heads.project_image.standardise(features)

    assert bool(torch.isfinite(heads.see(features)).all())
    assert float(heads.project_image.spread.min()) > 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dim": 0}, "dim must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must lie in \[0, 1\), got 1.0"),
        ({"text_weight": "max"}, "text_weight must be relu, softmax or sign, got 'max'"),
        ({"pooling": "never"}, "pooling must be adapt-first or pool-first, got 'never'"),
        ({"project": False}, "without a projection features must have 16 dimensions, got 24 and 20"),
    ],
)
def test_impossible_heads_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        HeadOptions(**({"dim": DIM, "image_features": 24, "sound_features": 20} | changes))
