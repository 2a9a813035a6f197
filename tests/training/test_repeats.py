"""Seeds, repeats bit for bit, what a refusal says, and steps in parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.training.tiny import CLASSES, TinyScenes, TinyTowers, digest, make_run, newest
from tvsl_core.api.reproduce import paper_grids, train_seeds
from tvsl_core.api.train import TrainingPlan
from tvsl_core.errors import TrainingError
from tvsl_core.training.batch import assemble
from tvsl_core.training.features.live import KeptFeatures, LiveFeatures
from tvsl_core.training.options import LossWeights, TrainOptions
from tvsl_core.training.record.log import differences
from tvsl_core.training.run import train
from tvsl_core.training.sources import SourceOptions, load_sources

CPU = torch.device("cpu")
SAMPLES = Path(__file__).resolve().parents[2] / "sample_videos"


def test_a_refusal_names_the_setting_that_differs(tmp_path):
    train(make_run(tmp_path, epochs=1), device=CPU)

    with pytest.raises(TrainingError, match=r"other settings: learning_rate was 0.01 and is 0.005\."):
        train(make_run(tmp_path, epochs=1, learning_rate=5e-3), device=CPU)
    with pytest.raises(TrainingError, match=r"losses.see was 1.0 and is 0.5\."):
        train(make_run(tmp_path, epochs=1, losses=LossWeights(see=0.5)), device=CPU)
    with pytest.raises(TrainingError, match="its data, towers or heads have changed since"):
        train(make_run(tmp_path, epochs=1, towers=TinyTowers(seed=3)), device=CPU)


def test_a_refused_run_leaves_the_record_of_the_first_one(tmp_path):
    train(make_run(tmp_path, epochs=1), device=CPU)
    before = (tmp_path / "run.json").read_bytes()

    with pytest.raises(TrainingError):
        train(make_run(tmp_path, epochs=1, batch=4), device=CPU)

    assert (tmp_path / "run.json").read_bytes() == before


def test_what_may_change_is_no_difference():
    asked = {"options": {"seed": 1, "checkpoint_steps": 5}, "request": {"workers": 1, "cache": "a", "classes": []}}
    other = {"options": {"seed": 1, "checkpoint_steps": 9}, "request": {"workers": 7, "cache": "b", "classes": ()}}

    assert differences(asked, other) == {}


def test_deterministic_runs_are_the_same_bit_for_bit_whatever_the_threads(tmp_path):
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 2):
            torch.set_num_threads(threads)
            train(make_run(tmp_path / f"{threads}", deterministic=True, epochs=2), device=CPU)
            assert torch.get_num_threads() == threads
            assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(before)

    assert digest(newest(tmp_path / "1")) == digest(newest(tmp_path / "2"))


def plan_of(tmp_path, **given):
    run = make_run(tmp_path / "runs", cache=tmp_path / "cache", epochs=2, **given)
    return TrainingPlan(run=run, sources=SimpleNamespace(), device=CPU)


def test_seeds_share_scenes_and_cache_and_differ_in_weights(tmp_path):
    towers = TinyTowers()
    runs = train_seeds(plan_of(tmp_path, towers=towers), (1, 2, 3))
    scenes, cached = 24 + 8, towers.pictures_seen

    assert [run.seed for run in runs] == [1, 2, 3]
    assert cached <= scenes + 2 * 3  # one look a run says how large rows are
    assert len({digest(run.trained.heads) for run in runs}) == 3
    (grid,) = paper_grids(runs)
    loss = next(row for row in grid.rows if row[0] == "loss")
    values = [run.trained.scores["loss"] for run in runs]
    assert loss[1] == pytest.approx(np.mean(values)) and loss[2] == pytest.approx(np.std(values, ddof=1))
    assert list(loss[4:]) == values
    assert "| loss |" in (tmp_path / "runs/table.md").read_text()
    assert (tmp_path / "runs/table.tex").is_file() and (tmp_path / "runs/table.csv").is_file()


def test_the_seeds_of_split_and_scenes_are_apart():
    def drawn(**seeds):
        found = load_sources(SourceOptions(dataset=SAMPLES, validation=0.2, scenes=8, **seeds))
        return found.held_out, found.train.fingerprint()

    plain, other_scenes, other_split = drawn(), drawn(scene_seed=1), drawn(split_seed=5)  # 1 to 3 hold out the same

    assert other_scenes[0] == plain[0] and other_scenes[1] != plain[1]
    assert other_split[0] != plain[0]
    with pytest.raises(ValueError, match="split-seed and scene-seed must not be negative"):
        SourceOptions(dataset="x", scene_seed=-1)


def test_a_step_in_parts_takes_the_mean_of_their_gradients(tmp_path):
    """Every part hears as many names, so a loss that judges every name weighs parts alike."""
    plain = {"losses": LossWeights(**dict.fromkeys(LossWeights().active(), 0.0) | {"hear": 1.0}), "max_steps": 3}
    plain |= {"heads": {"hidden": 16, "dropout": 0.0}, "validation": 0}
    whole, parts = (train(make_run(tmp_path / name, accumulate=n, **plain), device=CPU) for name, n in
                    (("whole", 1), ("parts", 4)))  # fmt: skip
    from tvsl_core.training.record.log import read_metrics

    first, second = (read_metrics(run.heads.parent) for run in (whole, parts))
    for name in ("loss", "gradient"):
        assert [line[name] for line in first] == pytest.approx([line[name] for line in second], rel=1e-4)


def test_parts_of_a_batch_hold_every_scene_once():
    batch = assemble(LiveFeatures(TinyScenes(7), TinyTowers()), np.arange(7), 0, TrainOptions(), augment=False)

    assert [len(part.image) for part in batch.parts(3)] == [3, 2, 2]
    assert torch.equal(torch.cat([part.sounding for part in batch.parts(3)]), batch.sounding)
    assert len(batch.parts(100)) == 7


def test_scenes_rendered_beside_are_the_scenes_rendered_here():
    here, beside = (LiveFeatures(TinyScenes(60), TinyTowers(), workers=workers) for workers in (0, 1))
    some = np.random.default_rng(0).permutation(60)  # more groups than a process may be ahead

    for side in ("pictures", "sounds"):
        for mine, theirs in zip(getattr(here, side)(some, 2), getattr(beside, side)(some, 2), strict=True):
            assert np.array_equal(mine, theirs)


def test_features_that_are_kept_are_those_of_the_first_epoch():
    live = LiveFeatures(TinyScenes(6), TinyTowers())
    kept = KeptFeatures(live)

    for epoch in (0, 5):
        assert np.array_equal(
            kept.pictures(np.array([4, 1]), epoch).features, live.pictures(np.array([4, 1]), 0).features
        )
    assert kept.classes == CLASSES


def test_every_class_is_validated_by_itself(tmp_path):
    import csv

    train(make_run(tmp_path, epochs=25, patience=0), device=CPU)
    with (tmp_path / "classes.csv").open() as file:
        rows = list(csv.DictReader(file))

    assert [row["class"] for row in rows] == list(CLASSES)
    scenes = TinyScenes(8, seed=9)
    for row in rows:
        sounding = sum(row["class"] in scenes.sound(index, 0, 1600).sounding for index in range(8))
        assert int(row["sounding"]) == sounding and float(row["heard"]) > 0.7


def test_where_no_place_is_known_a_class_has_no_share_of_it(tmp_path):
    run = replace(make_run(tmp_path, epochs=1), validation=TinyScenes(8, seed=9, marked=False))
    train(run, device=CPU)

    assert all(line.endswith(",,0") for line in (tmp_path / "classes.csv").read_text().splitlines()[1:])


def test_as_many_epochs_are_stored_as_have_room_and_none_where_not_even_one_has(monkeypatch):
    from tvsl_core.training.features import cache

    live = LiveFeatures(TinyScenes(24), TinyTowers())
    one = sum(plan.bytes for plan in cache.plan_cache(live, folder=cache.Path(), epochs=1))
    for room, wanted, epochs in ((3.5, 30, 3), (3.5, 2, 2), (99, 30, cache.MOST_EPOCHS), (0.9, 30, 0)):
        monkeypatch.setattr(cache, "ROOMY", int(room * one))
        assert cache.choose_epochs(live, wanted=wanted) == epochs
