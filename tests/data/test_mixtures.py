"""Mixtures: the same numbers give the same scene, and a scene is what its recipe says."""

from __future__ import annotations

import hashlib
import pickle
import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.builders import MATERIAL_COLOURS, make_material, write_picture, write_sound
from tvsl_core.data.material.folder import load_material
from tvsl_core.data.scenes.layout import covered
from tvsl_core.data.scenes.mixtures import Mixtures
from tvsl_core.data.scenes.options import LAYOUTS, MixtureOptions
from tvsl_core.data.scenes.picture import _other_hue
from tvsl_core.data.scenes.sound import _pitched
from tvsl_core.data.scenes.store import MediaStore, loud_level
from tvsl_core.errors import InputError, MediaError

RATE = 16000
DEFAULT = MixtureOptions()
STILL = DEFAULT.without_augmentation()
"""Nothing is changed about the files."""
FEW = range(40)
EDGE = np.ones((9, 9))
"""An object that is shown larger than its file has an edge of some pixels in which colours mix."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return make_material(tmp_path_factory.mktemp("material"))


@pytest.fixture(scope="module")
def pool(folder):
    return load_material(folder, cut_white=False).pool


def mixtures(pool, *, length=200, seed=0, base=DEFAULT, **options) -> Mixtures:
    return Mixtures(pool, replace(base, **options), seed=seed, length=length)


def only(layout: str) -> tuple[float, ...]:
    return tuple(float(name == layout) for name in LAYOUTS)


def same(one, other) -> bool:
    return (
        one.recipe == other.recipe
        and one.sounding == other.sounding
        and one.visible == other.visible
        and np.array_equal(one.frame, other.frame)
        and np.array_equal(one.regions, other.regions)
        and np.array_equal(one.waveform, other.waveform)
    )


def test_the_same_numbers_give_the_same_scene_in_any_order_and_copy(pool):
    first = mixtures(pool)
    again = pickle.loads(pickle.dumps(mixtures(pool)))
    scenes = {index: first.scene(index, 3, sample_rate=RATE) for index in range(12)}

    assert all(same(again.scene(index, 3, sample_rate=RATE), scenes[index]) for index in (7, 2, 11, 0))
    assert not same(first.scene(0, 4, sample_rate=RATE), scenes[0])
    assert not same(mixtures(pool, seed=1).scene(0, 3, sample_rate=RATE), scenes[0])
    assert len({scene.recipe for scene in scenes.values()}) == 12


def test_another_process_draws_the_same_scene(pool, folder):
    code = (
        "import hashlib, sys; from pathlib import Path; from tvsl_core.data.material.folder import load_material\n"
        "from tvsl_core.data.scenes.mixtures import Mixtures\n"
        "scene = Mixtures(load_material(Path(sys.argv[1])).pool, length=200).scene(5, 1, sample_rate=16000)\n"
        "data = scene.frame.tobytes() + scene.waveform.tobytes() + repr(scene.recipe).encode()\n"
        "print(hashlib.sha256(data).hexdigest())"
    )
    root = Path(__file__).resolve().parents[2]
    other = subprocess.run([sys.executable, "-c", code, folder], cwd=root, capture_output=True, text=True, check=True)
    scene = mixtures(pool).scene(5, 1, sample_rate=RATE)

    mine = hashlib.sha256(scene.frame.tobytes() + scene.waveform.tobytes() + repr(scene.recipe).encode())
    assert other.stdout.strip() == mine.hexdigest()


def test_either_side_alone_is_that_side_of_the_scene(pool):
    source = mixtures(pool)
    for index in range(8):
        scene, picture, sound = (
            source.scene(index, 0, sample_rate=RATE),
            source.picture(index, 0),
            source.sound(index, 0, RATE),
        )

        assert np.array_equal(picture.frame, scene.frame)
        assert np.array_equal(picture.regions, scene.regions)
        assert picture.visible == scene.visible
        assert np.array_equal(sound.waveform, scene.waveform)
        assert sound.sounding == scene.sounding
        assert source.recipe(index, 0) == scene.recipe


def test_no_class_is_both_silent_and_sounding_and_k_reaches_its_most(pool):
    source = mixtures(pool, length=400)
    counts = set()
    for index in range(400):
        recipe = source.recipe(index, 0)
        heard = {sound.name for sound in recipe.sounds if sound.name}
        sounding = source.sound(index, 0, 4000).sounding if index < 60 else tuple(heard)
        seen = [one.name for one in recipe.objects]
        counts.add((len(heard), len(set(seen) - heard)))

        assert set(sounding) == heard
        assert len(seen) <= 4
        assert len(seen) - len(set(seen)) <= 1

    assert {sounding for sounding, _ in counts} == {0, 1, 2, 3}
    assert {silent for _, silent in counts} >= {0, 1, 2}


def test_every_class_is_drawn_about_as_often(pool):
    source = mixtures(pool, length=1000)
    drawn = [one.name for index in range(1000) for one in source.recipe(index, 0).objects]
    shares = np.array([drawn.count(name) for name in MATERIAL_COLOURS]) / len(drawn)

    assert np.abs(shares - 0.25).max() < 0.04


@pytest.mark.parametrize(("name", "share"), [("silence", 1.0), ("offscreen", 1.0), ("empty", 1.0), ("twins", 1.0)])
def test_each_kind_of_scene_can_be_asked_for(pool, name, share):
    source = mixtures(pool, base=STILL, **({"silence": 0.0} | {name: share}))
    for index in FEW:
        recipe = source.recipe(index, 0)
        seen = [one.name for one in recipe.objects]
        heard = {one.name for one in recipe.sounds}
        if name == "silence":
            assert not heard
            assert not source.sound(index, 0, 8000).waveform.any()
        elif name == "offscreen":
            assert heard
            assert heard.isdisjoint(seen)
        elif name == "empty":
            assert recipe.layout == "empty"
            assert not seen
            assert not source.picture(index, 0).regions.any()
        elif 0 < len(set(seen)) < 4:
            assert len(seen) == len(set(seen)) + 1


def test_rivals_never_meet(pool):
    source = mixtures(pool, exclusive=(("dog", "sheep"),), length=300)
    for index in range(300):
        recipe = source.recipe(index, 0)

        assert not {"dog", "sheep"} <= {one.name for one in (*recipe.objects, *recipe.sounds)}


def test_regions_are_the_pasted_pixels_and_the_front_one_hides_the_others(pool):
    """Without other colours a pixel of a region has the colour of its class, and no other pixel has."""
    source = mixtures(pool, base=STILL, layouts=only("placed"), turn_degrees=8.0, flip=0.5, overlap=0.3, plain=0.0)
    overlaps = seen = 0
    for index in FEW:
        picture = source.picture(index, 0)
        boxes = [one.box for one in source.recipe(index, 0).objects]
        overlaps += any(covered(one, two) > 0 for n, one in enumerate(boxes) for two in boxes[:n])
        for number, name in enumerate(picture.visible, start=1):
            region = picture.regions == number
            sure = cv2.erode(region.astype(np.uint8), EDGE, borderValue=0).astype(bool)
            near = cv2.dilate(region.astype(np.uint8), EDGE).astype(bool)
            others = [one == name for one in picture.visible].count(True) > 1

            assert region.sum() > 30
            assert (picture.frame[sure] == MATERIAL_COLOURS[name]).all()
            seen += sure.any()
            assert others or not (picture.frame[~near] == MATERIAL_COLOURS[name]).all(axis=-1).any()
    assert overlaps > 3
    assert seen > 40


def test_a_placed_object_has_a_height_between_the_least_and_the_most(pool):
    source = mixtures(pool, base=STILL, layouts=only("placed"), sources=(1.0,), silent=(1.0,), twins=0.0)
    objects = [one for index in range(200) for one in source.recipe(index, 0).objects]
    heights = [(one.box[3] - one.box[1]) / 360 for one in objects]

    assert 0.14 < min(heights) < 0.2
    assert 0.8 < max(heights) < 0.92
    assert 0.3 < np.median(heights) < 0.45  # the geometric mean of 0.15 and 0.9 is 0.37


def test_objects_do_not_hide_each_other(pool):
    source = mixtures(pool, layouts=only("placed"), sources=(0.0, 0.0, 1.0), silent=(0.0, 1.0), length=100)
    for index in range(100):
        boxes = [one.box for one in source.recipe(index, 0).objects]

        assert all(covered(one, two) <= 0.35 for n, one in enumerate(boxes) for m, two in enumerate(boxes) if n != m)


def test_flipping_an_object_flips_its_region(pool):
    sides = [
        mixtures(
            pool, base=STILL, layouts=only("placed"), sources=(1.0,), silent=(1.0,), flip=share, twins=0.0, overhang=0.0
        )
        for share in (0.0, 1.0)
    ]
    for index in FEW:
        plain, flipped = (source.picture(index, 0) for source in sides)
        for one in sides[0].recipe(index, 0).objects:
            left, top, right, bottom = one.box
            inside = (slice(top, bottom), slice(left, right))

            assert np.array_equal(plain.regions[inside], flipped.regions[inside][:, ::-1])
            assert not np.array_equal(plain.regions[inside], plain.regions[inside][:, ::-1])


@pytest.mark.parametrize("layout", ["side-by-side", "collage", "inset"])
def test_tiles_cover_what_they_say_and_photographs_stay_unknown(pool, layout):
    photos = pool.only(lambda item: not getattr(item, "cutout", False))
    source = mixtures(photos, layouts=only(layout), sources=(0.0, 1.0), silent=(1.0,), silence=0.0, offscreen=0.0,
                      empty=0.0, twins=0.0)  # fmt: skip
    for index in FEW:
        scene = source.scene(index, 0, sample_rate=4000)
        boxes = [one.box for one in scene.recipe.objects]
        unknown = np.zeros(scene.regions.shape, bool)
        for left, top, right, bottom in boxes:
            unknown[top:bottom, left:right] = True

        assert scene.recipe.layout == layout
        assert len(scene.visible) == 2
        assert np.array_equal(scene.regions == -1, unknown)
        assert set(np.unique(scene.regions)) <= {-1, 0}
        if layout == "side-by-side":
            assert boxes == [(0, 0, 320, 360), (320, 0, 640, 360)]


def test_the_region_of_a_cutout_in_a_tile_is_exact(pool):
    cutouts = pool.only(lambda item: getattr(item, "cutout", True) or not item.names)
    source = mixtures(cutouts, base=STILL, layouts=only("side-by-side"), sources=(0.0, 1.0), twins=0.0, offscreen=0.0)
    for index in FEW:
        picture = source.picture(index, 0)
        for number, name in enumerate(picture.visible, start=1):
            sure = cv2.erode((picture.regions == number).astype(np.uint8), EDGE).astype(bool)

            assert sure.any()
            assert (picture.frame[sure] == MATERIAL_COLOURS[name]).all()


def test_levels_and_their_differences_are_what_the_recipe_says(pool):
    """Each tone is found again by its pitch, at the level that was drawn."""
    source = mixtures(
        pool, base=STILL, sources=(0.0, 0.0, 1.0), silent=(1.0,), level_db=(-30, -25), phrase=0.0, silence=0.0
    )
    by_label = {item.label: number for number, item in enumerate(source.pool.sounds)}
    differences = []
    for index in range(20):
        scene, recipe = source.scene(index, 0, sample_rate=RATE), source.recipe(index, 0)
        spectrum = np.abs(np.fft.rfft(scene.waveform * np.hanning(len(scene.waveform))))
        levels = [one.level_db for one in recipe.sounds]
        differences.append(max(levels) - min(levels))
        for one in recipe.sounds:
            if source.pool.sounds[by_label[one.file]].seconds < 5:
                continue  # a short one has less energy than its level over its loud parts says
            klass = sorted(MATERIAL_COLOURS).index(one.name)
            hertz = 300 * (klass + 1) + 10 * int(one.group[-1])
            measured = 20 * np.log10(spectrum[hertz * 5] * 4 / len(scene.waveform) / np.sqrt(2))

            assert measured == pytest.approx(one.level_db, abs=0.3)
        assert max(levels) <= -25
    assert max(differences) > 3
    assert max(differences) <= 10


def test_a_mixture_that_is_too_loud_is_made_softer_as_a_whole(pool):
    loud, soft = (
        mixtures(pool, base=STILL, sources=(0.0, 0.0, 1.0), level_db=(level, level), silence=0.0)
        .sound(3, 0, RATE)
        .waveform
        for level in (0.0, -40.0)
    )

    assert np.abs(loud).max() == pytest.approx(1, abs=1e-6)
    assert np.allclose(loud / np.abs(loud).max(), soft / np.abs(soft).max(), atol=1e-4)


def test_noise_has_the_level_that_was_drawn(pool):
    source = mixtures(pool, base=STILL, silence=1.0, noise=1.0)
    for index in FEW:
        waveform, recipe = source.sound(index, 0, RATE).waveform, source.recipe(index, 0)

        assert 20 * np.log10(np.sqrt(np.mean(waveform**2))) == pytest.approx(recipe.noise_db, abs=0.1)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_the_window_has_its_length_and_something_loud_in_it(pool, rate):
    source = mixtures(pool, silence=0.0, noise=0.0, other_sounds=0.0, difference_db=0.0)
    for index in range(25):
        waveform, sounding = source.sound(index, 0, rate)

        assert waveform.shape == (5 * rate,)
        assert np.abs(waveform).max() <= 1
        assert sounding
        assert 20 * np.log10(loud_level(waveform, rate)) > -34


def test_what_sounds_late_in_a_long_file_is_heard(tmp_path):
    make_material(tmp_path, groups=1)
    for name in MATERIAL_COLOURS:
        write_sound(tmp_path / f"sounds/{name.replace(' ', '_')}/library0__{name.replace(' ', '_')}.wav", seconds=30,
                    pause_s=29.5)  # fmt: skip
    source = mixtures(load_material(tmp_path).pool, base=STILL, silence=0.0)
    for index in range(20):
        assert loud_level(source.sound(index, 0, 8000).waveform, 8000) > 0.02


def test_short_sounds_are_continued_within_their_class_and_group(pool):
    source = mixtures(pool, sources=(1.0,), phrase=1.0, silence=0.0, length=100)
    runs = []
    for index in range(100):
        heard = [one for one in source.recipe(index, 0).sounds if one.name]
        assert len({(one.name, one.group, one.level_db, one.speed) for one in heard}) == 1
        runs.append((heard[0].group, len(heard)))

    assert min(count for group, count in runs if group == "library0") >= 5  # half a second each
    assert all(count == 1 for group, count in runs if group != "library0")


@pytest.mark.parametrize("name", ["flip", "crop", "colour", "plain", "softened", "compressed", "turn_degrees"])
def test_each_change_of_pictures_changes_pictures_and_nothing_else(pool, name):
    value = {
        "flip": 1.0,
        "crop": 0.5,
        "plain": 1.0,
        "colour": 0.3,
        "softened": 1.0,
        "compressed": 1.0,
        "turn_degrees": 20.0,
    }[name]
    plain, changed = mixtures(pool, base=STILL), mixtures(pool, base=STILL, **{name: value})
    frames = [(plain.picture(index, 0), changed.picture(index, 0)) for index in FEW]

    assert any(not np.array_equal(one.frame, other.frame) for one, other in frames)
    assert all(one.visible == other.visible for one, other in frames)
    for index in range(5):
        assert np.array_equal(plain.sound(index, 0, RATE).waveform, changed.sound(index, 0, RATE).waveform)


@pytest.mark.parametrize("name", ["room", "masked", "noise", "speed", "pitch_semitones", "other_sounds"])
def test_each_change_of_sounds_changes_sounds_and_nothing_else(pool, name):
    value = {"speed": 0.1, "pitch_semitones": 3}.get(name, 1.0)
    plain, changed = mixtures(pool, base=STILL), mixtures(pool, base=STILL, **{name: value})
    heard = [(plain.sound(index, 0, RATE), changed.sound(index, 0, RATE)) for index in range(20)]

    assert any(not np.array_equal(one.waveform, other.waveform) for one, other in heard)
    assert all(one.sounding == other.sounding for one, other in heard)
    assert all(np.isfinite(other.waveform).all() and np.abs(other.waveform).max() <= 1 for _, other in heard)
    for index in range(5):
        assert np.array_equal(plain.picture(index, 0).frame, changed.picture(index, 0).frame)


def test_a_room_keeps_the_energy_and_a_mask_keeps_most_of_it(pool):
    quiet = replace(STILL, silence=0.0, level_db=(-40.0, -30.0))
    for index in range(20):
        plain, room, masked = (
            np.linalg.norm(mixtures(pool, base=quiet, **{name: 1.0}).sound(index, 0, RATE).waveform)
            for name in ("plain", "room", "masked")
        )

        assert room == pytest.approx(plain, rel=0.01)
        assert masked <= plain * 1.001


@pytest.mark.parametrize("semitones", [-5, 1, 12])
def test_a_pitch_moves_by_its_semitones_and_lasts_as_long_as_before(semitones):
    seconds = np.arange(2 * RATE) / RATE
    tone = (0.3 * np.sin(2 * np.pi * 440 * seconds)).astype(np.float32)
    shifted = _pitched(tone, semitones)

    assert shifted.shape == tone.shape
    assert np.argmax(np.abs(np.fft.rfft(shifted))) / 2 == pytest.approx(440 * 2 ** (semitones / 12), rel=2e-3)


def test_hues_turn_and_grey_and_transparency_stay():
    pixels = np.array([[[200, 0, 0, 255], [90, 90, 90, 128], [0, 0, 0, 0]]], np.uint8)

    assert _other_hue(pixels, 1 / 3).tolist() == [[[0, 200, 0, 255], [90, 90, 90, 128], [0, 0, 0, 0]]]
    assert _other_hue(pixels[:, :, :3], 0.0).tolist() == pixels[:, :, :3].tolist()


def test_hues_of_scenes_turn_only_when_asked(pool):
    plain, turned = mixtures(pool, base=STILL), mixtures(pool, base=STILL, hue=0.5)
    shown = [(plain.picture(index, 0), turned.picture(index, 0)) for index in range(8)]

    assert any(not np.array_equal(one.frame, other.frame) for one, other in shown)
    assert all(np.array_equal(one.regions, other.regions) for one, other in shown)
    for wrong in ({"hue": 0.6}, {"pitch_semitones": 13}):
        with pytest.raises(ValueError, match="hue"):
            replace(STILL, **wrong)


def test_speed_moves_the_pitch(pool):
    source = mixtures(pool, base=STILL, sources=(1.0,), speed=0.2, silence=0.0, phrase=0.0)
    checked = 0
    for index in FEW:
        (one,) = source.recipe(index, 0).sounds
        waveform = source.sound(index, 0, RATE).waveform
        hertz = 300 * (sorted(MATERIAL_COLOURS).index(one.name) + 1) + 10 * int(one.group[-1])
        found = np.argmax(np.abs(np.fft.rfft(waveform))) / 5

        assert found == pytest.approx(hertz * one.speed, abs=2)
        checked += abs(one.speed - 1) > 0.05
    assert checked > 10


def test_a_file_that_breaks_later_is_replaced_by_its_like_and_named(tmp_path):
    make_material(tmp_path)
    pool = load_material(tmp_path).pool
    (tmp_path / "images/dog/artist0__dog.png").write_bytes(b"gone")
    (tmp_path / "sounds/dog/library1__dog.wav").unlink()
    source = mixtures(pool)
    for index in range(60):
        source.scene(index, 0, sample_rate=8000)

    assert set(source.skipped) == {"images/dog/artist0__dog.png", "sounds/dog/library1__dog.wav"}
    for path in (tmp_path / "sounds/dog").iterdir():
        path.unlink()
    with pytest.raises(MediaError, match="no file of dog can be used; for one, "):
        for index in range(60):
            mixtures(pool).sound(index, 1, 8000)


def test_digital_silence_is_called_silent_and_not_undecodable(tmp_path):
    make_material(tmp_path)
    pool = load_material(tmp_path).pool
    for path in (tmp_path / "sounds/dog").iterdir():
        write_sound(path, hertz=0, seconds=2)
    with pytest.raises(MediaError, match="silent throughout") as caught:
        for index in range(60):
            mixtures(pool).sound(index, 1, 8000)
    assert "decoded" not in str(caught.value)


def test_the_memory_of_decoded_files_is_bounded(pool):
    store = MediaStore(limit_bytes=400_000)
    for _ in range(2):
        for item in pool.sounds:
            store.sound(item, RATE)

            assert _held_bytes(store) <= 400_000
    assert _held_bytes(store) > 100_000


def _held_bytes(store):
    return sum(kept.nbytes for kept in store._kept.values())


def test_the_fingerprint_knows_files_options_and_seed(pool):
    prints = {
        mixtures(pool).fingerprint(),
        mixtures(pool, seed=1).fingerprint(),
        mixtures(pool, noise=0.31).fingerprint(),
        mixtures(pool.of_classes(["dog"])).fingerprint(),
    }

    assert len(prints) == 4
    assert mixtures(pool).fingerprint() in prints


def test_one_class_alone_and_pictures_alone_still_make_scenes(pool):
    dogs = mixtures(pool.of_classes(["dog"]))
    mute = mixtures(pool.only(lambda item: not hasattr(item, "seconds")))
    blind = mixtures(pool.only(lambda item: hasattr(item, "seconds")))

    for index in range(20):
        assert set(dogs.scene(index, 0, sample_rate=8000).visible) <= {"dog"}
        assert mute.scene(index, 0, sample_rate=8000).sounding == ()
        assert blind.scene(index, 0, sample_rate=8000).visible == ()


def test_an_empty_pool_and_a_scene_beyond_the_epoch_are_refused(pool):
    with pytest.raises(InputError, match="no picture or sound of any class"):
        mixtures(pool.of_classes([]))
    with pytest.raises(IndexError, match="no scene 200 of epoch 0"):
        mixtures(pool).scene(200, 0, sample_rate=RATE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"noise": 1.5},
        {"sources": ()},
        {"sources": (0.0, 0.0)},
        {"silent": (-1.0, 2.0)},
        {"level_db": (-10.0, -20.0)},
        {"layouts": (1.0,)},
        {"sizes": ((8, 8),)},
        {"crop": 0.0},
        {"seconds": 0.0},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        MixtureOptions(**wrong)


def test_a_narrow_photograph_is_shown_as_a_whole(tmp_path):
    make_material(tmp_path, groups=1)
    wide = np.zeros((20, 400, 3), np.uint8)
    wide[:, :10] = wide[:, -10:] = 255
    write_picture(tmp_path / "images/dog/shop__dog.png", wide)
    (tmp_path / "images/dog/artist0__dog.png").unlink()
    (tmp_path / "images/dog/shop__dog.jpg").unlink()
    source = mixtures(
        load_material(tmp_path).pool.of_classes(["dog"]), base=STILL, layouts=only("whole"), sources=(1.0,)
    )
    picture = next(source.picture(index, 0) for index in FEW if source.recipe(index, 0).objects)

    assert picture.frame[180, 5].tolist() == picture.frame[180, -5].tolist() == [255, 255, 255]


def test_a_region_is_the_opacity_of_the_pasted_file_to_the_pixel(pool):
    source = mixtures(pool, base=STILL, layouts=only("placed"), sources=(1.0,), silent=(1.0,), twins=0.0, silence=0.0)
    by_label = {item.label: item for item in pool.pictures}
    for index in FEW:
        picture = source.picture(index, 0)
        for one in source.recipe(index, 0).objects:
            left, top, right, bottom = one.box
            size = (right - left, bottom - top)
            alpha = cv2.imread(str(by_label[one.file].file), cv2.IMREAD_UNCHANGED)[5:95, 6:66, 3]
            method = cv2.INTER_AREA if size[0] < 60 else cv2.INTER_LINEAR
            truth = np.zeros((360 + 2000, 640 + 2000), bool)
            truth[1000 + top : 1000 + bottom, 1000 + left : 1000 + right] = (
                cv2.resize(alpha, size, interpolation=method) >= 128
            )

            assert np.array_equal(picture.regions == 1, truth[1000:-1000, 1000:-1000])


def test_lists_from_a_configuration_file_are_the_same_options():
    listed = MixtureOptions(sources=[1.0, 2.0], exclusive=[["dog", "sheep"]], sizes=[[320, 180]])

    assert listed == MixtureOptions(sources=(1.0, 2.0), exclusive=(("dog", "sheep"),), sizes=((320, 180),))
    assert repr(listed).count("[") == 0


def test_every_option_stands_in_the_documents_with_its_default():
    page = (Path(__file__).resolve().parents[2] / "docs/training.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \| ", page, re.MULTILINE))

    for one in fields(MixtureOptions):
        assert told.get(one.name) == str(one.default), one.name
