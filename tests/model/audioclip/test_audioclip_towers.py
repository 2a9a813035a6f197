import hashlib

import numpy as np
import pytest
import torch

from tests.model.audioclip.tiny_audioclip import (
    GOLDEN,
    RATE,
    TINY,
    outputs,
    pictures,
    sounds,
    tiny_towers,
    tiny_weights,
)
from tvsl_core.errors import InputError, WeightsError
from tvsl_core.model.audioclip.load import load_audioclip, load_network
from tvsl_core.model.audioclip.network import empty_network
from tvsl_core.model.evidence import Patches, Positions
from tvsl_core.model.towers import TrainableTowers


@pytest.fixture(scope="module")
def towers():
    return tiny_towers()


@pytest.fixture(scope="module")
def images(towers):
    return towers.preprocess(pictures())


@pytest.fixture(scope="module")
def waves():
    return torch.from_numpy(sounds())


def least_cosine(one, two):
    return torch.cosine_similarity(one.double(), two.double(), dim=-1).min().item()


def test_towers_keep_the_interface(towers):
    assert isinstance(towers, TrainableTowers)


def test_published_layout_is_kept_name_by_name():
    layout = sorted(f"{name}\t{tuple(value.shape)}\n" for name, value in empty_network().state_dict().items())

    assert len(layout) == 861
    assert sum(p.numel() for p in empty_network().parameters()) == 134_111_910
    digest = hashlib.sha256("".join(layout).encode()).hexdigest()
    assert digest == "59d847f0ce7a4bfa3d14fa1dbe3480c3b2f32f58b291b599e75ee024310a2bcd"


@pytest.mark.parametrize("name", ["image", "patches", "audio", "positions", "text"])
def test_outputs_are_those_of_the_golden_file(towers, name):
    expected = torch.from_numpy(np.load(GOLDEN)[name])
    found = torch.from_numpy(outputs(towers)[name])

    assert found.shape == expected.shape
    assert least_cosine(found, expected) >= 0.99999


def test_tokens_are_those_of_the_golden_file(towers):
    assert np.array_equal(outputs(towers)["tokens"], np.load(GOLDEN)["tokens"])


def test_shipped_path_equals_the_plain_network(towers, images, waves):
    plain, _ = load_network(tiny_weights(), TINY)

    with torch.inference_mode():
        assert least_cosine(towers.embed_images(images), plain.embed_images(images)) >= 0.999999
        assert least_cosine(towers.embed_audio(waves), plain.embed_audio(waves * 32_768)) >= 0.99999


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_clips_do_not_influence_each_other(towers, images, waves, kind):
    embed, batch = (towers.embed_images, images) if kind == "image" else (towers.embed_audio, waves)

    alone = torch.cat([embed(batch[index : index + 1]) for index in range(len(batch))])
    assert least_cosine(embed(batch), alone) >= 0.99999


def test_factored_pool_equals_attention_over_all_cells(towers, images):
    pool = towers.network.visual.attnpool
    features = towers.network.visual.features(images.to(memory_format=torch.channels_last))
    tokens = pool._tokens(features)

    with torch.inference_mode():
        full, short = (attend(tokens[:, :1], tokens) for attend in (pool._attend, pool._attend_factored))
    assert torch.allclose(full, short, rtol=1e-4, atol=1e-5)


def test_query_reading_of_the_mean_is_the_pooled_embedding(towers, images):
    pool = towers.network.visual.attnpool
    features = towers.network.visual.features(images)

    with torch.inference_mode():
        tokens = pool._tokens(features)
        every = pool.c_proj(pool._attend(tokens, tokens))
        assert torch.allclose(every[:, 1:], pool.patches(features, "query"), atol=1e-5)
        assert torch.allclose(every[:, 0], pool(features), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(96, 96), (32, 32), (64, 160), (224, 32)])
