from __future__ import annotations

import pytest
import torch

from tests.training.tiny import TinyTowers, make_run
from tvsl_core.training.speed import NoiseScenes, bench_training, estimate


def test_both_ways_are_measured_in_one_run():
    found = {speed.way: speed for speed in bench_training(TinyTowers(), batch=4, repeats=1, source=None)}

    assert list(found) == ["through the towers", "from the cache"]
    assert found["through the towers"].ratio == pytest.approx(1)
    assert all(speed.seconds > 0 and speed.scenes_per_s == pytest.approx(4 / speed.seconds) for speed in found.values())


def test_an_estimate_measures_and_writes_nothing(tmp_path):
    run = make_run(tmp_path / "run", cache=tmp_path / "cache", count=24, epochs=3)
    found = estimate(run, device=torch.device("cpu"))

    assert not list(tmp_path.iterdir())
    assert (found.steps, found.steps_per_epoch) == (9, 3)
    assert [plan.scenes for plan in found.caches] == [24, 24, 8, 8]
    assert found.cache_bytes == sum(plan.bytes for plan in found.caches)
    assert found.total_s >= found.steps * found.step_s > 0


def test_scenes_of_noise_are_the_same_every_time():
    one, two = (NoiseScenes(4).scene(2, 1, sample_rate=8000) for _ in range(2))

    assert (one.frame == two.frame).all() and (one.waveform == two.waveform).all()
    assert one.frame.shape == (224, 448, 3) and one.waveform.shape == (40_000,)
