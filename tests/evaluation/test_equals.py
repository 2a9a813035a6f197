"""Who of two equals sounds, counted on answers whose figures are known by hand."""

import math

import pytest

from tvsl_core.evaluation.metrics.equals import (
    EqualsAnswer,
    both_found,
    evaluate,
    evaluate_talking,
    one_sided,
    right_side,
    turned,
)


def answer(heard, *named, picture=0):
    return EqualsAnswer(picture=picture, heard=frozenset(heard), named=tuple(frozenset(one) for one in named))


def test_the_right_side_is_counted_where_one_alone_is_named():
    answers = [answer({0}, {0}, {0}, {1}, {0, 1}), answer({1}, {0}), answer({0, 1}, {0}), answer({0})]
    figure = right_side(answers)

    assert (figure.value, figure.number) == (2 / 4, 2)
    assert one_sided(answers).value == 4 / 5


def test_a_picture_turns_round_when_both_of_its_answers_are_right():
    turns = [answer({0}, {0}, {0}, {1}), answer({1}, {1}, {0, 1})]
    stays = [answer({0}, {0}, picture=1), answer({1}, {0}, picture=1)]
    unsure = [answer({0}, {0}, picture=2), answer({1}, {0, 1}, picture=2)]
    unheard = [answer({0}, {0}, picture=3), answer({1}, picture=3)]

    assert (turned(turns).value, turned(stays).value, turned(unsure).value) == (1, 0, 0)
    assert (turned([*turns, *stays, *unsure, *unheard]).number) == 3


def test_both_are_found_where_both_are_named():
    assert both_found([answer({0, 1}, {0, 1}, {0}), answer({0}, {0, 1})]).value == 0.5


def test_everything_is_counted_once_and_nothing_to_count_is_not_a_number():
    figures = evaluate([answer({0}, {0})])

    assert len({figure.name for figure in figures}) == 4
    assert math.isnan(figures[-1].value)
    assert all(figure.low <= figure.value <= figure.high for figure in figures[:2])


def test_a_scene_in_which_nobody_is_heard_is_refused():
    with pytest.raises(ValueError, match="nobody"):
        evaluate([answer(set(), {0})])


def test_people_who_speak_are_counted_kind_by_kind():
    answers = [
        ("duel", answer({0}, {0}, {0, 1})),
        ("duel", answer({1}, {1})),
        ("turns", answer({0}, {1})),
        ("alone", answer({0}, {0}, set(), {0, 1})),
        ("narrated", answer(set(), set(), {0})),
        ("dubbed", answer(set(), set())),
    ]
    values = {figure.name: figure.value for figure in evaluate_talking(answers)}

    assert values["talking: right side, of the instants that name one"] == 1
    assert values["talking: one side named"] == 2 / 3
    assert values["talking: turns round with the sound"] == 1
    assert values["talking in turns: right side, of the instants that name one"] == 0
    assert values["talking alone: named"] == 2 / 3
    assert (values["narrated: nobody in view named"], values["dubbed: nobody in view named"]) == (0.5, 1)