def test_patches_cover_any_frame_row_by_row(towers, height, width):
    patches, grid = towers.image_patches(torch.randn(1, 3, height, width))

    assert grid == (height // 32, width // 32)
    assert patches.shape == (1, grid[0] * grid[1], TINY.dim)


def test_positions_are_resampled_in_two_dimensions(towers):
    pool = towers.network.visual.attnpool
    wide = pool._positions(3, 6)[1:].reshape(3, 6, -1)
    tall = pool._positions(6, 3)[1:].reshape(6, 3, -1)
    learned = pool.positional_embedding[1:].reshape(3, 3, -1)

    assert (wide.mean(1) - learned.mean(1)).abs().mean() < 0.35 * learned.abs().mean()
    assert (tall.mean(0) - learned.mean(0)).abs().mean() < 0.35 * learned.abs().mean()
    assert torch.equal(pool._positions(3, 3), pool.positional_embedding)


@pytest.mark.parametrize("seconds", [10 / RATE, 0.037, 0.5, 1.0, 2.3])
def test_any_length_of_sound_fills_its_grid(towers, seconds):
    waves = torch.from_numpy(sounds(seconds))
    rows, columns = towers.sound_grid(waves.shape[1])

    assert towers.sound_positions(waves).shape == (2, rows * columns, TINY.dim)
    assert towers.embed_audio(waves).isfinite().all()


def test_five_seconds_have_eleven_by_thirteen_positions(towers):
    assert towers.sound_grid(5 * RATE) == (11, 13)


def test_positions_run_in_order_of_time(towers):
    quiet = torch.zeros(1, 10 * RATE)
    late = quiet.clone()
    late[:, -RATE // 2 :] = torch.from_numpy(sounds(0.5))[1]
    rows, columns = towers.sound_grid(10 * RATE)

    moved = (towers.sound_positions(late) - towers.sound_positions(quiet))[0].norm(dim=-1)
    by_time = moved.reshape(columns, rows).mean(1)
    assert by_time[-1] > 3 * by_time[0]


def test_no_power_at_all_is_minus_180_decibels(towers):
    zeros_for_the_filters = torch.full((1, 9000), -0.5)

    decibels = towers.network.audio.spectrogram(zeros_for_the_filters)
    assert torch.allclose(decibels, torch.tensor(-180.0))


def test_a_tone_is_loudest_in_its_own_bin():
    plain = tiny_towers().network.audio
    with torch.no_grad():
        plain.fbsp.m.fill_(0.01)
        plain.fbsp.fb.fill_(0.01)
        plain.fbsp.fc.copy_(torch.arange(len(plain.fbsp.fc)))
    plain.kernel = None
    time = torch.arange(RATE) / RATE
    for bin_ in (40, 300, 900):
        tone = 10_000 * torch.sin(2 * torch.pi * bin_ * RATE / TINY.sound.fft * time)
        column = plain.spectrogram(tone[None])[0, :, :, 20].flatten()
        assert abs(int(column.argmax()) - bin_) <= 1


def test_sound_scale_is_one_switch(waves):
    as_is = tiny_towers(sound_scale="unit")
    scaled = tiny_towers(sound_scale="int16")

    assert least_cosine(as_is.embed_audio(waves), scaled.embed_audio(waves / 32_768)) >= 0.9999
    assert least_cosine(as_is.embed_audio(waves), scaled.embed_audio(waves)) < 0.9999


def test_bfloat16_is_close_on_the_small_model(towers, images):
    fast = tiny_towers(precision="bf16")

    assert least_cosine(fast.embed_images(images), towers.embed_images(images)) >= 0.99


def test_texts_are_remembered_and_order_does_not_matter(towers):
    fresh = tiny_towers()
    first = fresh.embed_text(["dog", "a much longer name of something that barks"])
    again = fresh.embed_text(["a much longer name of something that barks", "dog"])

    assert torch.equal(first, again.flip(0))
    assert torch.allclose(first[:1], towers.embed_text(["dog"]), atol=1e-5)
    assert towers.embed_text([]).shape == (0, TINY.dim)
    assert fresh.embed_text(["dog", "dog"]).shape == (2, TINY.dim)


def test_evidence_does_not_depend_on_other_classes(towers, images, waves):
    two, three = (towers.class_evidence(names, {}) for names in (["dog", "bell"], ["dog", "bell", "car"]))
    patches, positions = two.read_images(images).patches, two.read_sounds(waves)

    assert torch.allclose(two.image(patches), three.image(patches)[..., :2], atol=1e-6)
    assert torch.allclose(two.image(patches), three.image(patches, [0, 1]), atol=1e-6)
    assert torch.allclose(two.sound(positions), three.sound(positions)[..., :2], atol=1e-6)
    assert torch.allclose(two.sound(positions), three.sound(positions, [0, 1]), atol=1e-6)


def test_silence_gives_no_evidence(towers):
    found = towers.class_evidence(["dog", "bell", "rain"], {})

    assert found.sound(found.read_sounds(torch.zeros(1, 5 * RATE))).max() <= 0.05


def test_evidence_rises_with_likeness(towers):
    name = towers.embed_text(["dog"])
    apart = torch.randn(1, TINY.dim, generator=torch.Generator().manual_seed(1)) * name.norm()
    places = torch.stack([name * share + apart * (1 - share) for share in (0.0, 0.3, 0.6, 1.0)], dim=1)

    values = towers.class_evidence(["dog"], {}).image(Patches(joint=places))[0, :, 0]
    assert (values.diff() >= 0).all()
    assert values.min() >= 0
    assert values.max() <= 1


def test_what_is_taken_out_no_longer_speaks_for_its_class(towers, images, waves):
    found = towers.class_evidence(["dog"], {})
    positions = Positions(joint=towers.sound_positions(waves)[0] + 3 * found.text)
    patches = Patches(joint=towers.image_patches(images)[0][0] + 3 * found.text)

    left, rest = found.without_sound(positions, 0), found.without_image(patches, 0)
    assert found.sound(left[None]).mean() < found.sound(positions[None]).mean()
    assert found.image(rest[None]).mean() < found.image(patches[None]).mean()


def test_inspection_agrees_with_the_single_questions(towers, images):
    parts = towers.inspect_images(images)
    patches, grid = towers.image_patches(images)

    assert torch.allclose(parts.patches.joint, patches)
    assert parts.grid == grid
    assert parts.foreground.shape == (2, *grid)
    assert 0 <= parts.foreground.min() <= parts.foreground.max() <= 1
    assert torch.allclose(parts.affinity, parts.affinity.transpose(1, 2), atol=1e-6)
    assert (parts.affinity.diagonal(dim1=1, dim2=2) == 1).all()


@pytest.mark.parametrize("size", [(1, 1), (17, 31), (720, 1280), (20, 4000)])
def test_frames_of_any_size_are_prepared_whole(towers, size):
    height, width = towers.preprocess(np.zeros((1, *size, 3), np.uint8)).shape[2:]

    assert height % 32 == 0
    assert width % 32 == 0
    assert max(height, width) <= 1024


def test_centre_crop_is_the_middle_square(towers):
    frame = np.zeros((1, 96, 192, 3), np.uint8)
    frame[:, :, 48:144] = 255

    assert towers.preprocess_centre(frame).min() > 1.5


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        (np.zeros((1, 8, 8, 4), np.uint8), "RGB"),
        (np.zeros((1, 8, 8), np.uint8), "RGB"),
        (np.zeros((1, 8, 8, 3), np.float32), "float32"),
        (np.zeros((1, 0, 8, 3), np.uint8), "pixels"),
        ([[1]], "numpy"),
    ],
)
def test_other_frames_are_refused(towers, frames, part):
    with pytest.raises(ValueError, match=part):
        towers.preprocess(frames)


