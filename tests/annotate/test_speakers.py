"""Two people in view: the mouth that goes with the voice has it, in a whole event, in turns, and when nobody's does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.talking import scenes
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.rules import MouthOptions
from tvsl_core.annotate.signals.listen import NOTHING, listen
from tvsl_core.data.scenes.talking import FRAME_RATE, SECONDS, SIZE
from tvsl_core.exports.lines import rttm_lines
from tvsl_core.exports.results import VideoResults
from tvsl_core.model.load import load_model
from tvsl_core.tuning.moving import MovingPictures


@pytest.fixture(scope="module")
def model():
    return load_model()


@pytest.fixture
def hears(monkeypatch):
    """Noise is heard as a class, throughout, and nothing else is."""

    def say(name):
        def heard(model, sound, options, *, end_s):
            evidence = listen(model, sound, options, end_s=end_s)
            logits = np.full_like(evidence.sound, NOTHING)
            logits[:, model.vocabulary.names.index(name)] = 5
            return replace(evidence, sound=logits, untrained=logits)

        monkeypatch.setattr("tvsl_core.tuning.moving.listen", heard)

    return say


def told(scene, model, sounds=None, options=None):
    """Events of one scene's pictures, with the sounds of some others."""
    with MovingPictures(scene.frames(), FRAME_RATE, model, options or AnnotateOptions()) as pictures:
        return [pictures.find(one.waveform) for one in sounds or [scene]]


def as_results(events):
    """Events as exports read them."""
    gone = Path("gone.mp4")
    size = {"width": SIZE[0], "height": SIZE[1], "frame_rate": FRAME_RATE, "duration_s": SECONDS}
    return VideoResults(name="talk.mp4", path=gone, table=gone, sources=gone, events=tuple(events), **size)


def sides(found):
    """Verdict and side of every event."""
    return [
        (one.event.verdict, None if one.event.box is None else (one.event.box.x_min + one.event.box.x_max) // SIZE[0])
        for one in found
    ]


def test_the_voice_is_theirs_whose_mouth_goes_with_it_and_the_other_voice_turns_it_round(model, hears):
    hears("speech")
    one, other = (scenes().scene(3, "duel", heard=heard) for heard in ((True, False), (False, True)))
    left, right = told(one, model, [one, other])

    assert sides(left) == [("sounding", 0)]
    assert sides(right) == [("sounding", 1)]
    face, box = one.faces[0], left[0].event.box
    assert box.x_min <= face[0] and box.x_max >= face[2] and box.y_max > face[3] + 20, "face and body"
    assert left[0].event.score > 0.9


@pytest.mark.slow
def test_turns_get_their_speakers_and_a_speaker_is_known_again(model, hears):
    hears("speech")
    scene = scenes().scene(3, "turns")
    (found,) = told(scene, model)

    first = 0 if scene.heard[0][0][0] < scene.heard[1][0][0] else 1
    surely = [one.event for one in found if one.event.verdict == "sounding"]
    assert [(one.box.x_min + one.box.x_max) // SIZE[0] for one in surely][:: len(surely) - 1] == [first, 1 - first]
    assert len({one.source_id for one in surely}) == 2
    lines = [line.split() for line in rttm_lines(as_results([one.event for one in found])).splitlines()]
    change = (scene.heard[first][-1][1] + scene.heard[1 - first][0][0]) / 2
    early, late = ({line[7] for line in lines if line[7] and at(line)} for at in (
        lambda line: float(line[3]) < change - 2, lambda line: float(line[3]) + float(line[4]) > change + 2
    ))  # fmt: skip
    assert f"speaker_{surely[0].source_id}" in early and f"speaker_{surely[-1].source_id}" in late


@pytest.mark.slow
@pytest.mark.parametrize("name", ["speech", "choir"])
def test_where_no_mouth_moves_speech_is_a_narrators_and_what_a_crowd_makes_stays_in_view(model, hears, name):
    hears(name)
    scene = scenes().scene(1, "narrated")
    (found,) = told(scene, model)

    assert [verdict for verdict, _ in sides(found)] == ["offscreen" if name == "speech" else "sounding"]


@pytest.mark.slow
def test_who_is_alone_and_silent_is_not_heard_and_mouths_too_small_to_be_seen_say_nothing(model, hears):
    hears("speech")
    own = scenes()
    alone, narrated = own.scene(2, "alone"), own.scene(1, "narrated")
    blind = AnnotateOptions(mouths=MouthOptions(smallest_px=400))
    (speaks,), (unseen,) = told(alone, model), told(narrated, model, options=blind)

    assert [verdict for verdict, _ in sides(speaks)] == ["sounding"]
    silent = replace(alone, parts=tuple(replace(one, opening=0 * one.opening) for one in alone.parts))
    assert [verdict for verdict, _ in sides(told(silent, model)[0])] == ["offscreen"]
    assert [verdict for verdict, _ in sides(unseen)] == ["sounding"]
