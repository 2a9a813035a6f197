"""Scenes of known truth through a real model: what is drawn, and what is reported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.builders import make_material
from tests.model.heads.test_heads import make_heads
from tests.model.heads.test_heads_file import INFO
from tvsl_core.api.calibrate import CalibrateRequest, calibrate
from tvsl_core.data.scenes.kinds import KINDS, draw_kinds
from tvsl_core.errors import InputError
from tvsl_core.model.calibration import Calibration
from tvsl_core.model.heads_file import dump_heads
from tvsl_core.tuning.fit import support_of
from tvsl_core.tuning.scenes import embed_scenes, exclusive_classes, means_the_same, score_scene, split_material

HELD_OUT = ("artist1", "library1", "place1", "street1")


@pytest.fixture(scope="module")
def pools(tmp_path_factory):
    material = make_material(tmp_path_factory.mktemp("material"), groups=2, seconds=5.0)
    return split_material(material, HELD_OUT)


@pytest.fixture(scope="module")
def scenes(pools, model):
    return list(embed_scenes(model, pools[1], each=2, seed=0))


def test_held_out_sources_are_apart_from_the_rest(pools):
    learned_from, held_out = pools

    assert set(held_out.groups) <= set(HELD_OUT)
    assert set(learned_from.groups).isdisjoint(HELD_OUT) and learned_from.classes


def test_sources_that_are_not_there_are_named_with_those_that_are(tmp_path):
    material = make_material(tmp_path, groups=1)

    with pytest.raises(InputError, match="nowhere") as caught:
        split_material(material, ["nowhere"])
    assert "artist0" in caught.value.hint


def test_every_kind_of_scene_is_what_it_says(pools):
    drawn = list(draw_kinds(pools[1], each=3, sample_rate=16000, seed=1))

    assert [given.kind for given in drawn].count("pair") == 6
    assert {given.kind for given in drawn} == set(KINDS)
    for given in drawn:
        sounding, visible = set(given.scene.sounding), set(given.scene.visible)
        counts = (len(sounding & visible), len(visible - sounding), len(sounding - visible))
        if given.kind == "pair":
            assert counts == (2, 0, 0)
        elif given.kind == "silent":
            assert counts == (1, 1, 0)
        elif given.kind == "single":
            assert counts == (1, 0, 0)
        elif given.kind == "noise":
            assert counts[0] == counts[2] == 0
        else:
            assert counts[0] == 0 and counts[2] == 1


def test_a_box_is_around_the_pixels_of_its_object(pools):
    given = next(given for given in draw_kinds(pools[1], each=1, sample_rate=16000) if given.kind == "pair")

    for place in range(2):
        x_min, y_min, x_max, y_max = given.box(place)
        mine = given.scene.regions == place + 1
        assert mine[y_min:y_max, x_min:x_max].sum() == mine.sum() > 0
        assert mine[y_min].any() and mine[:, x_min].any() and mine[y_max - 1].any() and mine[:, x_max - 1].any()
    assert given.box(2) is None


def test_a_judged_scene_holds_the_truth_and_what_annotation_would_report(scenes, model):
    for scene in scenes:
        found = score_scene(scene, model)

        assert found.sounding == scene.given.scene.sounding
        assert [thing.name for thing in found.objects] == list(scene.given.scene.visible)
        assert {one.name for one in found.reported} <= set(model.vocabulary.names)


def test_generic_and_specific_names_mean_the_same_and_cousins_do_not(model):
    assert means_the_same(model, "rooster", "bird") and means_the_same(model, "bird", "rooster")
    assert means_the_same(model, "drum kit", "drums")
    assert not means_the_same(model, "owl", "rooster")


def test_a_name_never_meets_those_below_it(model):
    assert exclusive_classes(model, ["bird", "owl", "violin"]) == (("bird", "owl"),)


def test_centring_moves_the_scores_and_no_decision():
    scores = {"threshold": 0.1, "offscreen_threshold": 0.6, "familiar_threshold": 0.05}
    given = Calibration(**scores, sound_offset=-4.0, sound_gain=1.3)
    centred = given.centred()
    sound = torch.linspace(0.001, 0.999, 200)

    assert centred.threshold == pytest.approx(0.5)
    for name in scores:
        before = given.audible(sound) >= getattr(given, name)
        after = centred.audible(sound) >= getattr(centred, name)
        assert torch.equal(before, after) and before.any() and not before.all(), name


def test_classes_from_few_sources_lean_on_the_untrained_mapping(pools):
    support = support_of(pools[0])

    assert set(support["trust"]) == set(pools[0].classes)
    assert all(value == 0.5 for value in support["trust"].values())
    assert all(value == 1.0 for value in support["support"].values())


def test_a_calibration_with_an_impossible_threshold_is_refused():
    with pytest.raises(ValueError, match="threshold"):
        Calibration(threshold=1.5)
    assert np.isfinite(Calibration().image_weight)


def test_a_folder_of_videos_per_class_is_split_as_material_is(tmp_path):
    for name in ("dog/anna__walk.mp4", "dog/ben__park.mp4", "bell/anna__tower.mp4", "bell/ben__door.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"not looked into yet")
    learned_from, held_out = split_material(tmp_path, ["ben"])

    assert (learned_from.groups, held_out.groups) == (("anna",), ("ben",))
    assert held_out.classes == ("bell", "dog")


def test_heads_whose_training_held_nothing_out_are_calibrated_on_nothing_until_it_is_named(tmp_path):
    heads = tmp_path / "heads.safetensors"
    heads.write_bytes(dump_heads(make_heads(), replace(INFO, details={"held_out": []})))

    with pytest.raises(InputError, match="held nothing out") as caught:
        calibrate(CalibrateRequest(heads=heads, material=tmp_path, out=tmp_path / "out.safetensors"))
    assert "--sources" in caught.value.hint