@pytest.mark.parametrize(
    ("waves", "part"),
    [
        (torch.zeros(1, 2, 100), "mono"),
        (torch.zeros(100), "mono"),
        (torch.zeros(1, 100, dtype=torch.int16), "int16"),
        (torch.zeros(1, 0), "at least one sample"),
        (torch.full((1, 100), float("nan")), "finite"),
        (torch.full((1, 100), 20_000.0), "32768"),
        (np.zeros((1, 100), np.float32), "ndarray"),
    ],
)
def test_other_sounds_are_refused(towers, waves, part):
    with pytest.raises(ValueError, match=part):
        towers.embed_audio(waves)


@pytest.mark.parametrize(
    "waves", [torch.ones(1, 4000), -torch.ones(1, 4000), torch.zeros(1, 4000), torch.ones(1, 4000) * 3]
)
def test_constant_and_clipped_sounds_are_embedded(towers, waves):
    assert towers.embed_audio(waves).isfinite().all()


@pytest.mark.parametrize(("value", "scale"), [(4.0, 54.598), (4.9, 100.0), (-3.0, 1.0)])
def test_learned_scales_are_clamped_as_in_training(value, scale):
    weights = tiny_weights()
    weights["logit_scale_at"] = np.asarray(value, np.float32)

    assert load_network(weights, TINY)[0].scale("logit_scale_at") == pytest.approx(scale, abs=1e-3)


