"""Material folders: what is found in them, what is left out, and how a part is held out."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tests.builders import (
    MATERIAL_COLOURS,
    cutout,
    make_clip,
    make_material,
    make_sound_file,
    photograph,
    write_picture,
    write_sound,
)
from tvsl_core.data.material import folder as module
from tvsl_core.data.material.folder import load_material, source_of
from tvsl_core.data.scenes.cutouts import cut_from_white, trim
from tvsl_core.data.scenes.pool import split_pool
from tvsl_core.data.scenes.store import read_mono
from tvsl_core.errors import InputError, ManifestError


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return make_material(tmp_path_factory.mktemp("material"))


def test_a_folder_gives_its_classes_with_spaces_and_every_kind_of_file(material):
    found = load_material(material)

    assert found.pool.classes == tuple(sorted(MATERIAL_COLOURS))
    assert len(found.pool.pictures) == 16
    assert len(found.pool.sounds) == 12
    assert len(found.pool.backgrounds) == len(found.pool.others) == 3
    assert found.skipped == ()
    assert found.notes == ()


def test_transparent_parts_make_a_cutout_of_the_size_of_its_object(material):
    pool = load_material(material).pool
    drawn = [item for item in pool.pictures if item.label.endswith(".png")]

    assert all(item.cutout and item.size == (60, 90) for item in drawn)
    assert not any(item.cutout for item in pool.pictures if item.label.endswith(".jpg"))


def test_photographs_on_white_become_cutouts_when_asked_for(material):
    pool = load_material(material, cut_white=True).pool
    photos = [item for item in pool.pictures if item.label.endswith(".jpg")]

    assert all(item.cutout and item.white for item in photos)
    for item in photos:
        assert np.abs(np.subtract(item.size, (50, 40))).max() <= 2  # photograph(): 120 x 80, 1/3 and 1/4 free


def test_the_source_stands_before_two_underscores():
    from pathlib import Path

    assert source_of(Path("images/dog/anna_b__dog_1__x.png")) == "anna_b"
    assert source_of(Path("images/dog/dog_1.png")) == "dog_1"


def test_a_sound_knows_when_it_is_loud(tmp_path):
    make_material(tmp_path)
    write_sound(tmp_path / "sounds/dog/late__bark.wav", seconds=4, pause_s=3)
    (late,) = [item for item in load_material(tmp_path).pool.sounds if item.group == "late"]

    assert late.seconds == 4
    assert late.active == ((3.0, 4.0),)


def test_damaged_silent_empty_and_strange_files_are_skipped_counted_and_named(tmp_path):
    make_material(tmp_path)
    (tmp_path / "images/dog/a__broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (tmp_path / "sounds/dog/a__broken.wav").write_bytes(b"RIFF nothing")
    (tmp_path / "sounds/dog/a__empty.wav").touch()
    write_sound(tmp_path / "sounds/dog/a__silent.wav", gain=0)
    write_sound(tmp_path / "sounds/dog/a__faint.wav", gain=0.0001)
    write_picture(tmp_path / "images/dog/a__clear.png", cutout((1, 2, 3)) * np.uint8([1, 1, 1, 0]))
    (tmp_path / "images/dog/a__notes.txt").write_text("mine")
    found = load_material(tmp_path)

    names = {one.label.rsplit("__")[1] for one in found.skipped}
    assert names == {"broken.jpg", "broken.wav", "empty.wav", "silent.wav", "faint.wav", "clear.png", "notes.txt"}
    assert len(found.pool.pictures) == 16
    assert len(found.pool.sounds) == 12
    assert "7 files were skipped" in found.notes[0]
    assert "a__broken.wav" in " ".join(one.reason for one in found.skipped)


def test_a_class_without_a_usable_file_is_an_error_that_names_it(tmp_path):
    make_material(tmp_path)
    (tmp_path / "images/wolf").mkdir()

    with pytest.raises(ManifestError, match=r"wolf is without a usable picture or sound.*remove the folder"):
        load_material(tmp_path)


def test_a_folder_without_material_says_what_it_needs(tmp_path):
    with pytest.raises(InputError, match=r"does not exist.*images/<class>"):
        load_material(tmp_path / "nowhere")
    with pytest.raises(InputError, match="neither images/ nor sounds/"):
        load_material(tmp_path)
    (tmp_path / "images").mkdir()
    with pytest.raises(ManifestError, match="no class"):
        load_material(tmp_path)


def test_one_sided_classes_are_told(tmp_path):
    make_material(tmp_path)
    shutil.rmtree(tmp_path / "images/dog")
    shutil.rmtree(tmp_path / "sounds/sheep")
    notes = " ".join(load_material(tmp_path).notes)

    assert "Only heard, never seen: dog." in notes
    assert "Only seen, never heard: sheep." in notes


def test_the_fingerprint_follows_content_not_place_or_time(material, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(material, copy, copy_function=shutil.copyfile)
    same = load_material(copy).pool.fingerprint()
    write_sound(copy / "sounds/dog/library0__dog.wav", hertz=601)

    assert same == load_material(material).pool.fingerprint()
    assert load_material(copy).pool.fingerprint() != same


def test_a_split_holds_out_whole_sources_and_leaves_every_class_something(material):
    pool = load_material(material).pool
    split = split_pool(pool, share=0.3)

    assert split.held_out
    for shelf in ("pictures", "sounds", "backgrounds", "others"):
        mine, its = getattr(split.training, shelf), getattr(split.validation, shelf)
        assert {item.group for item in mine}.isdisjoint(split.held_out)
        assert {item.group for item in its} <= set(split.held_out)
        assert len(mine) + len(its) == len(getattr(pool, shelf))
    assert split.training.classes == pool.classes
    assert split == split_pool(pool, share=0.3)
    assert len({split_pool(pool, share=0.3, seed=seed).held_out for seed in range(8)}) > 1


def test_a_class_of_one_source_is_never_held_out_and_this_is_told(material):
    pool = load_material(material).pool
    one = pool.only(lambda item: "dog" not in item.names or item.group in ("artist0", "library0"))
    for seed in range(20):
        split = split_pool(one, share=0.45, seed=seed)

        assert {"artist0", "library0"}.isdisjoint(split.held_out)
        assert split.training.classes == one.classes
        for name in one.classes:
            mine = [item for item in one.pictures if name in item.names]
            held = [item for item in split.validation.pictures if name in item.names]
            assert len(held) <= len(mine) / 2
        assert "No pictures are held out of dog." in " ".join(split.notes)


def test_named_sources_are_held_out_and_what_is_lost_is_told(material):
    pool = load_material(material).pool
    split = split_pool(pool, groups=["library0", "library1", "library2"])

    assert split.training.sounds == ()
    assert "No sounds are left to learn from of brass bell, dog, sheep, violin." in split.notes
    assert "No pictures are held out of brass bell, dog, sheep, violin." in split.notes
    with pytest.raises(ValueError, match="no file belongs to the group 'library9'"):
        split_pool(pool, groups=["library9"])


def test_a_part_of_the_classes_and_a_first_try_stay_pools(material):
    pool = load_material(material).pool

    assert pool.of_classes(["dog", "sheep"]).classes == ("dog", "sheep")
    small = pool.limited(4)
    assert small.classes == pool.classes
    assert len(small.pictures) == len(small.sounds) == 4


@pytest.mark.parametrize("size", [(120, 80), (224, 224)])
def test_an_object_is_cut_from_white_to_the_pixel(size):
    width, height = size
    photo = photograph((40, 90, 160), size=size)
    found = cut_from_white(photo)

    assert found is not None
    inside = (slice(height // 4 + 1, -height // 4 - 1), slice(width // 3 + 1, -(width // 4) - 1))
    truth = np.zeros((height, width), bool)
    truth[inside] = True
    assert ((found[:, :, 3] >= 128) == truth).mean() > 0.995
    assert found[0, 0, 3] == 0
    assert found[height // 2, width // 2, 3] == 255


def test_white_inside_an_object_stays_and_specks_go():
    photo = photograph((40, 90, 160), size=(200, 200))
    photo[90:110, 100:110] = 255
    photo[5:9, 5:9] = 0
    found = cut_from_white(photo)

    assert found is not None
    assert found[100, 105, 3] == 255
    assert found[7, 7, 3] == 0


def test_a_photograph_that_is_not_on_white_is_refused():
    grey = np.full((100, 100, 3), 128, np.uint8)
    touching = photograph((10, 10, 10), size=(100, 100))
    touching[:, :30] = 10
    white = np.full((100, 100, 3), 255, np.uint8)
    framed = white.copy()
    framed[8:92, 8:92] = 100

    assert cut_from_white(grey) is None
    assert cut_from_white(touching) is None
    assert cut_from_white(white) is None
    assert cut_from_white(framed) is None


def test_trimming_keeps_exactly_the_half_opaque_part():
    drawn = cutout((9, 9, 9))

    assert trim(drawn).shape == (90, 60, 4)
    assert trim(np.zeros((9, 9, 4), np.uint8)) is None


def test_only_new_and_changed_files_are_decoded_again(tmp_path, monkeypatch):
    make_material(tmp_path)
    (tmp_path / "images/dog/a__broken.jpg").write_bytes(b"nothing")
    first = load_material(tmp_path)
    seen = []
    real = module.read_pixels
    monkeypatch.setattr(module, "read_pixels", lambda path: (seen.append(path.name), real(path))[1])
    monkeypatch.setattr(module, "read_mono", lambda *_rest: pytest.fail("a sound was decoded again"))
    again = load_material(tmp_path)

    assert again == first
    assert seen == []
    write_picture(tmp_path / "images/dog/artist0__dog.png", cutout((1, 1, 1), size=(20, 30)))
    assert load_material(tmp_path).pool != first.pool
    assert seen == ["artist0__dog.png"]
    load_material(tmp_path, cut_white=True)
    assert len(seen) > 16


def test_a_damaged_index_is_an_empty_one_and_an_unwritable_folder_is_no_error(tmp_path, monkeypatch):
    from tvsl_core.errors import OutputError

    make_material(tmp_path)
    first = load_material(tmp_path)
    for content in ("", "{}", '{"version": 1, "cut_white": false, "files": {"images/dog/artist0__dog.png": [1]}}'):
        (tmp_path / ".tvsl-index.json").write_text(content)
        assert load_material(tmp_path) == first

    def refuse(*_rest):
        raise OutputError("the file system is read-only")

    (tmp_path / ".tvsl-index.json").unlink()
    monkeypatch.setattr("tvsl_core.system.files.write_bytes", refuse)
    assert load_material(tmp_path) == first
    assert not (tmp_path / ".tvsl-index.json").exists()


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_every_kind_of_sound_file_is_read_alike(tmp_path, suffix, rate):
    codec = {".wav": "pcm_s16le", ".flac": "flac", ".ogg": "libopus", ".mp3": "libmp3lame"}[suffix]
    path = make_clip(tmp_path / f"tone{suffix}", seconds=2, codec=None, audio=codec, audio_rate=48000, sound="tone")
    heard = read_mono(path, rate)

    assert len(heard) == pytest.approx(2 * rate, abs=0.08 * rate)
    assert np.abs(heard[rate // 2 : rate]).max() == pytest.approx(0.5, abs=0.06)
    assert np.argmax(np.abs(np.fft.rfft(heard[rate // 2 : rate // 2 + rate]))) == 440


@pytest.mark.parametrize("channels", ["mono", "stereo"])
def test_the_fast_way_through_wav_files_gives_what_the_decoder_gives(tmp_path, channels):
    from tvsl_core.data.scenes import store as media_store

    path = make_clip(
        tmp_path / "sweep.wav",
        seconds=7,
        codec=None,
        audio="pcm_s16le",
        audio_layout=channels,
        sound=lambda seconds: 0.5 * np.sin(2000 * seconds**2),
    )
    from tvsl_core.data.benchmarks.clips import read_sound

    assert np.array_equal(media_store._read_wav(path, 16000), media_store._read_beginning(path, 16000))
    assert np.array_equal(read_mono(path, 16000, middle=True), read_sound(path, 16000))
    assert media_store._read_wav(make_sound_file(tmp_path / "loud.wav", audio="pcm_f32le"), 16000) is None
