"""Mouths are watched for as long as it takes."""

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tvsl_core.annotate.objects.footage import SOUND_RATE, Footage
from tvsl_core.annotate.objects.mouths import watch_mouths
from tvsl_core.annotate.rules import MouthOptions
from tvsl_core.model.people.faces import detect_faces
from tvsl_core.model.people.load import load_people
from tvsl_core.types import Frame

PORTRAIT = Path(__file__).parents[1] / "model" / "people" / "astronaut.png"
USUAL = MouthOptions()


@pytest.fixture(scope="module")
def watch():
    """Watches a portrait that stands still for three seconds."""
    networks = load_people()
    picture = cv2.cvtColor(cv2.imread(str(PORTRAIT)), cv2.COLOR_BGR2RGB)
    ((face,),) = detect_faces(networks, [picture], min_score=0.5)

    def pictures(start_s, end_s, *, rate, longest_side):
        for number in range(round((end_s - start_s) * rate)):
            yield Frame(pixels=picture, time=Fraction(start_s) + number / Fraction(rate), pts=number, index=number)

    def sound(start_s, end_s):
        return np.ones(round((end_s - start_s) * SOUND_RATE), np.float32)

    footage = Footage(width=256, pictures=pictures, sound=sound)
    return lambda **more: watch_mouths(footage, 2.0, 5.0, lambda _: [face], networks, USUAL, **more)


def test_a_stretch_is_watched_to_its_end(watch):
    mouths = watch()

    assert len(mouths.openings) == len(mouths.loudness) == pytest.approx(3 * USUAL.rate, abs=1)
    assert mouths.seen.all()
    assert mouths.openings.std() < 2e-3, "the portrait stands still"


def test_no_longer_than_is_enough(watch):
    asked = []

    def enough(mouths):
        asked.append(len(mouths.openings))
        return len(asked) == 2

    mouths = watch(enough=enough)

    assert len(mouths.openings) == len(mouths.loudness) == asked[-1]
    assert 0.8 < asked[0] / USUAL.rate < 1.2
    assert asked[1] - asked[0] == round(USUAL.rate / 2)