def test_images_that_were_not_prepared_are_refused(towers):
    with pytest.raises(ValueError, match="multiples of 32"):
        towers.embed_images(torch.zeros(1, 3, 100, 100))
    with pytest.raises(ValueError, match="preprocess"):
        towers.image_patches(torch.zeros(1, 96, 96, 3, dtype=torch.uint8))


def test_nothing_in_gives_nothing_out(towers):
    assert towers.embed_images(torch.zeros(0, 3, 96, 96)).shape == (0, TINY.dim)
    assert towers.image_patches(torch.zeros(0, 3, 96, 96))[0].shape == (0, 9, TINY.dim)
    assert towers.embed_audio(torch.zeros(0, 4000)).shape == (0, TINY.dim)
    assert towers.preprocess(np.zeros((0, 96, 96, 3), np.uint8)).shape == (0, 3, 96, 96)


def test_long_text_is_refused_and_emoji_is_not(towers):
    with pytest.raises(InputError, match="at most 75"):
        towers.tokenize(["word " * 80])
    with pytest.raises(ValueError, match="list"):
        towers.tokenize("cat")
    assert towers.embed_text(["🎻🔥", ""]).isfinite().all()
    assert int((towers.tokenize(["word " * 75])[0] != 0).sum()) == 77


def test_weights_of_another_model_are_refused():
    weights = tiny_weights()
    weights.pop("ln_final.bias")
    weights["extra"] = np.zeros(1, np.float32)

    with pytest.raises(WeightsError, match=r"1 tensors are missing \(ln_final.bias\) and 1 are unknown \(extra\)"):
        load_audioclip(weights=weights, sizes=TINY)


def test_weights_of_another_size_are_refused():
    weights = tiny_weights()
    weights["audio.fc.weight"] = np.zeros((32, 8), np.float32)

    with pytest.raises(WeightsError, match=r"audio\.fc\.weight is \[32, 8\] instead of \[32, 256\]"):
        load_audioclip(weights=weights, sizes=TINY)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(value):
    weights = tiny_weights()
    weights["visual.layer2.0.conv1.weight"][0, 0] = value

    with pytest.raises(WeightsError, match=r"visual\.layer2\.0\.conv1\.weight holds NaN"):
        load_audioclip(weights=weights, sizes=TINY)


def test_tensors_load_like_arrays_and_are_not_touched(towers, images):
    tensors = {name: torch.from_numpy(value) for name, value in tiny_weights().items()}
    before = {name: value.clone() for name, value in tensors.items()}
    loaded = load_audioclip(weights=tensors, sizes=TINY)

    assert loaded.weights_sha256 == towers.weights_sha256
    assert torch.equal(loaded.embed_images(images), towers.embed_images(images))
    assert all(torch.equal(before[name], value) for name, value in tensors.items())


def test_features_of_heads_are_patches_and_the_mean_of_each_time(towers, images, waves):
    rows, columns = towers.sound_grid(waves.shape[1])
    positions = towers.sound_positions(waves)
    features = towers.sound_features(waves)

    assert towers.feature_dims == (TINY.dim, TINY.dim) and towers.names_dim == TINY.dim
    assert torch.equal(towers.joint_image(towers.image_features(images)[0]), towers.image_patches(images)[0])
    assert features.shape == (2, columns, TINY.dim)
    assert torch.allclose(towers.joint_sound(features)[:, 1], positions[:, rows : 2 * rows].mean(dim=1), atol=1e-6)


def test_names_of_heads_are_unit_vectors(towers):
    assert torch.allclose(towers.embed_names(["dog", "a violin"]).norm(dim=-1), torch.ones(2), atol=1e-6)
