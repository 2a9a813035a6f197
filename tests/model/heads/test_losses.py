from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as fn
from torch.nn.functional import normalize

from tvsl_core.model import losses
from tvsl_core.model.losses import Gathered


def unit(*shape, seed=1):
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def pairs(klass, *, seed=1, first=0):
    return Gathered(unit(len(klass), 8, seed=seed), unit(len(klass), 8, seed=seed + 1), torch.tensor(klass), first)


def by_hand(found, scale):
    """Symmetric InfoNCE, one pair at a time."""
    total = 0.0
    for i, own in enumerate(found.klass.tolist()):
        kept = [j for j, other in enumerate(found.klass.tolist()) if j == i or other != own]
        for one, two in ((found.keys, found.queries), (found.queries, found.keys)):
            cosines = [scale * float(one[i] @ two[j]) for j in kept]
            total += (math.log(sum(math.exp(c) for c in cosines)) - cosines[kept.index(i)]) / 2
    return total


def test_correspondence_is_symmetric_infonce_without_negatives_of_the_same_class():
    found = pairs([0, 1, 0, 2])
    loss = losses.correspond(found, None, scale=torch.tensor(3.0))

    assert float(loss.total) == pytest.approx(by_hand(found, 3.0), rel=1e-5)
    assert float(loss.number) == 4


def test_pairs_of_one_class_alone_have_nothing_to_learn_from():
    assert float(losses.correspond(pairs([2, 2, 2]), None, scale=torch.tensor(3.0)).total) == pytest.approx(0)


def test_shares_of_two_processes_add_up_to_the_whole():
    everyone = pairs([0, 1, 0, 2, 1])
    whole = losses.correspond(everyone, None, scale=torch.tensor(3.0))
    parts = [
        losses.correspond(
            Gathered(*(part[begin:end] for part in everyone[:3]), 0),
            everyone._replace(first=begin),
            scale=torch.tensor(3.0),
        )
        for begin, end in ((0, 2), (2, 5))
    ]

    assert float(sum(part.total for part in parts)) == pytest.approx(float(whole.total), rel=1e-6)
    assert float(sum(part.number for part in parts)) == float(whole.number)


def test_a_process_without_pairs_adds_nothing():
    empty = Gathered(torch.zeros(0, 8, requires_grad=True), torch.zeros(0, 8), torch.zeros(0, dtype=torch.int64), 0)
    loss = losses.correspond(empty, pairs([0, 1]), scale=torch.tensor(3.0))

    assert (float(loss.total), float(loss.number), float(loss.mean())) == (0, 0, 0)
    assert loss.total.requires_grad


def test_detection_is_binary_cross_entropy_per_class():
    logits, sounding = torch.tensor([[2.0, -1.0], [0.0, 0.0]]), torch.tensor([[1, 0], [0, 1]])
    expected = math.log1p(math.exp(-2)) + math.log1p(math.exp(-1)) + 2 * math.log(2)

    assert float(losses.detect(logits, sounding).total) == pytest.approx(expected)
    assert float(losses.detect(logits, sounding).mean()) == pytest.approx(expected / 2)


def test_classification_is_cross_entropy_and_no_pairs_give_zero():
    logits = torch.tensor([[1.0, 0.0, 0.0]])

    assert float(losses.classify(logits, torch.tensor([0])).total) == pytest.approx(math.log(math.e + 2) - 1)
    assert float(losses.classify(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)).mean()) == 0


@pytest.mark.parametrize(("how", "expected"), [("mean", 2.5), ("max", 6.0), ("top-third", 5.0), ("smooth-max", 4.3748)])
def test_sound_positions_are_pooled(how, expected):
    logits = torch.tensor([1.0, 0.0, 6.0, 4.0, 2.0, 2.0]).reshape(1, 6, 1)

    assert float(losses.pool_sound(logits, how)) == pytest.approx(expected, abs=1e-3)


def test_a_class_that_sounds_for_a_moment_is_not_told_to_sound_all_the_time():
    logits = torch.zeros(1, 6, 1, requires_grad=True)
    strong = logits + torch.tensor([5.0, 4.0, 0, 0, 0, 0]).reshape(1, 6, 1)
    losses.hear(strong, torch.ones(1, 1)).total.backward()

    assert torch.equal(logits.grad[0, :, 0] != 0, torch.tensor([True, True, False, False, False, False]))


