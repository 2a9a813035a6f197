"""Moving scenes of equals: one picture whoever is heard, each object moves with its own sound."""

from itertools import islice

import numpy as np
import pytest

from tests.builders import make_material
from tvsl_core.data.material.folder import load_material
from tvsl_core.data.scenes.equals import FRAME_RATE, SECONDS, SIZE, EqualsScenes
from tvsl_core.data.scenes.pool import MediaPool

RATE = 16_000


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return load_material(make_material(tmp_path_factory.mktemp("material"))).pool


def scenes(pool, motion="follow", seed=0):
    return EqualsScenes(pool, motion=motion, seed=seed, sample_rate=RATE)


def first(scene, count=3):
    return np.stack(list(islice(scene.frames(), count)))


@pytest.mark.parametrize("motion", ["follow", "strike"])
def test_swapping_who_is_heard_changes_the_sound_alone(pool, motion):
    one, other, both = (
        scenes(pool, motion).scene(0, heard=heard) for heard in ((True, False), (False, True), (True, True))
    )

    assert np.array_equal(first(one), first(other))
    assert not np.array_equal(one.waveform, other.waveform)
    assert one.boxes == both.boxes
    assert np.corrcoef(both.waveform, one.waveform + other.waveform)[0, 1] > 0.99


def test_a_scene_is_the_same_again_and_another_seed_gives_another(pool):
    assert np.array_equal(first(scenes(pool).scene(1)), first(scenes(pool).scene(1)))
    assert not np.array_equal(first(scenes(pool).scene(1)), first(scenes(pool, seed=1).scene(1)))


def test_a_scene_is_as_long_as_its_sound_and_its_left_object_comes_first(pool):
    scene = scenes(pool).scene(0)

    assert len(scene.waveform) == SECONDS * RATE
    assert sum(1 for _ in scene.frames()) == SECONDS * FRAME_RATE
    assert scene.boxes[0][2] <= SIZE[0] / 2 <= scene.boxes[1][0] + SIZE[0] * 0.05


def test_a_pool_without_cutouts_and_sounds_of_one_class_gives_no_scene():
    with pytest.raises(ValueError, match="cut out"):
        scenes(MediaPool(pictures=(), sounds=())).scene(0)
