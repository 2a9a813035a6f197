from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact import load_compact
from tvsl_core.model.compact.store import dump_metadata, read_metadata
from tvsl_core.model.facts import WEIGHTS_FILE


def changed(shipped, **changes):
    """The shipped tensors with some replaced (dots written as __), or left out where the value is None."""
    table = dict(shipped)
    for name, value in changes.items():
        table.pop(name.replace("__", "."), None)
        if value is not None:
            table[name.replace("__", ".")] = value
    return table


def test_a_table_of_tensors_or_arrays_gives_the_same_towers_as_the_file(towers, shipped):
    torch.manual_seed(0)
    image = torch.randn(1, 3, 64, 64)
    for table in (shipped, {name: value.numpy() for name, value in shipped.items()}):
        other = load_compact(weights=table)

        assert torch.equal(other.embed_images(image), towers.embed_images(image))
        assert torch.equal(other.embed_text(["kitty"]), towers.embed_text(["kitty"]))
        assert len(other.weights_sha256) == 64


def test_the_digest_names_the_weights(towers, shipped):
    one = load_compact(weights=shipped).weights_sha256
    other = load_compact(weights=changed(shipped, image__stem__bias=shipped["image.stem.bias"] + 1)).weights_sha256

    assert one != other
    assert towers.weights_sha256 == load_compact().weights_sha256


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("image__head__bias", None, "lack tensor image.head.bias"),
        ("sound__stem__weight__scale", None, "lack tensor sound.stem.weight.scale"),
        ("labels__vectors", None, "lack tensor labels.vectors"),
        ("text__vocabulary", None, "lack tensor text.vocabulary"),
        ("image__head__bias", torch.zeros(7), r"image.head.bias has shape \(7,\), not \(1280,\)"),
        ("labels__vectors", torch.zeros(3, 384), r"labels.vectors has shape \(3, 384\)"),
        ("image__head__bias", torch.full((1280,), torch.nan), "image.head.bias has values that are not finite"),
        (
            "sound__stem__weight__scale",
            torch.full((32,), torch.inf),
            "sound.stem.weight has values that are not finite",
        ),
        ("image__head__bias", torch.zeros(1280, dtype=torch.int64), "image.head.bias has type torch.int64"),
        ("image__extra", torch.zeros(1), "unknown tensor image.extra"),
        ("text__vocabulary", torch.zeros(5, dtype=torch.uint8), "text.vocabulary holds"),
        ("text__vocabulary", torch.full((5,), 255, dtype=torch.uint8), "text.vocabulary is no list of words"),
        ("image__head__bias", [1, 2], "image.head.bias is a list"),
    ],
)
def test_whatever_is_wrong_with_a_table_is_said_with_the_name_and_what_to_do(shipped, name, value, words):
    with pytest.raises(WeightsError, match=words) as caught:
        load_compact(weights=changed(shipped, **{name: value}))

    assert "tvsl models build compact" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"nothing\.safetensors"):
        load_compact(weights=tmp_path / "nothing.safetensors")


@pytest.mark.parametrize("share", [0.0, 1e-6, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_damaged(tmp_path, share):
    path = tmp_path / "cut.safetensors"
    content = WEIGHTS_FILE.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(WeightsError, match=r"cut\.safetensors are damaged"):
        load_compact(weights=path)


def test_garbage_is_damaged_and_a_folder_cannot_be_read(tmp_path):
    path = tmp_path / "garbage.safetensors"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    for wrong in (path, tmp_path):
        with pytest.raises(WeightsError, match=str(wrong)):
            load_compact(weights=wrong)


def test_another_models_file_is_told_apart(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"format": "pt"})

    with pytest.raises(WeightsError, match="not a compact model"):
        load_compact(weights=path)


def test_another_version_of_the_format_is_told_apart():
    header = {key: value.replace('"version": 1', '"version": 9') for key, value in dump_metadata({}).items()}

    with pytest.raises(WeightsError, match="version 9"):
        read_metadata(header)


def test_a_copy_elsewhere_is_the_same_model(tmp_path, towers):
    path = tmp_path / "Ünïcode name.safetensors"
    shutil.copy(WEIGHTS_FILE, path)

    assert load_compact(weights=path).weights_sha256 == towers.weights_sha256


def test_precision_must_be_known():
    with pytest.raises(ValueError, match="fp16"):
        load_compact(precision="fp16")
