"""Long scenes of exact times."""

import numpy as np
import pytest

from tests.builders import MATERIAL_COLOURS, make_material
from tvsl_core.data.material.folder import load_material
from tvsl_core.data.scenes.kinds import KINDS
from tvsl_core.data.scenes.timed import SECONDS, TIMED_KINDS, TimedScenes, coloured_noise, true_spans

RATE = 16_000


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return load_material(make_material(tmp_path_factory.mktemp("material"), seconds=3.0)).pool


@pytest.fixture(scope="module")
def scenes(pool):
    source = TimedScenes(pool, families=[tuple(MATERIAL_COLOURS)], seed=1, sample_rate=RATE)
    return list(source.draw(6))


def test_every_kind_is_what_it_says(scenes):
    assert {one.kind for one in scenes} == set(TIMED_KINDS) and len(scenes) == 6 * len(TIMED_KINDS)
    for one in scenes:
        sounding, visible = {event.name for event in one.events}, set(one.visible)
        if one.kind in ("unknown", "noise"):
            assert not sounding
        elif one.kind == "pair":
            assert len(sounding) == 2 and sounding == visible
        elif one.kind == "silent":
            assert len(sounding) == 1 and sounding < visible
        elif one.kind == "single":
            assert sounding == visible and len(sounding) == 1
        elif one.kind == "offscreen":
            assert len(sounding) == 1 and not sounding & visible
        assert bool(one.unnamed) == (one.kind == "unknown") or one.kind in ("general", "kin")


def test_times_are_those_of_the_sound(scenes):
    """In a quiet scene without room or noise, sound is where the truth says, and nowhere else."""
    for one in (scene for scene in scenes if scene.kind in ("silent", "single", "offscreen")):
        sounding = np.zeros(len(one.waveform), bool)
        for event in one.events:
            assert 0 <= event.start_s < event.end_s <= SECONDS
            sounding[round(event.start_s * RATE) : round(event.end_s * RATE)] = True
        level = np.square(one.waveform.astype(np.float64))
        assert level[sounding].mean() > 1e-5
        assert level[~sounding].mean() < level[sounding].mean() * 1e-2


def test_there_are_pauses_and_repeats(scenes):
    pauses = [
        later.start_s - event.end_s
        for one in scenes
        if one.kind == "single"
        for event, later in zip(one.events, one.events[1:], strict=False)
    ]

    assert pauses and min(pauses) >= 0.45 and max(pauses) > 1


def test_a_scene_is_the_same_whoever_asks(pool, scenes):
    again = TimedScenes(pool, families=[tuple(MATERIAL_COLOURS)], seed=1, sample_rate=RATE).scene("pair", 3)
    before = [one for one in scenes if one.kind == "pair"][3]
    other = TimedScenes(pool, seed=2, sample_rate=RATE).scene("pair", 3)

    assert again.events == before.events and np.array_equal(again.waveform, before.waveform)
    assert np.array_equal(again.frame, before.frame)
    assert other.events != before.events


def test_kinds_that_the_files_do_not_give_are_left_out(pool):
    bare = pool.only(lambda item: bool(item.names))

    assert TimedScenes(bare, seed=1, sample_rate=RATE).kinds == ("general", *KINDS)


def test_a_breath_is_no_pause_and_a_click_no_event():
    track = np.zeros(4 * RATE, np.float32)
    track[RATE : 2 * RATE] = 0.5
    track[round(2.3 * RATE) : 3 * RATE] = 0.5
    track[round(3.9 * RATE) : round(3.92 * RATE)] = 0.5

    assert true_spans(track, RATE) == [(1.0, 3.0)]
    assert true_spans(np.zeros(RATE, np.float32), RATE) == []


def test_coloured_noise_has_the_level_that_it_is_given():
    noise = coloured_noise(RATE, RATE, np.random.default_rng(0))

    assert noise.std() == pytest.approx(1, abs=1e-3)
