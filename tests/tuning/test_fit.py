"""The scorer's fitting: scenes of exact times, what is true of them, and scores that mean what they say."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.builders import cutout, make_material, write_picture
from tvsl_core.annotate.events import EVENT_FEATURES
from tvsl_core.annotate.evidence import FEATURES, HOP_S, FineEvidence
from tvsl_core.annotate.rules import EventOptions
from tvsl_core.annotate.signals.score import kinship
from tvsl_core.api.calibrate import CalibrateRequest, calibrate, evidence_of
from tvsl_core.data.scenes.timed import TimedEvent, TimedScene
from tvsl_core.errors import InputError
from tvsl_core.evaluation.metrics import certainty
from tvsl_core.tuning.fit import (
    HeardScene,
    JudgedEvents,
    fit_events,
    fit_scorer,
    hear,
    judge_events,
    temper,
)
from tvsl_core.tuning.scenes import alike_classes
from tvsl_core.vocabulary.classes import Vocabulary, VocabularyClass

VOCABULARY = Vocabulary(
    classes=(
        VocabularyClass(name="drum"),
        VocabularyClass(name="snare drum", parents=("drum",)),
        VocabularyClass(name="cello"),
        VocabularyClass(name="siren"),
    )
)
POSITIONS = 125
SOURCES = Path(__file__).resolve().parents[2] / "sample_videos" / "sources"


def evidence(*, positions: int = POSITIONS) -> FineEvidence:
    """Of four classes; the last one is not trained."""
    flat, grid = np.zeros(positions, np.float32), np.zeros((positions, 4), np.float32)
    return FineEvidence(
        sound=grid, untrained=grid, level_db=flat, rise=flat, fall=flat, look=grid, look_broad=grid,
        trained=np.array([True, True, True, False]),
    )  # fmt: skip


def scene(*events: TimedEvent, visible: tuple[str, ...] = (), unnamed=()) -> TimedScene:
    return TimedScene(
        kind="general", frame=np.zeros((2, 2, 3), np.uint8), waveform=np.zeros(1, np.float32), visible=visible,
        events=events, unnamed=unnamed,
    )  # fmt: skip


def at(seconds: float) -> int:
    return round(seconds / HOP_S)


def test_a_generic_name_is_true_and_a_more_specific_one_unknown():
    drum = hear(scene(TimedEvent("drum", 2, 4)), evidence(), VOCABULARY).truth[at(3)]
    snare = hear(scene(TimedEvent("snare drum", 2, 4)), evidence(), VOCABULARY).truth

    assert drum[0] == 1 and np.isnan(drum[1]) and drum[2] == drum[3] == 0
    assert snare[at(3)].tolist() == [1, 1, 0, 0]
    assert snare[at(5)].tolist() == [0, 0, 0, 0]


def test_which_untrained_name_fits_a_sound_that_nobody_named_is_unknown():
    truth = hear(scene(unnamed=((2.0, 4.0),)), evidence(), VOCABULARY).truth

    assert truth[at(3), :3].tolist() == [0, 0, 0] and np.isnan(truth[at(3), 3])
    assert truth[at(5), 3] == 0


def test_what_is_seen_is_seen_under_its_generic_name_too():
    assert hear(scene(visible=("snare drum",)), evidence(), VOCABULARY).visible.tolist() == [True, True, False, False]


def toy_scenes(count: int, *, seed: int = 0) -> list[HeardScene]:
    """Two candidates, cello and siren, of which the first sounds for a while; its first feature says so."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        start, stop = int(rng.integers(5, 40)), int(rng.integers(60, 120))
        features = rng.standard_normal((POSITIONS, 2, len(FEATURES))).astype(np.float16)
        features[:, :, 0] -= 6
        features[start:stop, 0, 0] += 12
        truth = np.zeros((POSITIONS, 4), np.float16)
        truth[start:stop, 2] = 1
        found.append(
            HeardScene(klasses=np.array([2, 3]), features=features, truth=truth, visible=np.zeros(4, dtype=bool))
        )
    return found


def test_what_sounds_is_found_when_it_sounds():
    fitted = fit_scorer(toy_scenes(16), VOCABULARY)
    (fresh,) = toy_scenes(1, seed=9)
    sounding = fitted.scorer.sounding(torch.from_numpy(fresh.features.astype(np.float32))).numpy()

    assert sounding[fresh.truth[:, 2] == 1, 0].mean() > 0.9
    assert sounding[fresh.truth[:, 2] == 0, 0].mean() < 0.1 and sounding[:, 1].mean() < 0.1
    assert fitted.scenes == 16 and fitted.events >= 16


def test_an_event_is_right_when_half_of_it_is_and_not_judged_when_nobody_knows():
    fitted = fit_scorer(toy_scenes(16), VOCABULARY)
    kin = kinship(VOCABULARY)
    (fresh,) = toy_scenes(1, seed=9)

    def told(truth: np.ndarray) -> tuple[float, float]:
        events = judge_events(fitted.scorer.positions, [replace(fresh, truth=truth)], kin, EventOptions())
        longest = int(events.features[:, 2].argmax())
        return float(events.right[longest]), float(events.weight[longest])

    assert told(fresh.truth) == (1, 1)
    assert told(np.zeros_like(fresh.truth)) == (0, 1)
    assert told(np.full_like(fresh.truth, np.nan))[1] == 0


