"""What a scene promises about itself."""

from __future__ import annotations

import numpy as np
import pytest

from tvsl_core.data.scenes.scene import Scene, SceneRecipe


def make_scene(*, sounding=("dog",), visible=("dog", "sheep"), regions=None, frame=None, waveform=None) -> Scene:
    frame = np.zeros((4, 6, 3), np.uint8) if frame is None else frame
    return Scene(
        frame=frame,
        waveform=np.zeros(10, np.float32) if waveform is None else waveform,
        sounding=sounding,
        visible=visible,
        regions=np.zeros((4, 6), np.int16) if regions is None else regions,
        recipe=SceneRecipe(seed=0, epoch=0, index=0, layout="placed"),
    )


def test_what_is_seen_but_not_heard_is_silent_and_the_reverse_is_off_screen():
    scene = make_scene(sounding=("dog", "bell"), visible=("dog", "sheep", "sheep"))

    assert scene.silent == ("sheep",)
    assert scene.offscreen == ("bell",)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sounding": ("dog", "dog")},
        {"regions": np.zeros((6, 4), np.int16)},
        {"regions": np.zeros((4, 6), np.int32)},
        {"regions": np.full((4, 6), 3, np.int16)},
        {"frame": np.zeros((4, 6), np.uint8)},
        {"waveform": np.zeros(10)},
        {"waveform": np.zeros((1, 10), np.float32)},
    ],
)
def test_a_scene_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(ValueError, match=r"regions|frame|waveform|sounding"):
        make_scene(**wrong)
