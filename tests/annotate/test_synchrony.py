"""Who of several equals sounds: whoever moves with the sound; and where nobody does, nobody is named."""

import numpy as np
import pytest

from tvsl_core.annotate.objects.footage import measure_loudness
from tvsl_core.annotate.objects.motion import Watched, measure_speeds
from tvsl_core.annotate.objects.synchrony import judge_equals, move_as_one
from tvsl_core.annotate.rules import SynchronyOptions
from tvsl_core.types import Frame

USUAL = SynchronyOptions()
RATE = USUAL.rate


def calls(seed, *, seconds=6.0):
    """How loud somebody is who calls now and then, picture by picture."""
    rng = np.random.default_rng(seed)
    loud = np.full(round(seconds * RATE), 0.002)
    for start in np.arange(0.3, seconds - 0.5, 1.0) + rng.uniform(0, 0.5):
        first = round((start + rng.uniform(-0.2, 0.3)) * RATE)
        loud[first : first + round(rng.uniform(0.2, 0.5) * RATE)] = rng.uniform(0.1, 0.3)
    return loud


def moving(loudness, *, lag=0, seed=0, gain=1.0):
    noise = np.random.default_rng(seed + 100).uniform(0.5, 1.5, len(loudness))
    return gain * (np.roll(loudness, lag) + 0.02) * noise


def judge(*speeds, heard, **options):
    watched = Watched(speeds=np.stack(speeds, axis=1), loudness=heard)
    return judge_equals(watched, SynchronyOptions(**options))


def words(judged):
    return ["silent" if not one.told else "sounding" if one.sure else "uncertain" for one in judged]


@pytest.mark.parametrize("seed", range(4))
def test_who_moves_with_the_sound_sounds_and_the_sound_of_the_other_turns_it_round(seed):
    one, other = calls(seed), calls(seed + 50)
    speeds = moving(one, seed=1), moving(other, seed=2)

    assert words(judge(*speeds, heard=one)) == ["sounding", "silent"]
    assert words(judge(*speeds, heard=other)) == ["silent", "sounding"]


@pytest.mark.parametrize("lag", [-4, 0, 4])
def test_a_movement_may_come_a_little_before_or_after_its_sound(lag):
    one, other = calls(1), calls(51)

    assert words(judge(moving(one, lag=lag), moving(other, seed=2), heard=one)) == ["sounding", "silent"]


def test_neither_size_nor_loudness_matters():
    one, other = calls(1), calls(51)
    usual = judge(moving(one), moving(other, seed=2), heard=one)
    larger = judge(moving(one, gain=10), moving(other, seed=2, gain=0.1), heard=0.05 * one)

    assert [other.probability for other in larger] == pytest.approx([one.probability for one in usual], abs=1e-3)


def test_who_stands_still_is_not_told_from_who_stands_still_beside_it():
    still = np.zeros(len(calls(1)))
    judged = judge(still, still, heard=calls(1))

    assert words(judged) == ["uncertain", "uncertain"]
    assert judged[0].share == judged[1].share


def test_two_who_both_move_with_what_is_heard_are_both_told():
    one, other = calls(1), calls(51)
    judged = judge(moving(one), moving(other, seed=2), heard=np.hypot(one, other))

    assert "silent" not in words(judged)


def test_where_one_of_them_must_sound_the_shares_add_up_to_one_at_least():
    noise = [np.random.default_rng(seed).uniform(0.5, 1.5, 150) for seed in range(5)]
    judged = judge(*noise[:4], heard=noise[4], bias=-4)

    assert words(judged) == ["uncertain"] * 4
    assert sum(one.share for one in judged) == pytest.approx(1)


def test_parts_of_one_object_move_as_one():
    one, other = moving(calls(1)), moving(calls(51), seed=2)

    assert move_as_one(Watched(speeds=np.stack([one, 2 * one], axis=1), loudness=calls(1)), USUAL)
    assert not move_as_one(Watched(speeds=np.stack([one, other], axis=1), loudness=calls(1)), USUAL)
    assert not move_as_one(Watched(speeds=np.zeros((50, 2)), loudness=calls(1)[:50]), USUAL)


# What is measured


TEXTURE = np.random.default_rng(0).integers(0, 256, (140, 360, 3)).astype(np.uint8)


def film(*, pan=0, jump=0, count=12):
    """A textured square that moves over a textured wall, filmed by a camera that moves as well."""
    import cv2

    wall = cv2.GaussianBlur(TEXTURE, (0, 0), 3)
    thing = cv2.GaussianBlur(TEXTURE[::-1], (0, 0), 2)[:60, :60]
    for number in range(count):
        picture = wall.copy()
        x = 60 + number * jump
        picture[40:100, x : x + 60] = thing
        yield Frame(
            time=number / 25,
            pts=number,
            index=number,
            pixels=np.ascontiguousarray(picture[:, number * pan : number * pan + 240]),
        )


def speeds_of(frames):
    boxes = [(60, 40, 120, 100), (160, 40, 220, 100)]
    _, speeds = measure_speeds(frames, lambda _: boxes, width=240)
    return speeds.mean(axis=0)


def test_what_moves_is_fast_and_what_stands_is_not():
    thing, wall = speeds_of(film(jump=2))

    assert thing > 4 * wall
    assert thing == pytest.approx(2 * 25 / 240, rel=0.5)


def test_a_moving_camera_moves_nothing():
    assert max(speeds_of(film(pan=2))) < 0.3 * 2 * 25 / 240


def test_loudness_is_the_root_mean_square_around_each_picture():
    sound = np.concatenate([np.zeros(1600), np.full(1600, 0.5)]).astype(np.float32)

    assert measure_loudness(sound, 16_000, np.array([0.05, 0.1, 0.15]), 0.04) == pytest.approx([0, 0.5 / 2**0.5, 0.5])
    assert measure_loudness(sound, 16_000, np.array([9.0]), 0.04).tolist() == [0.0]