def toy_events(count: int, *, seed: int) -> JudgedEvents:
    """Events whose first feature says how likely they are right, and whose second whether they are in view."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((count, len(EVENT_FEATURES))).astype(np.float32)
    right = (rng.random(count) < 1 / (1 + np.exp(-2 * features[:, 0]))).astype(np.float32)
    in_view = (features[:, 1] > 0).astype(np.float32)
    return JudgedEvents(features, right, in_view, np.ones(count, np.float32), right)


def test_scores_of_events_say_how_often_they_are_right():
    network, fresh = fit_events(toy_events(1500, seed=0), seed=0), toy_events(3000, seed=1)
    with torch.inference_mode():
        logits = network(torch.from_numpy(fresh.features)) / torch.tensor(temper(network, fresh))
    told = certainty.evaluate(fresh.right > 0, torch.sigmoid(logits[:, 0]).double().numpy())

    assert told.calibration_error < 0.05 and told.auroc > 0.8
    assert ((logits[:, 1] > 0).numpy() == (fresh.in_view > 0)).mean() > 0.9


def test_a_judge_that_is_too_sure_is_tempered():
    network, fresh = fit_events(toy_events(1500, seed=0), seed=0), toy_events(3000, seed=1)
    before = temper(network, fresh)
    with torch.no_grad():
        network.layers[-1].weight *= 2
        network.layers[-1].bias *= 2

    assert temper(network, fresh)[0] == pytest.approx(2 * before[0], rel=0.1)


def test_events_that_nobody_can_judge_teach_nothing():
    judged = toy_events(400, seed=0)
    half = np.arange(400) < 200
    spoilt = judged._replace(right=np.where(half, judged.right, 1 - judged.right), weight=half.astype(np.float32))
    network = fit_events(spoilt, seed=0)
    fresh = toy_events(2000, seed=1)
    with torch.inference_mode():
        score = torch.sigmoid(network(torch.from_numpy(fresh.features))[:, 0]).double().numpy()

    assert certainty.evaluate(fresh.right > 0, score).auroc > 0.75


def test_the_details_hold_the_reliability_table_and_no_nan():
    fitted = fit_scorer(toy_scenes(16), VOCABULARY)
    details = fitted.details("toys")

    assert details["fitted_on"] == "toys" and details["scenes"] == 16
    assert len(details["reliability"]) == 10 and sum(row[2] for row in details["reliability"]) == details["judged"]
    assert all(value is None or np.isfinite(value) for row in details["reliability"] for value in row)


def test_scenes_in_which_nothing_is_found_are_too_few():
    silent = [replace(one, truth=np.zeros_like(one.truth)) for one in toy_scenes(8)]

    with pytest.raises(InputError, match="no events"):
        fit_scorer(silent, VOCABULARY)


def test_families_share_a_label_of_sound(model):
    families = alike_classes(model.vocabulary)

    assert any({"trumpet", "trombone"} <= set(one) for one in families)
    assert not any({"trumpet", "dog"} <= set(one) for one in families)


def test_evidence_lies_every_hop_and_rises_where_the_sound_does(model):
    waveform = np.zeros(16000 * 4, np.float32)
    waveform[32000:48000] = 0.3 * np.sin(np.arange(16000) * 2 * np.pi * 440 / 16000)
    tone = replace(scene(), frame=np.full((90, 160, 3), 128, np.uint8), waveform=waveform)
    heard = evidence_of(tone, model)

    assert len(heard.sound) == 64000 // round(HOP_S * 16000) + 1
    assert heard.level_db[at(2.5)] == pytest.approx(-13.5, abs=0.5) and heard.level_db[at(1.5)] < -100
    assert abs(int(heard.rise.argmax()) - at(2.0)) <= 1 and abs(int(heard.fall.argmax()) - at(3.0)) <= 1


@pytest.mark.slow
def test_a_scorer_is_stored_with_its_heads(tmp_path, model):
    from tvsl_core.model.heads_file import dump_heads, load_heads
    from tvsl_core.model.load import load_model
    from tvsl_core.model.scorer import ScorerLayout, restore_scorer

    heads = tmp_path / "heads.safetensors"
    heads.write_bytes(dump_heads(model.learned.heads, replace(model.learned.info, scorer=None)))
    material = make_material(tmp_path / "material", groups=1)
    for name in ("dog", "owl", "sheep", "cow"):  # calls that the towers know; tones are nothing to them
        write_picture(material / "images" / name / f"artist1__{name}.png", cutout((200, 30, 30)))
        (material / "sounds" / name).mkdir(exist_ok=True)
        shutil.copy(SOURCES / f"{name}.ogg", material / "sounds" / name / f"library1__{name}.ogg")
    out = tmp_path / "calibrated.safetensors"
    fitted = calibrate(
        CalibrateRequest(heads=heads, material=material, out=out, sources=("artist1", "library1"), each=1)
    )
    stored = load_heads(out)[1].scorer
    layout = ScorerLayout(position_features=FEATURES, event_features=EVENT_FEATURES)
    restored, details = restore_scorer(stored.tensors, stored.metadata, layout=layout, where="out")

    assert all(torch.equal(tensor, restored.state_dict()[name]) for name, tensor in fitted.scorer.state_dict().items())
    used = load_model(out, device="cpu").found_scorer
    assert used.fitted and torch.equal(used.scorer.temperature, fitted.scorer.temperature)
    assert not load_model(heads, device="cpu").found_scorer.fitted
    assert details["fitted_on"].endswith("seed 5") and details["reliability"]
    assert set(load_heads(heads)[0].state_dict()) == set(load_heads(out)[0].state_dict())
