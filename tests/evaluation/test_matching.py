"""Which map answers for which source."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from tvsl_core.evaluation.metrics.matching import by_class, greedy, hungarian
from tvsl_core.evaluation.metrics.mixture import assign, cap, evaluate, piap, pick

QUICK = settings(max_examples=80, deadline=None)


@st.composite
def gains(draw, most=6):
    shape = draw(st.tuples(st.integers(1, most), st.integers(0, most)))
    return draw(arrays(np.float64, shape, elements=st.integers(0, 20).map(lambda value: value / 20)))


@QUICK
@given(gains())
def test_the_hungarian_assignment_is_the_best_there_is(table):
    answer = hungarian(table)
    taken = [index for index in answer if index >= 0]
    rows, columns = linear_sum_assignment(-table)

    assert len(taken) == len(set(taken)) == min(table.shape)
    assert pick(table, answer).sum() == pytest.approx(table[rows, columns].sum())


@QUICK
@given(gains(most=3))
def test_small_tables_agree_with_trying_everything(table):
    size = max(table.shape)
    square = np.zeros((size, size))
    square[: table.shape[0], : table.shape[1]] = table
    best = max(sum(square[row, order[row]] for row in range(size)) for order in itertools.permutations(range(size)))

    assert pick(table, hungarian(table)).sum() == pytest.approx(best)


@QUICK
@given(gains())
def test_greedy_never_beats_the_best_and_never_uses_a_map_twice(table):
    answer = greedy(table)
    taken = [index for index in answer if index >= 0]

    assert len(taken) == len(set(taken))
    assert pick(table, answer).sum() <= pick(table, hungarian(table)).sum() + 1e-9


def test_greedy_goes_through_the_maps_in_their_order():
    table = np.array([[0.9, 0.8], [0.8, 0.0]])

    assert greedy(table) == [0, -1]
    assert greedy(table[:, ::-1]) == [0, 1]
    assert hungarian(table) == [1, 0]


def test_a_map_that_gains_nothing_uses_up_the_first_source():
    assert greedy(np.array([[0.0, 0.7], [0.0, 0.2]])) == [0, 1]


def test_a_map_that_is_empty_where_a_source_was_taken_is_lost():
    perfect = np.eye(2)

    assert greedy(perfect) == [0, 1]
    assert greedy(perfect, empty=perfect == 0) == [0, -1]


def test_names_are_compared_without_case_and_punctuation_and_the_surest_map_wins():
    answer = by_class(["Acoustic guitar", "cello"], ["acoustic_guitar", "acoustic guitar", "flute"], [0.2, 0.7, 0.9])

    assert answer == [1, -1]


@QUICK
@given(arrays(np.float64, (3, 3), elements=st.floats(0, 1)), st.permutations(range(3)))
def test_permuting_the_maps_leaves_piap_as_it_is(table, order):
    assert piap(table[:, order]).sum() == pytest.approx(piap(table).sum())


def test_cap_wants_the_right_name_and_piap_does_not():
    swapped = np.array([[0.1, 0.9], [0.8, 0.2]])
    scores = evaluate(swapped, ["dog", "cat"], ["dog", "cat"], [1.0, 1.0])

    assert scores["CAP"] == pytest.approx(0.15)
    assert scores["PIAP"] == pytest.approx(0.85)


def test_a_source_without_a_map_scores_nothing():
    assert cap(np.array([[0.7], [0.6]]), ["dog", "cat"], ["dog"], [1.0]).tolist() == [0.7, 0.0]
    assert piap(np.zeros((2, 0))).tolist() == [0.0, 0.0]


def test_an_unknown_matching_is_refused():
    with pytest.raises(ValueError, match="matching"):
        assign(np.zeros((1, 1)), ["a"], ["a"], [1.0], "best")
    with pytest.raises(ValueError, match="do not fit"):
        cap(np.zeros((1, 2)), ["a"], ["a"], [1.0])