def test_seeing_follows_the_shares_of_known_patches_only():
    share = torch.tensor([[[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]])
    known = torch.tensor([[True, True, False]])
    logits = torch.zeros(1, 3, 3, requires_grad=True)
    loss = losses.see(logits, share, known)
    loss.total.backward()

    assert float(loss.number) == 2
    assert float(loss.mean()) == pytest.approx(math.log(3))
    assert torch.equal(logits.grad[0, 2], torch.zeros(3))
    assert torch.allclose(logits.grad[0, 0], torch.tensor([1 / 3 - 0.5, 1 / 3, 1 / 3 - 0.5]), atol=1e-6)


def somewhere(logits, *, unknown=(True, True), judged=(True, True)):
    visible = torch.tensor([[1.0, 0.0]])
    return losses.see_somewhere(
        torch.tensor(logits), visible, unknown=torch.tensor([unknown]), judged=torch.tensor([judged])
    )


def test_somewhere_in_a_weak_picture_each_visible_class_is_seen_and_no_other():
    right, wrong = [[[9.0, 0, 0], [0, 0, 9.0]]], [[[0, 9.0, 0], [0, 0, 9.0]]]

    assert float(somewhere(right).total) < 0.01
    assert float(somewhere(wrong).total) > 10
    assert (float(somewhere(right).number), float(somewhere(wrong, unknown=(False, False)).number)) == (1, 0)
    assert float(somewhere(wrong, unknown=(False, False)).total) == 0


def test_marked_patches_do_not_answer_for_what_was_not_marked():
    assert float(somewhere([[[9.0, 0, 0], [0, 0, 9.0]]], unknown=(False, True)).total) > 5
    assert float(somewhere([[[9.0, 0, 0], [0, 0, 9.0]]], unknown=(False, True), judged=(False, True)).total) < 0.01


def test_distilling_is_least_where_the_heads_say_what_the_untrained_mapping_says():
    evidence = torch.tensor([[[0.7, 0.1], [0.0, 0.0]]])
    same = torch.cat((evidence, 1 - evidence.sum(-1, keepdim=True)), dim=-1).clamp_min(1e-6).log()

    assert float(losses.distill_image(same, evidence).total) < float(losses.distill_image(same * 0, evidence).total)
    sound = torch.logit(evidence.clamp(1e-6, 1 - 1e-6))
    assert float(losses.distill_sound(sound, evidence).total) < float(losses.distill_sound(sound + 0.5, evidence).total)
    assert float(losses.distill_sound(sound, evidence).total) < float(losses.distill_sound(sound - 0.5, evidence).total)


@pytest.mark.parametrize(
    "make",
    [
        lambda x: losses.detect(x[:, 0], torch.ones(2, 3)),
        lambda x: losses.classify(x[:, 0], torch.tensor([1, 2])),
        lambda x: losses.correspond(
            Gathered(normalize(x[0], dim=-1), unit(4, 3), torch.tensor([0, 1, 0, 2]), 0), None, scale=torch.tensor(2.0)
        ),
        lambda x: losses.hear(x, torch.tensor([[1.0, 0, 0], [0, 1, 1]])),
        lambda x: losses.see(x, torch.softmax(torch.ones(2, 4, 3), -1), torch.ones(2, 4, dtype=torch.bool)),
        lambda x: losses.see_somewhere(
            x,
            torch.tensor([[1.0, 0], [0, 1]]),
            unknown=torch.ones(2, 4, dtype=torch.bool),
            judged=torch.ones(2, 2, dtype=torch.bool),
        ),
        lambda x: losses.distill_image(x, torch.full((2, 4, 2), 0.3, dtype=torch.float64)),
        lambda x: losses.distill_sound(x, torch.full((2, 4, 3), 0.3, dtype=torch.float64)),
    ],
    ids=["detect", "classify", "correspond", "hear", "see", "see_somewhere", "distill_image", "distill_sound"],
)
def test_a_step_against_the_gradient_lowers_the_loss(make):
    x = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(7)).requires_grad_()
    before = make(x).total
    before.backward()

    assert fn.relu(x.grad.abs()).sum() > 0
    assert float(make((x - 0.01 * x.grad).detach()).total) < float(before)
