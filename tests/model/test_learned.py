"""Trained heads over frozen towers: they answer for their classes, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact.conversion.convert import add_heads
from tvsl_core.model.compact.load import embedded_heads, load_compact, read_weights
from tvsl_core.model.compact.store import HEADS, read_metadata
from tvsl_core.model.heads import TvslHeads, options_for
from tvsl_core.model.heads_file import HeadsInfo, dump_heads, parse_heads
from tvsl_core.model.learned import GENERIC, LearnedTowers
from tvsl_core.model.load import load_model, load_towers
from tvsl_core.model.towers import Towers

TRAINED = ("violin", "dog", "snare drum")


@pytest.fixture(scope="module")
def base():
    return load_towers("compact", device="cpu")


@pytest.fixture(scope="module")
def heads(base):
    torch.manual_seed(0)
    return TvslHeads(options_for(base, hidden=8)).eval().requires_grad_(False)


def info_of(base, **details) -> HeadsInfo:
    text = base.embed_names(TRAINED).clone()
    return HeadsInfo(towers="compact", towers_sha256=base.weights_sha256, classes=TRAINED, text=text, details=details)


@pytest.fixture(scope="module")
def learned(base, heads):
    return LearnedTowers(base, heads, info_of(base), weights_sha256="x")


@pytest.fixture(scope="module")
def features():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(1, 6, 1280, generator=generator), torch.rand(1, 5, 1024, generator=generator)


def test_they_are_towers_like_any_other(learned):
    assert isinstance(learned, Towers)


def test_a_name_outside_the_training_is_judged_exactly_as_before(base, learned, features):
    image, sound = features
    names = ["helicopter", "sheep", "ocean waves"]
    text, before = learned.embed_text(names), base.embed_text(names)

    assert torch.equal(
        learned.image_evidence(learned.joint_image(image), text), base.image_evidence(base.joint_image(image), before)
    )
    assert torch.equal(
        learned.sound_evidence(learned.joint_sound(sound), text), base.sound_evidence(base.joint_sound(sound), before)
    )


def test_a_trained_class_is_judged_by_the_heads(base, heads, learned, features):
    image, sound = features
    text = learned.embed_text(["dog"])
    names = base.embed_names(TRAINED)
    likely = torch.softmax(heads.image_logits(heads.see(image), names), dim=-1)[..., 1:2]
    heard = torch.sigmoid(heads.sound_logits(heads.hear(sound), names))[..., 1:2]

    torch.testing.assert_close(learned.image_evidence(learned.joint_image(image), text), likely)
    torch.testing.assert_close(learned.sound_evidence(learned.joint_sound(sound), text), heard)


def test_an_alias_is_the_class_and_a_generic_name_gets_a_little_less(learned, features):
    _, sound = features
    positions = learned.joint_sound(sound)

    itself, alias, generic = (
        learned.sound_evidence(positions, learned.embed_text([name])) for name in ("snare drum", "side drum", "drum")
    )
    assert torch.equal(itself, alias)
    torch.testing.assert_close(generic, GENERIC * itself)


def test_what_was_trained_on_sounds_alone_keeps_its_untrained_look_but_where_the_heads_see_another(
    base, heads, features
):
    image, _ = features
    towers = LearnedTowers(base, heads, info_of(base, looks=["dog"]), weights_sha256="x")
    dog = torch.softmax(heads.image_logits(heads.see(image), base.embed_names(TRAINED)), dim=-1)[..., 1:2]
    untrained = base.image_evidence(base.joint_image(image), base.embed_text(["violin"]))

    torch.testing.assert_close(
        towers.image_evidence(towers.joint_image(image), towers.embed_text(["violin"])), untrained * (1 - dog)
    )


def test_the_untrained_mapping_supports_a_class_as_far_as_it_is_told(base, heads, features):
    _, sound = features
    support = {"trust": {"dog": 0.0}, "support": {"dog": 1.0}}
    towers = LearnedTowers(base, heads, info_of(base, **support), weights_sha256="x")
    untrained = base.sound_evidence(base.joint_sound(sound), base.embed_text(["dog"]))
    found = towers.sound_evidence(towers.joint_sound(sound), towers.embed_text(["dog"]))

    torch.testing.assert_close(found, untrained.clamp(1e-3, 1 - 1e-3), rtol=1e-4, atol=1e-5)


def test_a_class_that_leans_on_the_untrained_mapping_is_seen_where_either_sees_it(base, heads, learned, features):
    dogs = base.image.classifier.weight[[207, 208]].float()  # the untrained mapping is sure of two of eight patches
    image = torch.cat((features[0], 10 * dogs[None]), dim=1)
    leaning = LearnedTowers(base, heads, info_of(base, trust={"dog": 0.5}), weights_sha256="x")
    own = learned.image_evidence(learned.joint_image(image), learned.embed_text(TRAINED))
    untrained = base.image_evidence(base.joint_image(image), base.embed_text(["dog"]))[..., 0]
    unclaimed = untrained * (1 - own.sum(dim=-1))
    found = leaning.image_evidence(leaning.joint_image(image), leaning.embed_text(["dog", "violin"]))

    assert (unclaimed > own[..., 1]).any() and (unclaimed < own[..., 1]).any()
    torch.testing.assert_close(found[..., 0], torch.maximum(own[..., 1], unclaimed))
    torch.testing.assert_close(found[..., 1], own[..., 0])


def test_taking_a_class_out_leaves_what_was_learned(learned, features):
    _, sound = features
    positions, violin = learned.joint_sound(sound)[0], learned.embed_text(["violin"])[0]
    rest = learned.without_sound(positions, violin)

    assert torch.equal(rest[:, learned.dim :], positions[:, learned.dim :])
    assert (rest[:, : learned.dim] <= positions[:, : learned.dim]).all()


def test_a_model_is_loaded_from_a_heads_file_and_refused_over_other_towers(base, heads, tmp_path):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(dump_heads(heads, info_of(base)))
    model = load_model(str(file), device="cpu")

    assert isinstance(model.towers, LearnedTowers)
    assert model.sha256 != base.weights_sha256
    file.write_bytes(dump_heads(heads, replace(info_of(base), towers_sha256="0" * 64)))
    with pytest.raises(WeightsError, match="other compact weights"):
        load_model(str(file), device="cpu")


def test_settings_of_another_version_are_refused_in_one_sentence(base, heads, tmp_path):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(dump_heads(heads, replace(info_of(base), calibration={"no_such": 1.0})))

    with pytest.raises(WeightsError, match="no_such"):
        load_model(str(file), device="cpu")


def test_heads_travel_in_the_weights_file_and_the_towers_keep_their_identity(base, heads, tmp_path):
    tensors, _, _, sha256 = read_weights(_shipped())
    details = read_metadata(_raw_metadata(_shipped()))
    own = tmp_path / "heads.safetensors"
    own.write_bytes(dump_heads(heads, info_of(base), half=True))
    whole = tmp_path / "whole.safetensors"
    whole.write_bytes(add_heads(tensors, details, own, towers_sha256=sha256))

    assert load_compact(weights=whole).weights_sha256 == base.weights_sha256
    found, file_sha256 = embedded_heads(whole)
    assert found is not None and found[1].classes == TRAINED
    assert load_model(str(whole), device="cpu").sha256 == file_sha256
    image = np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3), dtype=np.uint8)
    one = load_model(str(whole), device="cpu").towers.inspect_images(base.preprocess(image)).patches
    two = LearnedTowers(base, heads, info_of(base), weights_sha256="x").inspect_images(base.preprocess(image)).patches
    torch.testing.assert_close(one, two, rtol=0, atol=2e-3)


def test_a_picture_goes_through_the_network_once(base, learned, monkeypatch):
    image = base.preprocess(np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3), dtype=np.uint8))
    passes, plain = [], base._features
    monkeypatch.setattr(base, "_features", lambda images: passes.append(1) or plain(images))
    parts = learned.inspect_images(image)

    assert len(passes) == 1
    assert torch.equal(parts.features, base.image_features(image)[0])
    assert torch.equal(parts.patches, learned.image_patches(image)[0])


def test_damaged_heads_are_one_sentence(base, heads):
    content = dump_heads(heads, info_of(base))

    with pytest.raises(WeightsError, match="damaged"):
        parse_heads(content[:-10], source="x")
    with pytest.raises(WeightsError):
        parse_heads(b"nothing at all", source="x")


def _shipped():
    from tvsl_core.model.compact.load import WEIGHTS_FILE

    return WEIGHTS_FILE


def _raw_metadata(path):
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        assert HEADS in file.keys() or True  # noqa: SIM118 - with or without heads
        return file.metadata()
