"""Against the published implementation's outputs, wherever the folder with them lies beside the project."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tvsl_core.model.audioclip import AudioClipTowers, load_audioclip
from tvsl_core.model.audioclip.load import load_network
from tvsl_core.model.audioclip.network import AudioClipNetwork

FOLDER = Path(
    os.environ.get("TVSL_AUDIOCLIP_REFERENCE", Path(__file__).resolve().parents[4] / "shared" / "audioclip_reference")
)
pytestmark = pytest.mark.skipif(not (FOLDER / "expected.npz").is_file(), reason="no AudioCLIP reference folder")


def distance(ours: torch.Tensor, name: str) -> float:
    """Relative L2 distance to the published array."""
    theirs = np.load(FOLDER / "expected.npz")[name].astype(np.float64)
    return float(np.linalg.norm(ours.double().numpy() - theirs) / np.linalg.norm(theirs))


def cosine(ours: torch.Tensor, name: str) -> float:
    """Least cosine with the published embeddings."""
    theirs = torch.from_numpy(np.load(FOLDER / "expected.npz")[name]).double()
    return torch.cosine_similarity(ours.double(), theirs, dim=-1).min().item()


@pytest.fixture(scope="module")
def recipe():
    spec = importlib.util.spec_from_file_location("audioclip_recipe", FOLDER / "recipe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def weights(recipe):
    return recipe.state_dict()


@pytest.fixture(scope="module")
def plain(weights) -> AudioClipNetwork:
    return load_network(weights)[0]


@pytest.fixture(scope="module")
def towers(weights) -> AudioClipTowers:
    return load_audioclip(weights=weights)


@pytest.fixture(scope="module")
def embedded(towers, recipe):
    return {
        "image": towers.embed_images(torch.from_numpy(recipe.images())),
        "audio": towers.embed_audio(torch.from_numpy(recipe.waveforms()[:, 0] / 32_768)),
        "text": towers.embed_text(recipe.TEXTS),
    }


def test_names_and_shapes_are_the_published_ones(plain):
    lines = (FOLDER / "tensors.tsv").read_text().splitlines()
    published = [tuple(line.split("\t")[:3]) for line in lines]

    ours = [(name, str(tuple(value.shape)), str(value.dtype)) for name, value in plain.state_dict().items()]
    assert sorted(ours) == sorted(published)


def test_tokens_are_identical(towers, recipe):
    assert np.array_equal(towers.tokenize(recipe.TEXTS), np.load(FOLDER / "expected.npz")["tokens"])


@pytest.mark.parametrize("name", ["image", "audio", "text"])
def test_shipped_path_gives_the_published_embeddings(embedded, name):
    assert cosine(embedded[name], name) >= 0.99999


def test_image_features_are_the_published_ones(plain, recipe):
    with torch.inference_mode():
        features = plain.visual.features(torch.from_numpy(recipe.images()))
        pooled = plain.visual.attnpool(features)

    assert distance(features.mean(1), "visual_layer4_channel_mean") < 1e-5
    assert distance(features.mean((2, 3)), "visual_layer4_place_mean") < 1e-5
    assert distance(pooled, "image") < 1e-4


def test_spectrogram_and_sound_features_are_the_published_ones(plain, recipe):
    with torch.inference_mode():
        decibels = plain.audio.spectrogram(torch.from_numpy(recipe.waveforms()[:, 0]))
        features = plain.audio.features(decibels)

    assert (decibels.shape[0], 1, *decibels.shape[1:]) == tuple(np.load(FOLDER / "expected.npz")["spectrogram_shape"])
    assert distance(decibels.mean(1, keepdim=True), "spectrogram_column_mean") < 1e-3
    assert distance(decibels[0, :, 100:110, 200:206], "spectrogram_patch") < 1e-3
    assert distance(features.mean(1), "audio_layer4_channel_mean") < 1e-3
    assert distance(features.mean((2, 3)), "audio_layer4_place_mean") < 1e-3


@pytest.mark.parametrize(
    ("name", "scale", "left", "right", "tolerance"),
    [
        ("logits_image_text", "logit_scale", "image", "text", 1e-3),
        # bins at the limit of float32 in the spectrogram are worth a hundredth of a logit
        ("logits_audio_image", "logit_scale_ai", "audio", "image", 2e-2),
        ("logits_audio_text", "logit_scale_at", "audio", "text", 2e-2),
    ],
)
def test_logits_are_the_published_ones(plain, embedded, name, scale, left, right, tolerance):
    one, two = (torch.nn.functional.normalize(embedded[side][:2].double(), dim=-1) for side in (left, right))

    logits = plain.scale(scale) * one @ two.T
    assert np.abs(logits.numpy() - np.load(FOLDER / "expected.npz")[name]).max() < tolerance


@pytest.mark.slow
def test_bfloat16_stays_close_to_float32(weights, embedded, recipe):
    fast = load_audioclip(weights=weights, precision="bf16")

    image = fast.embed_images(torch.from_numpy(recipe.images()))
    audio = fast.embed_audio(torch.from_numpy(recipe.waveforms()[:, 0] / 32_768))
    assert torch.cosine_similarity(image, embedded["image"]).min() >= 0.999
    assert torch.cosine_similarity(audio, embedded["audio"]).min() >= 0.999
