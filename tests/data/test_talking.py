"""Moving scenes of people who speak: each mouth opens with its own speech, and truth says who is heard."""

from itertools import islice

import numpy as np
import pytest

from tests.talking import portrait, scenes
from tvsl_core.annotate.objects.footage import SOUND_RATE
from tvsl_core.annotate.signals.people import follow_faces
from tvsl_core.data.scenes.pool import MediaPool
from tvsl_core.data.scenes.talking import FRAME_RATE, LOWER_LIP, SECONDS, SIZE, TalkingHead, TalkingScenes
from tvsl_core.errors import InputError
from tvsl_core.model.people.faces import detect_faces
from tvsl_core.model.people.load import load_people
from tvsl_core.tuning.talking import talking_scenes


def first(scene, count=2):
    return np.stack(list(islice(scene.frames(), count)))


def test_swapping_who_is_heard_changes_the_sound_alone():
    own = scenes()
    one, other, both, dubbed = (
        *(own.scene(0, "duel", heard=heard) for heard in ((True, False), (False, True), (True, True))),
        own.scene(0, "dubbed"),
    )

    assert np.array_equal(first(one), first(other)) and np.array_equal(first(one), first(dubbed))
    assert np.corrcoef(both.waveform, one.waveform + other.waveform)[0, 1] > 0.99
    assert abs(np.corrcoef(dubbed.waveform, both.waveform)[0, 1]) < 0.1
    assert [bool(spans) for spans in other.heard] == [False, True]
    assert dubbed.heard == ((), ())


def test_in_turns_one_speaks_after_the_other_and_only_who_speaks_moves_the_lips():
    scene = scenes().scene(1, "turns")
    spans = sorted((spans[0][0], spans[-1][1], place) for place, spans in enumerate(scene.heard))

    assert spans[0][1] <= spans[1][0]
    change = round((spans[0][1] + spans[1][0]) / 2 * FRAME_RATE)
    speaker, listener = (scene.parts[spans[place][2]].opening[: change - 5] for place in (0, 1))
    assert speaker.max() > 0.02
    assert listener.max() < 0.005


def test_nobody_in_view_moves_a_lip_under_a_narrator_and_who_is_alone_has_the_whole_frame():
    narrated, alone = scenes().scene(2, "narrated"), scenes().scene(2, "alone")

    assert max(part.opening.max() for part in narrated.parts) == 0
    assert narrated.waveform.std() > 0.01
    assert alone.sides == ((0, 0, *SIZE),)


def test_a_scene_is_the_same_again_another_seed_gives_another_and_it_is_as_long_as_its_sound():
    scene = scenes().scene(3, "duel")

    assert np.array_equal(first(scene), first(scenes().scene(3, "duel")))
    assert not np.array_equal(first(scene), first(scenes(1).scene(3, "duel")))
    assert len(scene.waveform) == SECONDS * SOUND_RATE


def test_a_mouth_that_opens_is_seen_to_open_and_the_brow_stays():
    head, networks = TalkingHead(portrait()), load_people()
    pictures = [head.draw(opening) for opening in (0.0, 0.05, 0.1)]
    (known,) = detect_faces(networks, pictures[:1], min_score=0.5)
    seen = [next(follow_faces([(picture, known[:1])], networks))[0].mouth for picture in pictures]

    assert seen[2] - seen[1] > 0.01 and seen[1] - seen[0] > 0.01
    brow = int(head.face.points[:, 1].min()), int(head.face.points[list(LOWER_LIP), 1].min()) - 20
    assert np.array_equal(pictures[0][brow[0] : brow[1]], pictures[2][brow[0] : brow[1]])


def test_scenes_need_two_faces_and_three_utterances():
    with pytest.raises(ValueError, match="got 1 and 0"):
        TalkingScenes([portrait()], [], sample_rate=SOUND_RATE)


def test_material_without_people_says_where_faces_and_speech_belong():
    with pytest.raises(InputError, match="at least two faces and three recordings of speech, got 0 and 0") as caught:
        talking_scenes(MediaPool(pictures=(), sounds=()), seed=0)

    assert "images/speech" in caught.value.hint and "sounds/speech" in caught.value.hint
