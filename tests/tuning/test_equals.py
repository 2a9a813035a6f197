"""Two dogs side by side, cut from a sample video: where one alone is named, it is the one that moves with the sound."""

import json

import cv2
import numpy as np
import pytest

from tests.scoring import SAMPLES
from tvsl_core.annotate.objects.footage import SOUND_RATE
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.rules import ObjectOptions
from tvsl_core.data.scenes.equals import EqualsScenes
from tvsl_core.data.scenes.pool import MediaPool, PictureItem, SoundItem
from tvsl_core.evaluation.metrics.equals import right_side, turned
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.tuning.equals import judge_equals_scenes


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    (dog,) = [
        one
        for one in json.loads((SAMPLES / "truth.json").read_text())["clips"]["dog_and_silent_sheep.mp4"]["objects"]
        if one["class"] == "dog"
    ]
    left, top, right, bottom = dog["boxes"][0]["box"]
    frame = next(read_frames(probe(SAMPLES / "dog_and_silent_sheep.mp4"), fps=2)).pixels
    cutout = np.dstack([frame[top:bottom, left:right, ::-1], np.full((bottom - top, right - left), 255, np.uint8)])
    cutout[:2, :, 3] = 0
    file = tmp_path_factory.mktemp("dogs") / "dog.png"
    cv2.imwrite(str(file), cutout)
    picture = PictureItem(names=("dog",), file=file, label="dog", group="a", cutout=True)
    sound = SoundItem(names=("dog",), file=SAMPLES / "sources" / "dog.ogg", label="dog", group="a")
    return EqualsScenes(
        MediaPool(pictures=(picture,), sounds=(sound,)), motion="follow", seed=0, sample_rate=SOUND_RATE
    )


@pytest.mark.slow
def test_a_side_that_is_named_is_the_one_that_is_heard(model, scenes):
    answers = [one for index in (0, 1, 2) for one in judge_equals_scenes(scenes, index, model)]

    assert right_side(answers).value >= 0.75
    assert right_side(answers).number >= 2


@pytest.mark.slow
def test_where_nothing_is_told_apart_the_side_does_not_turn(model, scenes):
    together = AnnotateOptions(objects=ObjectOptions(most=1))
    answers = list(judge_equals_scenes(scenes, 0, model, together))

    assert turned(answers).value == 0
