from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tvsl_core.model.compact import efficientnet_lite, load_compact
from tvsl_core.model.compact.towers import LOOKS, working_size
from tvsl_core.model.evidence import Patches, Positions
from tvsl_core.model.towers import TrainableTowers


def frames(height, width, *, count=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def picture(*, centre=(160, 280), radius=90, colour=(200, 60, 20)):
    """A striped disc on a plain ground, ``[1 320 576 3]``."""
    y, x = np.mgrid[:320, :576]
    inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < radius**2
    canvas = np.full((320, 576, 3), (90, 130, 160), np.uint8)
    canvas[inside] = colour
    canvas[inside & ((x // 12) % 2 == 0)] = (240, 230, 60)
    return canvas[None], inside


def test_they_are_towers(towers):
    assert isinstance(towers, TrainableTowers)
    assert (towers.name, towers.dim, towers.sample_rate) == ("compact", 1521, 16_000)
    assert (towers.sound_hop_s, towers.sound_span_s) == (0.48, 0.975)


@given(height=st.integers(1, 8000), width=st.integers(1, 8000))
def test_the_working_size_is_bounded_and_keeps_the_shape(height, width):
    rows, columns = working_size(height, width)
    short, long = sorted((rows, columns))

    assert rows % 32 == 0 and columns % 32 == 0
    assert 32 <= short <= 320 and long <= 1024
    assert (rows <= columns) == (height <= width) or rows == columns
    assert working_size(width, height) == (columns, rows)
    wanted = max(height, width) / min(height, width)
    if wanted <= 16:
        assert abs(long - short * wanted) <= 16 + 16 * wanted
    if wanted <= 3.2:
        assert short == 320 and abs(long - 320 * wanted) <= 16


def test_a_picture_without_pixels_is_an_error():
    with pytest.raises(ValueError, match="0 x 5"):
        working_size(0, 5)


@pytest.mark.parametrize("size", [(1, 1), (17, 31), (20, 4000), (4000, 20), (33, 720), (320, 576)])
def test_any_picture_can_be_prepared_and_seen(towers, size):
    prepared = towers.preprocess(frames(*size))
    parts = towers.inspect_images(prepared)
    rows, columns = parts.grid

    assert prepared.shape[2:] == working_size(*size)
    assert prepared.abs().max() <= 1
    assert parts.patches.joint.shape == (1, rows * columns, 1521)
    assert parts.foreground.shape == (1, rows, columns)
    assert parts.affinity.shape == (1, rows * columns, rows * columns)
    for values in (parts.patches.joint, parts.foreground, parts.affinity):
        assert bool(torch.isfinite(values).all())
        assert values.min() >= -1e-5 and values.max() <= 1 + 1e-5


def test_preparing_keeps_the_whole_frame_and_its_colours(towers):
    canvas = np.zeros((1, 720, 1280, 3), np.uint8)
    canvas[:, :, :640, 0], canvas[:, :, 640:, 2] = 255, 255
    prepared = towers.preprocess(canvas)

    torch.testing.assert_close(prepared[0, :, 0, 0], torch.tensor([1.0, -127 / 128, -127 / 128]))
    torch.testing.assert_close(prepared[0, :, -1, -1], torch.tensor([-127 / 128, -127 / 128, 1.0]))


@pytest.mark.parametrize("wrong", [np.zeros((1, 8, 8, 3), np.float32), np.zeros((8, 8, 3), np.uint8), frames(0, 4)])
def test_other_arrays_are_refused(towers, wrong):
    with pytest.raises(ValueError, match="clip height width 3"):
        towers.preprocess(wrong)


def test_sides_that_no_grid_covers_are_refused(towers):
    with pytest.raises(ValueError, match="multiples of 32"):
        towers.image_patches(torch.zeros(1, 3, 100, 64))


def test_a_clip_is_seen_and_heard_the_same_alone_and_in_a_batch(towers):
    images = towers.preprocess(frames(90, 120, count=3))
    sounds = torch.from_numpy(np.random.default_rng(1).normal(0, 0.1, (3, 30_000)).astype(np.float32))
    for method, batch in ((towers.embed_images, images), (towers.embed_audio, sounds)):
        together = method(batch)
        for index in range(3):
            torch.testing.assert_close(method(batch[index : index + 1])[0], together[index], atol=1e-5, rtol=1e-4)


def test_a_patch_is_a_distribution_over_looks_and_a_position_scores_of_sounds(towers):
    patches, _ = towers.image_patches(towers.preprocess(picture()[0]))
    positions = towers.sound_positions(torch.randn(1, 20_000, generator=torch.Generator().manual_seed(0)) * 0.1)

    torch.testing.assert_close(patches[..., :LOOKS].sum(dim=-1), torch.ones(patches.shape[:2]), atol=1e-4, rtol=0)
    scores, _ = towers.sound(torch.randn(1, 20_000, generator=torch.Generator().manual_seed(0)) * 0.1)
    torch.testing.assert_close(positions[..., LOOKS:], scores)


@pytest.mark.parametrize(
    ("look", "sound"), [("sax", "Saxophone"), ("violin", "Violin, fiddle"), ("chain saw", "Chainsaw")]
)
def test_probability_is_carried_between_the_same_things(towers, look, sound):
    looks = [label.key for label in towers.looks.labels]
    sounds = [label.key for label in towers.sounds.labels]
    seen = towers._from_looks(torch.eye(LOOKS)[looks.index(look)])[LOOKS:]
    heard = towers._sound_to_picture[sounds.index(sound)]

    assert seen.argmax() == sounds.index(sound) and seen.max() > 0.5
    assert heard.argmax() == looks.index(look)
    assert heard.sum() <= 1 + 1e-5
    assert seen[sounds.index("Dog")] == 0


def test_evidence_is_the_share_of_the_classes_labels(towers):
    found = towers.class_evidence(["guitar", "dog", "qwzx"], {})
    patches = torch.zeros(1, 2, 1521)
    positions = torch.zeros(1, 2, 1521)
    looks = [label.key for label in towers.looks.labels]
    sounds = [label.key for label in towers.sounds.labels]
    patches[0, 0, looks.index("acoustic guitar")], patches[0, 0, looks.index("electric guitar")] = 0.5, 0.25
    positions[0, 1, LOOKS + sounds.index("Dog")] = 0.75

    assert found.image(Patches(joint=patches)).tolist() == [[[0.75, 0, 0], [0, 0, 0]]]
    assert found.sound(Positions(joint=positions)).tolist() == [[[0, 0, 0], [0, 0.75, 0]]]


def test_evidence_of_no_class_is_empty(towers):
    nothing = towers.class_evidence([], {})

    assert towers.embed_text([]).shape == nothing.text.shape == (0, 1521)
    assert nothing.sound(Positions(joint=torch.zeros(1, 2, 1521))).shape == (1, 2, 0)
    assert nothing.image(Patches(joint=torch.zeros(1, 2, 1521))).shape == (1, 2, 0)


def test_a_class_taken_out_leaves_nothing_for_itself_and_all_for_others(towers):
    found = towers.class_evidence(["violin", "dog"], {})
    positions = Positions(joint=torch.rand(4, 1521))
    before, after = (found.sound(x[None])[0] for x in (positions, found.without_sound(positions, 0)))

    assert not after[:, 0].any()
    torch.testing.assert_close(after[:, 1], before[:, 1])
    patches = Patches(joint=torch.rand(4, 1521) / 500)
    assert not found.image(found.without_image(patches, 0)[None])[0, :, 0].any()


def test_silence_and_faint_noise_hold_no_class(towers):
    found = towers.class_evidence(["violin", "dog", "car", "piano", "drum", "baby", "chainsaw"], {})
    faint = torch.randn(1, 32_000, generator=torch.Generator().manual_seed(0)) * 1e-4
    for sound in (torch.zeros(1, 32_000), faint):
        assert found.sound(found.read_sounds(sound)).max() < 0.05


def test_an_object_stands_out_from_a_plain_ground_wherever_it_is(towers):
    for column in (120, 280, 450):
        canvas, inside = picture(centre=(150, column))
        foreground = towers.inspect_images(towers.preprocess(canvas)).foreground[0].numpy()
        share = inside.reshape(10, 32, 18, 32).mean(axis=(1, 3))

        assert foreground[share > 0.8].mean() > foreground[share == 0].mean() + 0.3
        assert share[np.unravel_index(foreground.argmax(), foreground.shape)] > 0


@pytest.mark.parametrize("value", [0, 128, 255])
def test_in_a_blank_frame_nothing_stands_out(towers, value):
    blank = np.full((1, 360, 640, 3), value, np.uint8)

    assert towers.inspect_images(towers.preprocess(blank)).foreground.max() < 0.5


def test_patches_of_one_object_are_more_alike_than_object_and_ground(towers):
    canvas, inside = picture()
    affinity = towers.inspect_images(towers.preprocess(canvas)).affinity[0].numpy()
    share = inside.reshape(10, 32, 18, 32).mean(axis=(1, 3)).ravel()

    np.testing.assert_allclose(np.diag(affinity), 1, atol=1e-4)
    np.testing.assert_allclose(affinity, affinity.T, atol=1e-5)
    assert affinity[share > 0.9][:, share > 0.9].mean() > affinity[share > 0.9][:, share == 0].mean() + 0.1


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 1000))
def test_bfloat16_says_nearly_the_same(towers, fast, seed):
    images = towers.preprocess(picture(colour=(seed % 256, 60, 20))[0])
    sound = torch.randn(1, 20_000, generator=torch.Generator().manual_seed(seed)) * 0.1

    assert fast.preprocess(picture()[0]).dtype == torch.float32
    for one, other in (
        (towers.embed_images(images), fast.embed_images(images)),
        (towers.embed_audio(sound), fast.embed_audio(sound)),
    ):
        assert other.dtype == torch.float32
        assert torch.cosine_similarity(one, other, dim=-1).min() > 0.95


@pytest.fixture(scope="module")
def fast():
    return load_compact(precision="bf16")


@pytest.mark.gpu
def test_a_gpu_says_nearly_the_same(towers):
    other = load_compact(device="cuda")
    images = towers.preprocess(picture()[0])
    sound = torch.randn(1, 40_000, generator=torch.Generator().manual_seed(0)) * 0.1

    seen = other.preprocess(picture()[0])
    assert seen.device.type == "cuda"
    step = 1.0 / efficientnet_lite.SCALE  # of a byte: the last bit may fall otherwise, no more
    torch.testing.assert_close(seen.cpu(), images, atol=1.01 * step, rtol=0)
    assert (seen.cpu() != images).float().mean() < 0.01
    torch.testing.assert_close(other.embed_images(images.cuda()).cpu(), towers.embed_images(images), atol=1e-3, rtol=0)
    torch.testing.assert_close(other.embed_audio(sound.cuda()).cpu(), towers.embed_audio(sound), atol=1e-3, rtol=0)
    torch.testing.assert_close(other.embed_text(["kitty"]).cpu(), towers.embed_text(["kitty"]), atol=1e-3, rtol=0)


def test_features_are_what_patches_and_positions_are_made_of(towers):
    images = towers.preprocess(picture()[0])
    wave = torch.sin(torch.arange(40_000) / 9.0)[None]
    patches, grid = towers.image_patches(images)
    features, same_grid = towers.image_features(images)

    assert (features.shape[-1], towers.sound_features(wave).shape[-1]) == towers.feature_dims
    assert same_grid == grid
    assert torch.allclose(towers.joint_image(features), patches, atol=1e-5)
    assert torch.allclose(towers.joint_sound(towers.sound_features(wave)), towers.sound_positions(wave), atol=1e-5)


def test_names_become_unit_vectors_in_which_related_ones_lie_close(towers):
    vectors = towers.embed_names(["dog", "Dog", "puppy", "trombone"])

    assert vectors.shape == (4, towers.names_dim)
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(4), atol=1e-5)
    assert torch.allclose(vectors[0], vectors[1])
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[3] + 0.2
    assert towers.embed_names([]).shape == (0, towers.names_dim)
