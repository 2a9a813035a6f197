"""Whose mouth goes with the voice: alone, in turns, together, and nobody's."""

import numpy as np
import pytest

from tvsl_core.annotate.objects.mouths import Mouths
from tvsl_core.annotate.objects.turns import evidence, find_turns
from tvsl_core.annotate.rules import MouthOptions

USUAL = MouthOptions()
RATE = USUAL.rate
SECONDS = 8


def voice(seed, *, first_s=0.0, last_s=SECONDS):
    """Loudness of somebody who speaks: three or four syllables a second, of any height, and silence around it."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(SECONDS * RATE)) / RATE
    loud = np.zeros(len(times))
    place = first_s + 0.1
    while place < last_s - 0.1:
        loud += rng.uniform(0.2, 1) * np.exp(-0.5 * ((times - place) / 0.07) ** 2)
        place += rng.uniform(0.2, 0.45)
    return loud


def mouth(loudness, *, seed=0, lag=0, wide=0.06):
    """A mouth that opens with a voice, seen with some error, on a head that slowly turns."""
    rng = np.random.default_rng(seed + 1000)
    drift = 0.01 * np.sin(np.arange(len(loudness)) / RATE + rng.uniform(0, 6))
    return wide * np.roll(loudness, lag) ** 0.7 + drift + rng.normal(0, 0.003, len(loudness))


def turns(*mouths, heard, seen=None, **options):
    openings = np.stack(mouths, axis=1)
    seen = np.ones(len(mouths), bool) if seen is None else np.asarray(seen)
    watched = Mouths(start_s=10.0, openings=openings, seen=seen, loudness=heard)
    return find_turns(watched, MouthOptions(**options))


def speaking(*mouths, heard, **options):
    """Who speaks in each turn, of those of whom it is sure."""
    return [tuple(one >= USUAL.sure for one in turn.probabilities) for turn in turns(*mouths, heard=heard, **options)]


SILENT = np.zeros(round(SECONDS * RATE))


@pytest.mark.parametrize("seed", range(3))
def test_who_speaks_is_whose_mouth_goes_with_the_voice_and_another_voice_turns_it_round(seed):
    one, other = voice(seed), voice(seed + 50)
    mouths = mouth(one, seed=1), mouth(other, seed=2)

    assert speaking(*mouths, heard=one) == [(True, False)]
    assert speaking(*mouths, heard=other) == [(False, True)]


@pytest.mark.parametrize("lag", [-2, 2])
def test_lips_may_part_before_they_are_heard_or_after(lag):
    one, other = voice(3), voice(53)

    assert speaking(mouth(one, lag=lag), mouth(other, seed=2), heard=one) == [(True, False)]


def test_who_speaks_in_turns_is_told_turn_by_turn_and_the_turns_are_the_whole():
    first, second = voice(4, last_s=3.9), voice(54, first_s=4.1)
    found = turns(mouth(first), mouth(second, seed=2), heard=first + second)

    assert [one > 0.5 for one in found[0].probabilities] == [True, False]
    assert [one > 0.5 for one in found[-1].probabilities] == [False, True]
    assert found[0].end_s > 12.4 and found[-1].start_s < 15.6, "near the change it may be either"
    assert (found[0].start_s, found[-1].end_s) == (10.0, 18.0)
    assert [one.end_s for one in found[:-1]] == [one.start_s for one in found[1:]]


def test_two_who_speak_at_once_are_both_heard():
    one, other = voice(5), voice(55)

    assert speaking(mouth(one), mouth(other, seed=2), heard=one + other) == [(True, True)]


@pytest.mark.parametrize("moving", [False, True])
def test_mouths_that_are_closed_or_say_something_else_are_not_heard(moving):
    mouths = [mouth(voice(seed) if moving else SILENT, seed=seed) for seed in (7, 57)]

    assert all(max(turn.probabilities) <= USUAL.unheard for turn in turns(*mouths, heard=voice(107)))


def test_what_another_mouth_explains_as_well_is_no_evidence_of_its_own():
    one = voice(7)
    alone = evidence(mouth(one)[:, None], one, USUAL)
    both = evidence(np.stack([mouth(one), mouth(one, seed=2, wide=0.03)], axis=1), one, USUAL)

    assert alone.mean() > both[:, 1].mean() + 3


def test_a_head_that_turns_slowly_says_nothing():
    times = np.arange(len(SILENT)) / RATE
    nods = np.stack([0.05 * np.sin(1.5 * times), 0.02 * np.sin(1.1 * times)], axis=1)

    assert evidence(nods, voice(8), USUAL).mean(axis=0).max() < -3


def test_neither_loudness_nor_distance_matters():
    one, other = voice(9), voice(59)
    usual = turns(mouth(one), mouth(other, seed=2), heard=one)
    quiet = turns(mouth(one), mouth(other, seed=2), heard=0.01 * one)

    assert quiet[0].probabilities == pytest.approx(usual[0].probabilities)


def test_of_a_face_that_is_not_seen_well_nothing_is_said():
    one = voice(10)
    (turn,) = turns(mouth(one), mouth(one), heard=one, seen=[True, False])

    assert turn.probabilities[0] > USUAL.sure
    assert np.isnan(turn.probabilities[1])


def test_a_word_of_somebody_else_is_no_turn():
    word = voice(11, first_s=4, last_s=4.7)
    one = voice(61) * (word < 0.01)
    found = turns(mouth(one), mouth(word, seed=2), heard=one + word, shortest_s=1.5)

    assert all(turn.end_s - turn.start_s >= 1.5 for turn in found)


@pytest.mark.parametrize("wrong", [{"rate": 1}, {"window_s": 0}, {"sure": 0.4}, {"unheard": 1.2}, {"alone_s": 0}])
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).removesuffix("_s")):
        MouthOptions(**wrong)


def test_a_short_while_in_which_no_mouth_goes_with_the_voice_is_no_voice_out_of_view():
    first, second, other = voice(4, last_s=3.3), voice(54, first_s=4.9), voice(104, first_s=3.3, last_s=4.9)
    mouths = mouth(first), mouth(second, seed=2)
    heard = first + second + other

    assert speaking(*mouths, heard=heard) == [(True, False), (False, True)]
    assert (False, False) in speaking(*mouths, heard=heard, unseen_s=0.0)
