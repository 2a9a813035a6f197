"""Trained heads over frozen towers: they answer for their classes, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact.conversion.convert import add_heads
from tvsl_core.model.compact.load import embedded_heads, load_compact, read_weights
from tvsl_core.model.compact.store import read_metadata
from tvsl_core.model.evidence import ClassEvidence, Patches, Positions
from tvsl_core.model.heads import TvslHeads, options_for
from tvsl_core.model.heads_file import EarlierHeads, HeadsInfo, dump_heads, parse_heads
from tvsl_core.model.learned import GENERIC, LearnedEvidence, LearnedHeads
from tvsl_core.model.load import load_model, load_towers
from tvsl_core.vocabulary.classes import Vocabulary, VocabularyClass, load_vocabulary

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


def untrained_of(base, names):
    return base.class_evidence(names, load_vocabulary(None).evidence())


def evidence_of(learned, names):
    return LearnedEvidence(learned, untrained_of(learned.towers, names), names)


@pytest.fixture(scope="module")
def learned(base, heads):
    return LearnedHeads(base, heads, info_of(base))


@pytest.fixture(scope="module")
def features():
    generator = torch.Generator().manual_seed(1)
    return torch.rand(1, 6, 1280, generator=generator), torch.rand(1, 5, 1024, generator=generator)


def test_it_is_evidence_like_any_other(learned):
    assert isinstance(evidence_of(learned, ["dog"]), ClassEvidence)
    assert isinstance(untrained_of(learned.towers, ["dog"]), ClassEvidence)


def test_a_name_outside_the_training_is_judged_exactly_as_before(base, learned, features):
    image, sound = features
    names = ["helicopter", "sheep", "ocean waves"]
    found, before = evidence_of(learned, names), untrained_of(base, names)

    assert torch.equal(found.image(learned.patches(image)), before.image(Patches(joint=base.joint_image(image))))
    assert torch.equal(found.sound(learned.positions(sound)), before.sound(Positions(joint=base.joint_sound(sound))))
    assert not (found.is_look_trained | found.is_sound_trained).any()


def test_a_trained_class_is_judged_by_the_heads(base, heads, learned, features):
    image, sound = features
    found, names = evidence_of(learned, ["dog"]), base.embed_names(TRAINED)
    likely = torch.softmax(heads.image_logits(heads.see(image), names), dim=-1)[..., 1:2]
    heard = torch.sigmoid(heads.sound_logits(heads.hear(sound), names))[..., 1:2]

    torch.testing.assert_close(found.image(learned.patches(image)), likely)
    torch.testing.assert_close(found.sound(learned.positions(sound)), heard)


def test_some_classes_are_judged_as_among_all(learned, features):
    image, sound = features
    found = evidence_of(learned, ["helicopter", "dog", "sheep", "violin"])
    patches, positions = learned.patches(image), learned.positions(sound)

    torch.testing.assert_close(found.image(patches, [3, 0]), found.image(patches)[..., [3, 0]])
    torch.testing.assert_close(found.sound(positions, [3, 0]), found.sound(positions)[..., [3, 0]])
    agreement = found.agreement(patches, positions)
    torch.testing.assert_close(found.agreement(patches, positions, [3, 0]), agreement[:, [3, 0]])


def test_an_alias_is_the_class_and_a_generic_name_gets_a_little_less(learned, features):
    _, sound = features
    heard = evidence_of(learned, ["snare drum", "side drum", "drum"]).sound(learned.positions(sound))

    itself, alias, generic = heard.unbind(dim=-1)
    assert torch.equal(itself, alias)
    torch.testing.assert_close(generic, GENERIC * itself)


def test_what_was_trained_on_sounds_alone_keeps_its_untrained_look_but_where_the_heads_see_another(
    base, heads, features
):
    image, _ = features
    learned = LearnedHeads(base, heads, info_of(base, looks=["dog"]))
    dog = torch.softmax(heads.image_logits(heads.see(image), base.embed_names(TRAINED)), dim=-1)[..., 1:2]
    untrained = untrained_of(base, ["violin"]).image(Patches(joint=base.joint_image(image)))
    violin = evidence_of(learned, ["violin"])

    torch.testing.assert_close(violin.image(learned.patches(image)), untrained * (1 - dog))
    assert (violin.is_look_trained.tolist(), violin.is_sound_trained.tolist()) == ([False], [True])


def test_the_untrained_mapping_supports_a_class_as_far_as_it_is_told(base, heads, features):
    _, sound = features
    learned = LearnedHeads(base, heads, info_of(base, trust={"dog": 0.0}, support={"dog": 1.0}))
    untrained = untrained_of(base, ["dog"]).sound(Positions(joint=base.joint_sound(sound)))
    found = evidence_of(learned, ["dog"]).sound(learned.positions(sound))

    torch.testing.assert_close(found, untrained.clamp(1e-3, 1 - 1e-3), rtol=1e-4, atol=1e-5)


def test_a_class_that_leans_on_the_untrained_mapping_is_seen_where_either_sees_it(base, heads, learned, features):
    dogs = base.image.classifier.weight[[207, 208]].float()  # the untrained mapping is sure of two of eight patches
    image = torch.cat((features[0], 10 * dogs[None]), dim=1)
    leaning = LearnedHeads(base, heads, info_of(base, trust={"dog": 0.5}))
    own = evidence_of(learned, TRAINED).image(learned.patches(image))
    untrained = untrained_of(base, ["dog"]).image(Patches(joint=base.joint_image(image)))[..., 0]
    unclaimed = untrained * (1 - own.sum(dim=-1))
    found = evidence_of(leaning, ["dog", "violin"]).image(leaning.patches(image))

    assert (unclaimed > own[..., 1]).any() and (unclaimed < own[..., 1]).any()
    torch.testing.assert_close(found[..., 0], torch.maximum(own[..., 1], unclaimed))
    torch.testing.assert_close(found[..., 1], own[..., 0])


OLD = TRAINED[:2]


@pytest.fixture(scope="module")
def taught(base):
    """Heads that knew two classes, and heads that know a third."""
    torch.manual_seed(1)
    first, second = (TvslHeads(options_for(base, hidden=8)).eval().requires_grad_(False) for _ in range(2))
    before = replace(info_of(base), classes=OLD, text=base.embed_names(OLD).clone())
    info = replace(info_of(base), earlier=EarlierHeads(first, len(OLD)))
    return (
        LearnedHeads(base, first, before),
        LearnedHeads(base, second, info),
        LearnedHeads(base, second, info_of(base)),
    )


def test_what_was_known_is_answered_as_before_where_nothing_new_is(taught, features):
    """The share of what is new is all that the old answers lose."""
    before, after, anew = taught
    image, sound = features
    old, now, new = (one.patches(image).likely for one in (before, after, anew))
    share = new[..., 2:3]
    torch.testing.assert_close(now[..., 2:3], share)
    torch.testing.assert_close(now[..., :2], old[..., :2] * (1 - share))
    torch.testing.assert_close(now.sum(-1), torch.ones(now.shape[:-1]))

    old, now, new = (one.sounding(one.positions(sound)) for one in (before, after, anew))
    share = new[..., 2:3]
    torch.testing.assert_close(now[..., 2:3], share)
    torch.testing.assert_close(now[..., :2], old * (1 - share) + new[..., :2] * share)
    assert (old - new[..., :2]).abs().min() > 1e-4


def test_a_map_of_a_known_class_comes_from_the_heads_that_knew_it(taught, features):
    before, after, anew = taught
    image, sound = features
    old, now, new = (one.agreement(one.patches(image), one.positions(sound)) for one in (before, after, anew))

    torch.testing.assert_close(now[:, :2], old)
    torch.testing.assert_close(now[:, 2:], new[:, 2:])


def test_a_file_holds_both_and_gives_back_the_same(taught, base, features):
    _, after, _ = taught
    content = dump_heads(after.heads, after.info)
    heads, info = parse_heads(content, source="x")
    again = LearnedHeads(base, heads, info)

    assert info.earlier is not None and info.earlier.known == 2
    assert torch.equal(again.patches(features[0]).likely, after.patches(features[0]).likely)
    assert dump_heads(heads, info) == content


def test_taking_a_class_out_leaves_what_was_learned(learned, features):
    image, sound = features
    found = evidence_of(learned, ["violin"])
    patches, positions = learned.patches(image)[0], learned.positions(sound)[0]
    seen, heard = found.without_image(patches, 0), found.without_sound(positions, 0)

    assert torch.equal(heard.features, positions.features)
    assert torch.equal(seen.likely, patches.likely) and torch.equal(seen.seen, patches.seen)
    assert (heard.joint <= positions.joint).all() and (heard.joint < positions.joint).any()
    assert (seen.joint <= patches.joint).all() and (seen.joint < patches.joint).any()


def test_in_silence_there_is_nothing_to_judge_and_nothing_agrees(base, learned, features):
    found = evidence_of(learned, ["dog", "helicopter"])
    silence = found.no_sound[None]

    assert found.sound(silence).shape == (1, 0, 2)
    assert found.agreement(learned.patches(features[0]), silence).shape == (1, 2, 6)
    assert len(untrained_of(base, ["dog"]).no_sound) == len(found.no_sound) == 0


def test_what_another_evidence_has_read_is_refused(base, learned, features):
    with pytest.raises(ValueError, match="the same evidence"):
        evidence_of(learned, ["dog"]).image(Patches(joint=base.joint_image(features[0])))


def test_names_that_one_trained_class_answers_for_are_more_alike(base, learned):
    names = ["snare drum", "drum"]

    assert evidence_of(learned, names).likeness(0, 1) != untrained_of(base, names).likeness(0, 1)
    assert evidence_of(learned, names).likeness(0, 0) == pytest.approx(1)


def test_two_vocabularies_share_towers_and_change_nothing_for_each_other(base):
    default = load_model("compact-untrained", device="cpu")
    before = default.evidence.text.clone()
    names = Vocabulary(classes=(VocabularyClass(name="dog", sounds={"Gong": 1.0}, looks={"gong": 1.0}),))
    other = default.with_vocabulary(names)

    assert other.towers is default.towers
    assert torch.equal(default.with_vocabulary(default.vocabulary).evidence.text, before)
    assert torch.equal(base.embed_text(["dog"]), load_towers("compact", device="cpu").embed_text(["dog"]))
    assert not torch.equal(other.evidence.text[0], before[default.vocabulary.names.index("dog")])


def test_a_model_is_loaded_from_a_heads_file_and_refused_over_other_towers(base, heads, tmp_path):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(dump_heads(heads, info_of(base)))
    model = load_model(str(file), device="cpu")

    assert isinstance(model.evidence, LearnedEvidence)
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
    one = load_model(str(whole), device="cpu").evidence.read_images(base.preprocess(image)).patches
    two = evidence_of(LearnedHeads(base, heads, info_of(base)), ["dog"]).read_images(base.preprocess(image)).patches
    assert one.tensors().keys() == two.tensors().keys() == {"joint", "likely", "seen"}
    for name, tensor in one.tensors().items():
        torch.testing.assert_close(tensor, two.tensors()[name], rtol=0, atol=2e-3)


def test_a_picture_goes_through_the_network_once(base, learned, monkeypatch):
    image = base.preprocess(np.random.default_rng(0).integers(0, 255, (1, 64, 64, 3), dtype=np.uint8))
    passes, plain = [], base._features
    monkeypatch.setattr(base, "_features", lambda images: passes.append(1) or plain(images))
    parts = evidence_of(learned, ["dog"]).read_images(image)

    assert len(passes) == 1
    assert torch.equal(parts.features, base.image_features(image)[0])
    assert torch.equal(parts.patches.seen, learned.patches(base.image_features(image)[0]).seen)


def test_heads_may_also_be_given_as_the_weights_of_their_towers(base, heads, tmp_path):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(dump_heads(heads, info_of(base)))
    one, two = load_model("compact", weights=file, device="cpu"), load_model(str(file), device="cpu")

    assert isinstance(one.evidence, LearnedEvidence)
    assert one.sha256 == two.sha256
    with pytest.raises(WeightsError, match="holds trained heads, not the weights of towers"):
        load_towers("compact", weights=file, device="cpu")
    with pytest.raises(WeightsError, match="holds trained heads, not the weights of towers"):
        load_model("compact-untrained", weights=str(file), device="cpu")
    file.write_bytes(dump_heads(heads, replace(info_of(base), towers="audioclip")))
    with pytest.raises(WeightsError, match="heads for the audioclip towers, not for compact"):
        load_model("compact", weights=file, device="cpu")


def test_damaged_heads_are_one_sentence(base, heads):
    content = dump_heads(heads, info_of(base))

    with pytest.raises(WeightsError, match="damaged"):
        parse_heads(content[:-10], source="x")
    with pytest.raises(WeightsError):
        parse_heads(b"nothing at all", source="x")


def _shipped():
    from tvsl_core.model.facts import WEIGHTS_FILE

    return WEIGHTS_FILE


def _raw_metadata(path):
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return file.metadata()
