"""Figures of scenes whose truth is known, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tvsl_core.data.predictions.judged import JudgedScene, ObjectTruth, SourceReport
from tvsl_core.evaluation.metrics.scenes import score_scenes, wilson
from tvsl_core.types import box_iou

LEFT, RIGHT = (0, 0, 50, 100), (50, 0, 100, 100)


def scene(kind="pair", *, sounding=("violin", "dog"), reported=(), maps=(None, None), boxes=(LEFT, RIGHT)):
    names = ("violin", "dog")
    return JudgedScene(
        kind=kind,
        size=(100, 100),
        sounding=sounding,
        objects=tuple(
            ObjectTruth(name=name, sounds=name in sounding, box=box, given_map=given)
            for name, box, given in zip(names, boxes, maps, strict=True)
        ),
        reported=tuple(SourceReport(name=name, box=box) for name, box in reported),
        matches=frozenset({("violin", "violin"), ("dog", "dog"), ("puppy", "dog")}),
    )


def figure(name, *scenes):
    return next(one for one in score_scenes(scenes) if one.name == name)


def test_half_of_a_pair_is_found_and_the_set_is_not_right():
    half = scene(reported=[("violin", LEFT)])

    assert figure("pair: each sounding object found", half).value == 0.5
    assert figure("pair: exactly the right set", half).value == 0.0


def test_another_name_that_means_the_same_is_right_and_one_too_many_is_not():
    right = scene(reported=[("violin", LEFT), ("puppy", RIGHT)])
    more = scene(reported=[("violin", LEFT), ("puppy", RIGHT), ("cat", None)])

    assert figure("pair: exactly the right set", right).value == 1.0
    assert figure("pair: exactly the right set", more).value == 0.0
    assert figure("pair: each sounding object found", more).value == 1.0


def test_boxes_are_judged_among_all_sounding_objects_and_among_the_boxed():
    one = scene(reported=[("violin", RIGHT)])

    assert figure("pair: box IoU >= 0.5, of all", one).value == 0.0
    assert figure("pair: box IoU >= 0.5, of all", one).number == 2
    assert figure("pair: box IoU >= 0.5, of the boxed", one).number == 1
    assert figure("pair: box on the right object", one).value == 0.0
    assert figure("pair: box on the right object", scene(reported=[("violin", LEFT)])).value == 1.0


def test_an_object_without_known_pixels_is_not_counted_for_place():
    unknown = scene(reported=[("violin", LEFT), ("dog", RIGHT)], boxes=(LEFT, None))

    assert figure("pair: box IoU >= 0.5, of all", unknown).number == 1


def test_a_silent_object_that_is_named_counts_against():
    quiet = scene("silent", sounding=("violin",), reported=[("violin", LEFT)])
    named = scene("silent", sounding=("violin",), reported=[("violin", LEFT), ("dog", RIGHT)])

    assert figure("one silent: silent object named", quiet, named).value == 0.5
    assert figure("one silent: silent object named", quiet, named).number == 2


def test_given_maps_are_scored_on_their_own_object():
    left, right = np.zeros((4, 4), np.float32), np.zeros((4, 4), np.float32)
    left[:, :2], right[:, 2:] = 1, 1
    right_maps, swapped = scene(maps=(left, right)), scene(maps=(right, left))

    assert figure("pair, names given: pixel AP", right_maps).value > 0.95
    assert figure("pair, names given: CIoU@0.5", right_maps).value == 1.0
    assert figure("pair, names given: CIoU@0.5", swapped).value == 0.0


def test_noise_and_offscreen_are_judged_by_what_is_not_reported():
    silence = scene("noise", sounding=())
    invented = scene("noise", sounding=(), reported=[("dog", RIGHT)])
    away = scene("offscreen", sounding=("cello",), reported=[("dog", RIGHT)])

    assert figure("noise or silence: nothing reported", silence, invented).value == 0.5
    assert figure("offscreen: no visible object boxed", away).value == 0.0
    assert figure("offscreen: named", away).value == 0.0


def test_what_was_never_counted_is_no_number():
    assert math.isnan(figure("offscreen: named", scene()).value)
    assert figure("offscreen: named", scene()).number == 0


def test_wilson_intervals_are_those_of_the_textbook():
    low, high = wilson(8, 10)

    assert (low, high) == (pytest.approx(0.490, abs=1e-3), pytest.approx(0.943, abs=1e-3))
    assert wilson(0, 10)[0] == 0.0


def test_boxes_that_share_a_half_have_a_third_in_common():
    assert box_iou((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert box_iou(LEFT, RIGHT) == 0.0
