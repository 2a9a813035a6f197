"""People in real pictures: NASA's portrait of an astronaut, alone, twice, small, mirrored and moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tvsl_core.annotate.find import SourceFinder
from tvsl_core.annotate.objects.shots import Shots
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.rules import PeopleOptions
from tvsl_core.annotate.signals.clip import ClipEvidence, read_clip
from tvsl_core.annotate.signals.listen import NOTHING
from tvsl_core.annotate.signals.people import cover, crowd_map, find_faces, follow_faces, map_grid, voice_map
from tvsl_core.annotate.signals.snapshots import Snapshots
from tvsl_core.model.load import load_model
from tvsl_core.model.people.load import load_people
from tvsl_core.types import Box
from tvsl_core.vocabulary.classes import Vocabulary, VocabularyClass, load_vocabulary
from tvsl_core.vocabulary.people import PeopleClasses, is_speech

PORTRAIT = Path(__file__).parents[1] / "model" / "people" / "astronaut.png"
FACE = Box(x_min=75, y_min=66, x_max=182, y_max=174)
"""Where the face is in the portrait, drawn by hand from the brows to the chin."""
USUAL = PeopleOptions()


@pytest.fixture(scope="module")
def networks():
    return load_people()


@pytest.fixture(scope="module")
def portrait():
    """RGB ``[256 256 3]``."""
    return cv2.cvtColor(cv2.imread(str(PORTRAIT)), cv2.COLOR_BGR2RGB)


def scene(portrait, *places, size=(640, 320), side=256):
    """A grey picture with the portrait at some places."""
    picture = np.full((size[1], size[0], 3), 90, np.uint8)
    small = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    for x, y in places:
        picture[y : y + side, x : x + side] = small
    return picture


def moved(box, x, y, scale=1.0):
    left, top, right, bottom = (round(value * scale) for value in box.corners)
    return Box(x_min=left + x, y_min=top + y, x_max=right + x, y_max=bottom + y)


def test_a_face_is_found_where_it_is_also_moved_and_mirrored(networks, portrait):
    pictures = [portrait, scene(portrait, (300, 40)), np.ascontiguousarray(portrait[:, ::-1])]
    (still,), (shifted,), (mirrored,) = find_faces(pictures, networks, USUAL)

    assert still.box.iou(FACE) > 0.7
    assert shifted.box.iou(moved(FACE, 300, 40)) > 0.7
    assert abs(256 - mirrored.box.x_max - still.box.x_min) < 6
    assert all(face.box.score > 0.8 for face in (still, shifted, mirrored))


def test_two_people_are_two_and_nobody_is_none(networks, portrait):
    both, nobody = find_faces([scene(portrait, (30, 30), (350, 30)), scene(portrait)], networks, USUAL)

    assert sorted(face.box.x_min // 320 for face in both) == [0, 1]
    assert nobody == ()


def test_a_face_of_24_pixels_is_found_in_a_large_picture_by_a_second_look_in_squares(networks, portrait):
    far = scene(portrait, (900, 400), size=(1280, 720), side=58)
    ((face,),) = find_faces([far], networks, USUAL)
    (unseen,) = find_faces([far], networks, replace(USUAL, tile=1280))

    assert face.box.iou(moved(FACE, 900, 400, 58 / 256)) > 0.5
    assert face.box.x_max - face.box.x_min < 30
    assert unseen == ()


def test_what_a_closer_look_does_not_confirm_must_be_surer(networks, portrait):
    half = portrait.copy()
    half[40:200, 110:200] = 90
    (strict,) = find_faces([half], networks, USUAL)
    (lenient,) = find_faces([half], networks, replace(USUAL, unconfirmed_score=0.5))

    assert strict == ()
    assert [face.box.score < USUAL.unconfirmed_score for face in lenient] == [True]


def people_of(networks, picture):
    (faces,) = find_faces([picture], networks, USUAL)
    return cover(picture, faces, networks)


def followed(networks, pictures, known):
    """What ``follow_faces`` sees of one face that is known to be in one place."""
    return [one for (one,) in follow_faces([(picture, [known]) for picture in pictures], networks)]


def test_an_open_mouth_is_wider_open_than_the_same_one_closed(networks, portrait):
    closed = portrait.copy()
    row, column = 146, 128  # between the lips
    skin = portrait[row - 16 : row - 12, column - 26 : column + 26].mean(axis=(0, 1))
    closed[row - 8 : row + 8, column - 26 : column + 26] = skin
    ((face,),) = find_faces([portrait], networks, USUAL)
    (smile,), (shut,) = (followed(networks, [picture], face.seen) for picture in (portrait, closed))

    assert smile.mouth > 0.04
    assert shut.mouth < 0.6 * smile.mouth


def test_a_face_is_followed_as_it_moves_lost_when_it_goes_and_found_where_it_was_known(networks, portrait):
    away, back = scene(portrait), scene(portrait, (100, 40))
    pictures = [scene(portrait, (100 + 8 * step, 40)) for step in range(6)]
    ((first,),) = find_faces(pictures[:1], networks, USUAL)
    *seen, gone, again = followed(networks, [*pictures, away, back], first.seen)

    lefts = [one.points[:, 0].min() for one in seen]
    assert np.diff(lefts[1:]) == pytest.approx([8] * 4, abs=4)
    assert gone is None
    assert again.points[:, 0].min() == pytest.approx(lefts[0], abs=4)


def test_a_face_that_strays_far_from_where_it_should_be_is_looked_for_there_again(networks, portrait):
    both = scene(portrait, (10, 30), (350, 30))
    left, right = sorted(find_faces([both], networks, USUAL)[0], key=lambda face: face.box.x_min)
    looks = follow_faces([(both, [left.seen]), (both, [right.seen])], networks)

    assert [round(float(one.points[:, 0].mean())) // 320 for (one,) in looks] == [0, 1]


def test_a_person_is_face_and_body_and_stays_on_its_side(networks, portrait):
    people = people_of(networks, scene(portrait, (30, 30), (350, 30)))

    for person in people:
        left = person.face.box.x_min < 320
        columns = person.extent.shape[1]
        mine = person.extent[:, : columns // 2] if left else person.extent[:, columns // 2 :]
        assert person.extent.sum() == pytest.approx(mine.sum(), rel=0.02)
        assert 0.5 < person.extent[-4].max() < 0.9, "the chest, fainter than the face"
        assert person.extent.max() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("size", [0.7, 1.4])
def test_a_body_is_the_same_when_the_face_was_taken_for_smaller_or_larger(networks, portrait, size):
    picture = scene(portrait, (400, 464), size=(1280, 720))
    (face,) = find_faces([picture], networks, USUAL)[0]
    left, top, right, bottom = face.seen.corners
    x, y = (left + right) / 2, (top + bottom) / 2
    corners = tuple(
        middle + size * (edge - middle) for edge, middle in zip(face.seen.corners, (x, y, x, y), strict=True)
    )
    bodies = [cover(picture, [replace(face, seen=seen)], networks)[0].extent >= 0.5
              for seen in (face.seen, replace(face.seen, corners=corners))]  # fmt: skip

    assert (bodies[0] & bodies[1]).sum() > 0.8 * (bodies[0] | bodies[1]).sum()


def test_a_voice_is_the_most_prominent_persons_and_applause_is_everybodys(networks, portrait):
    picture = scene(portrait, (30, 30))
    picture[120:248, 420:548] = cv2.resize(portrait, (128, 128), interpolation=cv2.INTER_AREA)
    people = people_of(networks, picture)
    voice, crowd = voice_map(people, USUAL), crowd_map(people)

    middle = voice.shape[1] // 2
    assert voice[:, :middle].max() > 0.8
    assert 0.3 < voice[:, middle:].max() < 0.5 * voice.max()
    assert crowd[:, middle:].max() > 0.8 * crowd.max()


def test_the_classes_of_people_go_by_any_of_their_names_and_by_what_is_above_them():
    own = Vocabulary(
        classes=(
            VocabularyClass(name="dog"),
            VocabularyClass(name="woman speaking"),
            VocabularyClass(name="lecturer", parents=("woman speaking",)),
            VocabularyClass(name="clapping"),
        ),
        masked=(),
    )
    classes = PeopleClasses.of(own)

    assert (classes.voices, classes.spoken, classes.crowds) == ({1, 2}, {1, 2}, {3})
    assert [name for name in ("speech", "kid speaking", "singing", "dog", "no such thing") if is_speech(name)] == [
        "speech",
        "kid speaking",
    ]
    assert len(PeopleClasses.of(load_vocabulary(None)).all) == 13


@pytest.fixture(scope="module")
def model():
    return load_model()


def spoken(model, frame, options, name="speech"):
    """Three seconds of a clip in which one class sounds as clearly as can be."""
    rate = model.towers.sample_rate
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * rate).astype(np.float32)
    clip = read_clip(frame, noise, model, options)
    logits = np.full_like(clip.sound.sound, NOTHING)
    logits[:, model.vocabulary.names.index(name)] = 5
    sound = replace(clip.sound, sound=logits, untrained=logits)
    return ClipEvidence(sound=sound, pictures=clip.pictures, size=clip.size, seconds=clip.seconds)


def events_of(model, frame, options=None, name="speech"):
    options = options or AnnotateOptions()
    clip = spoken(model, frame, options, name)
    finder = SourceFinder(clip.sound, clip.pictures, model, options, frame_size=clip.size, part=(0.0, clip.seconds))
    return finder.events()


def test_speech_is_placed_on_the_person_and_without_one_it_is_a_narrators(model, portrait):
    (talker,) = events_of(model, scene(portrait, (300, 40), size=(640, 296)))
    (narrator,) = events_of(model, scene(portrait, size=(640, 296)))

    assert (talker.event.name, talker.event.verdict) == ("speech", "sounding")
    assert talker.moments[0].map.values.shape == map_grid(640, 296), "the map is the person's, not that of patches"
    assert talker.event.box.iou(Box(x_min=300, y_min=40, x_max=556, y_max=296)) > 0.6
    assert (narrator.event.name, narrator.event.verdict) == ("speech", "offscreen")


def snapshots_of(model, pictures, *, every_s=0.5, options=USUAL):
    """Pictures as annotation keeps them."""
    kept = Snapshots(PeopleClasses.of(model.vocabulary), options, device=model.towers.device)
    for number, picture in enumerate(pictures):
        kept.add(picture, number * every_s)
    return kept


def test_a_snapshot_shows_the_people_of_its_picture(model, networks, portrait):
    warm = np.stack([portrait[..., 0], portrait[..., 1] // 2, portrait[..., 2] // 4], axis=-1)
    snapshots = snapshots_of(model, [np.zeros_like(portrait), warm])
    direct = people_of(networks, warm)
    kept = snapshots.people(1)
    snapshots.close()

    assert [person.face.box.score for person in kept] == pytest.approx([p.face.box.score for p in direct], abs=0.01)
    assert kept[0].face.box.iou(direct[0].face.box) > 0.95


def test_between_two_looks_a_person_is_half_way_and_looks_the_same(model, portrait):
    places = [(100, 30), (110, 30), (120, 30)]
    snapshots = snapshots_of(model, [scene(portrait, place) for place in places])
    first, middle, last = (snapshots.people(index)[0] for index in range(3))
    snapshots.close()

    assert middle.face.box.x_min == pytest.approx((first.face.box.x_min + last.face.box.x_min) / 2, abs=1)
    columns = [float((one.extent.sum(axis=0) @ np.arange(one.extent.shape[1])) / one.extent.sum())
               for one in (first, middle, last)]  # fmt: skip
    assert columns[1] == pytest.approx((columns[0] + columns[2]) / 2, abs=0.3)
    assert columns[2] - columns[0] > 1.2, "20 pixels are two cells"


def test_a_body_moves_with_its_face_until_bodies_are_looked_for_again(model, portrait, monkeypatch):
    looks = []

    def counted(picture, faces, networks):
        looks.append(len(faces))
        return cover(picture, faces, networks)

    monkeypatch.setattr("tvsl_core.annotate.signals.snapshots.cover", counted)
    snapshots = snapshots_of(model, [scene(portrait, (100 + 20 * step, 30)) for step in range(4)], every_s=1.0)
    people = [snapshots.people(index)[0] for index in range(4)]
    snapshots.close()

    assert looks == [1, 1], "the first and the third"
    columns = [float(one.extent.sum(axis=0) @ np.arange(64) / one.extent.sum()) for one in people]
    assert np.diff(columns) == pytest.approx([2.0] * 3, abs=0.5), "20 pixels are two cells"


def test_who_appears_or_jumps_between_two_looks_is_looked_for_there(model, portrait):
    far = [scene(portrait, (10, 30)), scene(portrait, (150, 30)), scene(portrait, (370, 30))]
    more = [scene(portrait, (10, 30)), *[scene(portrait, (10, 30), (350, 30))] * 2]
    jumped, joined = snapshots_of(model, far), snapshots_of(model, more)

    assert jumped.faces(1)[0].box.iou(moved(FACE, 150, 30)) > 0.7
    assert [len(joined.faces(index)) for index in range(3)] == [1, 2, 2]


def test_nobody_goes_from_one_shot_to_the_next(model, portrait):
    pictures = [scene(portrait, (10, 30)), scene(portrait, (10, 30)), scene(portrait, (40, 30))]
    snapshots = snapshots_of(model, pictures)
    snapshots.divide(Shots(cuts_s=(0.9,)))

    assert snapshots.faces(1)[0].box.iou(snapshots.faces(0)[0].box) > 0.99
    assert snapshots.look_before(2) == 2


def test_no_people_leaves_faces_alone(model, portrait):
    options = AnnotateOptions(people=replace(USUAL, enabled=False))
    clip = spoken(model, portrait, options)

    assert clip.pictures.snapshots is None
    assert AnnotateOptions().fingerprint() != options.fingerprint()


def test_a_small_face_is_looked_for_where_it_was_before_the_whole_picture_is_searched(networks, portrait, monkeypatch):
    far = scene(portrait, (900, 400), size=(1280, 720), side=74)
    ((face,),) = find_faces([far], networks, USUAL)
    looks = []
    forward = networks.detector.forward
    monkeypatch.setattr(networks.detector, "forward", lambda x: looks.append(len(x)) or forward(x))
    ((again,),) = find_faces([far], networks, USUAL, near=[face])
    counted = sum(looks)
    (elsewhere,) = find_faces([far[:, ::-1].copy()], networks, USUAL, near=[face])

    assert counted == 2, "the whole picture and the square around it"
    assert again.box.x_min == pytest.approx(face.box.x_min, abs=6)
    assert len(elsewhere) == 1
