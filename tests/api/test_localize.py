"""One picture with its sound, in memory."""

import json

import numpy as np
import pytest

from tests.scoring import SAMPLES
from tvsl_core import localize
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.sound import SoundStream

RATE = 48_000


@pytest.fixture(scope="module")
def moment():
    """Cow and sheep, both calling, five seconds of sound around them, and where they are."""
    info = probe(str(SAMPLES / "cow_and_sheep.mp4"))
    frame = next(read_frames(info, fps=1, start_s=5.0)).pixels
    with SoundStream(info, sample_rate=RATE) as stream:
        sound = stream.window(2.5, 7.5)
    clip = json.loads((SAMPLES / "truth.json").read_text())["clips"]["cow_and_sheep.mp4"]
    return (
        frame,
        sound,
        {thing["class"]: next(at["box"] for at in thing["boxes"] if at["time_s"] == 5.0) for thing in clip["objects"]},
    )


def test_sources_are_named_scored_and_boxed_on_their_objects(model, moment):
    frame, sound, truth = moment
    found = {source.name: source for source in localize(frame, sound, sample_rate=RATE, model=model)}

    assert set(found) == {"cow", "sheep"}
    for name, source in found.items():
        x_min, y_min, x_max, y_max = truth[name]
        (box,) = source.boxes
        assert x_min <= (box.x_min + box.x_max) / 2 <= x_max and y_min <= (box.y_min + box.y_max) / 2 <= y_max
        assert source.detected and source.verdict == "sounding" and 0 <= source.score <= 1
        assert source.map.values.max() <= 1 and source.map.frame_width == frame.shape[1]


def test_every_name_that_is_given_is_answered_and_only_what_sounds_is_called_detected(model, moment):
    frame, sound, _ = moment
    found = localize(frame, sound, ["violin", "cow", "cow"], sample_rate=RATE, model=model)

    assert [(source.name, source.detected) for source in found] == [("cow", True), ("violin", False)]
    assert all(source.map is not None for source in found)


def test_the_rate_of_the_sound_does_not_matter(model, moment):
    frame, sound, _ = moment
    with SoundStream(probe(SAMPLES / "cow_and_sheep.mp4"), sample_rate=model.towers.sample_rate) as stream:
        native = stream.window(2.5, 7.5)
    one, two = (
        {source.name: source.score for source in localize(frame, wave, sample_rate=rate, model=model)}
        for wave, rate in ((sound, RATE), (native, model.towers.sample_rate))
    )

    assert one == pytest.approx(two, abs=0.01)


def test_without_sound_nothing_is_detected(model, moment):
    frame, sound, _ = moment

    assert localize(frame, np.zeros_like(sound), sample_rate=RATE, model=model) == ()


@pytest.mark.parametrize(
    ("frame", "sound", "message"),
    [
        (np.zeros((4, 4), np.uint8), np.zeros(9, np.float32), "frame must be RGB uint8"),
        (np.zeros((4, 4, 3), np.float32), np.zeros(9, np.float32), "frame must be RGB uint8"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros((2, 9), np.float32), "sound must be mono float32"),
        (np.zeros((4, 4, 3), np.uint8), np.zeros(9, np.int16), "sound must be mono float32"),
        (np.zeros((4, 4, 3), np.uint8), np.full(9, 300, np.float32), r"sound must lie in \[-1, 1\]"),
    ],
)
def test_arrays_of_another_form_are_refused(model, frame, sound, message):
    with pytest.raises(ValueError, match=message):
        localize(frame, sound, sample_rate=RATE, model=model)
