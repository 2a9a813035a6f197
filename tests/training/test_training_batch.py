from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.tiny import CLASSES, TinyScenes, TinyTowers
from tvsl_core.training.batch import (
    BatchSchedule,
    PictureRows,
    _some_patches,
    assemble,
    class_shares,
    prefetched,
    share_out,
)
from tvsl_core.training.features.live import LiveFeatures
from tvsl_core.training.options import TrainOptions


@pytest.fixture(scope="module")
def features():
    return LiveFeatures(TinyScenes(30), TinyTowers())


def options(**changes):
    return TrainOptions(**({"batch": 8, "swap_sounds": 0.0, "mask_sound": 0.0} | changes))


def test_an_epoch_shows_every_scene_at_most_once_in_another_order_each_time():
    plan = BatchSchedule(scenes=30, batch=8, seed=0)
    epochs = [[plan.places(step) for step in range(first, first + 3)] for first in (0, 3)]

    for number, steps in enumerate(epochs):
        assert [epoch for epoch, _ in steps] == [number] * 3
        shown = np.concatenate([places for _, places in steps])
        assert len(shown) == 24 == len(set(shown.tolist()))
    assert not np.array_equal(epochs[0][0][1], epochs[1][0][1])


def test_fewer_scenes_than_a_batch_are_one_step():
    plan = BatchSchedule(scenes=5, batch=8, seed=0)

    assert plan.steps_per_epoch == 1
    assert sorted(plan.places(3)[1].tolist()) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("world", [1, 2, 3, 5])
def test_processes_share_a_batch_without_gaps(world):
    whole = np.arange(7) * 3

    assert np.array_equal(np.concatenate([share_out(whole, rank=r, world=world) for r in range(world)]), whole)


def test_any_number_of_processes_sees_the_same_scenes(features):
    given = options(swap_sounds=0.5, mask_sound=0.3)
    whole = list(prefetched(features, given, steps=range(2, 5), rank=0, world=1))
    parts = [list(prefetched(features, given, steps=range(2, 5), rank=rank, world=2)) for rank in (0, 1)]

    for (step, epoch, batch), one, two in zip(whole, *parts, strict=True):
        assert (step, epoch) == one[:2] == two[:2]
        for name in ("image", "sound", "sounding", "visible", "share", "known"):
            assert torch.equal(getattr(batch, name), torch.cat((getattr(one[2], name), getattr(two[2], name)))), name


def test_a_swapped_scene_keeps_its_picture_and_takes_the_whole_sound_of_another(features):
    some = np.arange(12)
    plain = assemble(features, some, 0, options())
    swapped = assemble(features, some, 0, options(swap_sounds=1.0))
    every = assemble(features, features.usable, 0, options())

    assert torch.equal(plain.image, swapped.image) and torch.equal(plain.visible, swapped.visible)
    for sound, sounding in zip(swapped.sound, swapped.sounding, strict=True):
        (owner,) = [n for n in range(30) if torch.allclose(every.sound[n], sound, atol=1e-3)]
        assert torch.equal(every.sounding[owner], sounding)
    assert not torch.equal(plain.sounding, swapped.sounding)


def test_masked_positions_are_others_of_the_same_sound(features):
    some = np.arange(12)
    plain = assemble(features, some, 0, options())
    masked = assemble(features, some, 0, options(mask_sound=0.5))
    again = assemble(features, some, 1, options(mask_sound=0.5))

    changed = (plain.sound != masked.sound).any(dim=-1)
    assert 0.1 < float(changed.float().mean()) < 0.6
    for clip, position in changed.nonzero().tolist():
        assert any(torch.equal(masked.sound[clip, position], other) for other in plain.sound[clip])
    assert not torch.equal(masked.sound, again.sound)
    assert torch.equal(plain.sound, assemble(features, some, 0, options(mask_sound=0.5), augment=False).sound)


def test_shares_of_a_patch_add_up_to_one():
    picture = PictureRows(
        features=np.zeros((1, 3, 2), np.float16),
        cover=np.array([[[255, 0], [102, 51], [0, 0]]], np.uint8),
        known=np.ones((1, 3), bool),
        visible=np.array([[2, 0]], np.int16),
    )
    shares = class_shares(picture, 4)

    assert torch.allclose(shares.sum(dim=-1), torch.ones(1, 3))
    assert torch.allclose(
        shares[0], torch.tensor([[0, 0, 1.0, 0, 0], [0.2, 0, 0.4, 0, 0.4], [0, 0, 0, 0, 1.0]]), atol=1e-6
    )


def test_two_objects_of_one_class_are_one_share():
    picture = PictureRows(
        features=np.zeros((1, 2, 2), np.float16),
        cover=np.array([[[100, 100], [200, 100]]], np.uint8),
        known=np.ones((1, 2), bool),
        visible=np.array([[1, 1]], np.int16),
    )

    assert class_shares(picture, 2)[0, 0, 1] == pytest.approx(200 / 255, abs=1e-6)
    assert class_shares(picture, 2)[0, 1].tolist() == [0, 1, 0], "no patch is covered more than once over"


def test_labels_say_what_is_seen_and_heard(features):
    batch = assemble(features, np.array([2, 5]), 0, options())
    for row, index in enumerate((2, 5)):
        scene = features.source.scene(index, 0, sample_rate=1600)
        assert [CLASSES[k] for k in batch.visible[row].nonzero()[:, 0].tolist()] == sorted(scene.visible)
        assert [CLASSES[k] for k in batch.sounding[row].nonzero()[:, 0].tolist()] == sorted(scene.sounding)


def test_a_share_of_the_patches_keeps_each_with_its_own_truth_and_changes_with_the_scene(features):
    indices = np.arange(4)
    whole, part, other = (
        assemble(features, at, 0, options(patch_share=share))
        for at, share in ((indices, 1.0), (indices, 0.5), (indices + 4, 0.5))
    )

    assert part.image.shape[1] == round(0.5 * whole.image.shape[1])
    for scene in range(4):
        for patch in range(part.image.shape[1]):
            same = (whole.image[scene] == part.image[scene, patch]).all(dim=-1)
            assert same.any()
            place = int(same.nonzero()[0])
            assert torch.equal(whole.share[scene, place], part.share[scene, patch])
            assert whole.known[scene, place] == part.known[scene, patch]
    chosen = [(whole.image[0] == row).all(dim=-1).nonzero()[0] for row in part.image[0]]
    rest = assemble(features, indices + 4, 0, options())
    assert [int(place) for place in chosen] != [
        int((rest.image[0] == row).all(dim=-1).nonzero()[0]) for row in other.image[0]
    ]


def test_a_chosen_patch_keeps_its_own_mark_of_what_is_known():
    odd = np.arange(12) % 2
    picture = PictureRows(
        features=np.tile(odd[None, :, None], (3, 1, 2)).astype(np.float16),
        cover=np.tile(odd[None, :, None], (3, 1, 1)).astype(np.uint8),
        known=np.tile(odd[None], (3, 1)).astype(bool),
        visible=np.zeros((3, 1), np.int16),
    )
    some = _some_patches(picture, np.arange(3), 0, options(patch_share=0.5))

    assert some.features.shape == (3, 6, 2)
    assert np.array_equal(some.known, some.features[..., 0] == 1)
    assert np.array_equal(some.cover[..., 0], some.features[..., 0])
    assert some.known.any() and not some.known.all()
