"""Training lists and folders: what they become, and what is said when something is missing."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from tests.builders import make_clip, make_material, write_picture, write_sound
from tvsl_core.data.scenes.mixtures import Mixtures
from tvsl_core.data.scenes.options import MixtureOptions
from tvsl_core.data.scenes.pool import split_pool
from tvsl_core.data.training_sets.catalog import TRAINING
from tvsl_core.data.training_sets.lists import benchmark_ids, music_clip, vggsound_clip
from tvsl_core.data.training_sets.sets import load_training_set, needed_clips
from tvsl_core.errors import InputError, ManifestError

VGGSOUND = ["--G-wKyj6JQ_000030", "--IOqc-XgYo_000000", "--SQyOb8eS0_000030", "abcdefghijk_000100"]


def put_media(root, clips):
    """Prepared media: a grey frame and a tone each."""
    for number, clip in enumerate(clips):
        write_picture(root / "frames" / f"{clip}.jpg", np.full((60, 80, 3), 20 * (number + 1), np.uint8))
        write_sound(root / "audio" / f"{clip}.wav", hertz=400 + 100 * number, seconds=5)


@pytest.fixture
def data(tmp_path):
    """A data root with the lists of four VGGSound clips, the media of three of them."""
    folder = tmp_path / "data/annotations"
    folder.mkdir(parents=True)
    names = ["harp", "piano", "bass_guitar", "harp"]
    rows = [f"{clip},{name}" for clip, name in zip(VGGSOUND, names, strict=True)]
    (folder / "vgginstruments_train.txt").write_text("\n".join(rows))
    with (folder / "vggsound.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [[VGGSOUND[0][:11], 30, "playing harp", "train"], [VGGSOUND[1][:11], 0, "dog barking, bow-wow", "train"],
             [VGGSOUND[2][:11], 30, "owl", "test"]]
        )  # fmt: skip
    put_media(tmp_path / "data/vggsound", VGGSOUND[:3])
    return tmp_path / "data"


def test_the_published_lists_have_the_sizes_that_are_told(benchmarks):
    sizes = {"vggsound-instruments": (33934, 37), "music-solo": (44532, 11), "music-duet": (48348, 8)}
    for name, (clips, classes) in sizes.items():
        entry, found = needed_clips(name, annotations=benchmarks)

        assert len(found) == clips
        assert len({klass for clip in found for klass in clip.names}) == classes
        assert f"{clips:,}" in entry.about
    assert len({clip.video for clip in needed_clips("music-duet", annotations=benchmarks)[1]}) == 112


def test_868_clips_of_the_instruments_are_test_clips_and_their_videos_are_left_out(benchmarks, tmp_path):
    _, clips = needed_clips("vggsound-instruments", annotations=benchmarks)
    tested = benchmark_ids(benchmarks)
    videos = {one[:11] for one in tested}
    leaked = [clip.id for clip in clips if clip.video in videos]
    apart = next(clip.id for clip in clips if clip.video not in videos)
    put_media(tmp_path, [leaked[0], apart])
    found = load_training_set("vggsound-instruments", annotations=benchmarks, media=tmp_path)
    kept = load_training_set("vggsound-instruments", annotations=benchmarks, media=tmp_path, exclude_test=False)

    assert sum(clip.id in tested for clip in clips) == 868
    assert list(found.excluded) == leaked
    assert any(note.startswith("904 clips are left out") and "868 are test clips" in note for note in found.notes)
    assert [clip.id for clip in found.clips] == [apart]
    assert {clip.id for clip in kept.clips} == {leaked[0], apart}
    assert any(note.startswith("868 clips of vggsound-instruments are test clips") for note in kept.notes)


def test_every_list_of_test_clips_is_heeded(tmp_path):
    (tmp_path / "music_solo_test.csv").write_text("K_U5-GbPgi0_098_02961,cello\n")
    (tmp_path / "dsol_audioset_instrument_box.json").write_text('{"--G-wKyj6JQ/3": {"bbox": []}}')
    (tmp_path / "vggss.json").write_text(
        '[{"file": "0abcdefghij_000030", "class": "harp_12", "bbox": [[0.1234567890123]]}]'
    )

    assert {one[:11] for one in benchmark_ids(tmp_path)} == {"K_U5-GbPgi0", "--G-wKyj6JQ", "0abcdefghij"}
    assert benchmark_ids(tmp_path / "none") == frozenset()


def test_ones_own_copies_of_test_videos_are_left_out_too(tmp_path):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/vggss_test.csv").write_text("--G-wKyj6JQ_000030,harp\n")
    for name in ("--G-wKyj6JQ_000090", "mine_1", "mine_2"):
        (tmp_path / "videos/harp").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"videos/harp/{name}.mp4").write_bytes(b"")
    found = load_training_set("custom", media=tmp_path / "videos", root=tmp_path)

    assert found.excluded == ("harp/--G-wKyj6JQ_000090",)
    assert {clip.id for clip in found.clips} == {"harp/mine_1", "harp/mine_2"}


def test_a_set_of_nothing_but_test_clips_is_refused(tmp_path):
    (tmp_path / "vgginstruments_train.txt").write_text("--G-wKyj6JQ_000030,harp\n")
    (tmp_path / "vggss_test.csv").write_text("--G-wKyj6JQ_000030,harp\n")
    put_media(tmp_path, ["--G-wKyj6JQ_000030"])

    with pytest.raises(ManifestError, match="test on") as caught:
        load_training_set("vggsound-instruments", annotations=tmp_path, media=tmp_path)
    assert "--include-test" in caught.value.hint


def test_a_clip_knows_its_video_and_its_instant():
    assert vggsound_clip("--G-wKyj6JQ_000030", ("harp",)).time_s == 35
    assert vggsound_clip("--G-wKyj6JQ_000030", ("harp",)).video == "--G-wKyj6JQ"
    assert music_clip("K_U5-GbPgi0_098_02961", ()).time_s == pytest.approx(2961 / 30)
    assert music_clip("K_U5-GbPgi0_098_02461", ()).time_s == 98  # 25 frames a second: the second decides
    for wrong in ("harp", "--G-wKyj6JQ_3x", "--G-wKyj6JQ-000030"):
        with pytest.raises(ValueError, match="is not VIDEO_SECOND"):
            vggsound_clip(wrong, ())


def test_a_list_finds_its_media_under_the_data_root(data):
    found = load_training_set("vggsound-instruments", root=data)

    assert found.classes == ("bass guitar", "harp", "piano")
    assert [clip.group for clip in found.clips] == [clip[:11] for clip in VGGSOUND[:3]]
    assert [media.clip for media in found.missing] == [VGGSOUND[3]]
    assert "1 of 4 clips lack their media and are left out: abcdefghijk_000100." in found.notes
    assert any("868" in note for note in found.notes)  # no VGG-SS list is here to count with


def test_vggsound_reads_the_training_split_of_a_csv_of_any_name(data, tmp_path):
    mine = (data / "annotations/vggsound.csv").rename(tmp_path / "mine.csv")
    found = load_training_set("vggsound", annotations=mine, root=data)

    assert found.classes == ("dog barking, bow-wow", "playing harp")
    assert len(found.clips) == 2


def test_pictures_and_sounds_of_one_clip_stay_together(data):
    """Every tile's grey says which clip it is, and so does the pitch of its sound."""
    put_media(data / "vggsound", VGGSOUND)  # two clips of a harp
    pool = load_training_set("vggsound-instruments", root=data).pool
    source = Mixtures(pool, length=60)
    pairs = 0
    for index in range(60):
        recipe = source.recipe(index, 0)
        seen = {one.name: one.file for one in recipe.objects}
        for one in recipe.sounds:
            pairs += one.name in seen
            assert seen.get(one.name, one.file) == one.file
        scene = source.scene(index, 0, sample_rate=16000)
        assert set(np.unique(scene.regions)) <= {-1, 0}
    assert pairs > 60


def test_a_clip_of_two_classes_shows_and_sounds_both(tmp_path):
    (tmp_path / "music_duet_train.txt").write_text("K_U5-GbPgi0_098_02961,cello,acoustic_guitar\n")
    put_media(tmp_path, ["K_U5-GbPgi0_098_02961"])
    pool = load_training_set("music-duet", annotations=tmp_path, media=tmp_path).pool
    source = Mixtures(pool, length=30)
    scenes = [source.scene(index, 0, sample_rate=8000) for index in range(30)]

    assert {scene.sounding for scene in scenes} <= {(), ("cello", "acoustic guitar")}
    assert {tuple(sorted(scene.visible)) for scene in scenes} <= {(), ("acoustic guitar", "cello")}
    assert any(scene.sounding and scene.visible for scene in scenes)


def test_clips_that_share_a_class_never_meet(tmp_path):
    pairs = ("cello,acoustic_guitar", "acoustic_guitar,violin", "violin,cello", "flute,trumpet")
    clips = [f"K_U5-GbPgi{number}_098_02961" for number in range(4)]
    (tmp_path / "music_duet_train.txt").write_text("".join(f"{c},{p}\n" for c, p in zip(clips, pairs, strict=True)))
    put_media(tmp_path, clips)
    pool = load_training_set("music-duet", annotations=tmp_path, media=tmp_path).pool
    options = MixtureOptions(sources=(0.0, 1.0), silent=(0.0, 1.0), twins=0.0)
    source = Mixtures(pool, options, length=60)
    together = 0
    for index in range(60):
        scene = source.scene(index, 0, sample_rate=4000)
        together += len(scene.sounding) == 4

        assert len(scene.visible) == len(set(scene.visible))
        assert len({one.file for one in scene.recipe.objects}) == len(scene.recipe.objects)
    assert together > 10


def test_whole_videos_are_held_out(tmp_path):
    clips = [f"K_U5-GbPgi{video}_{second:03d}_{second * 30:05d}" for video in range(4) for second in range(3)]
    (tmp_path / "music_solo_train.txt").write_text("".join(f"{clip},flute\n" for clip in clips))
    put_media(tmp_path, clips)
    pool = load_training_set("music-solo", annotations=tmp_path, media=tmp_path).pool
    split = split_pool(pool, share=0.25)

    assert len(split.held_out) == 1
    assert len(split.validation.pictures) == len(split.validation.sounds) == 3
    assert all(item.sound == number for number, item in enumerate(split.validation.pictures))
    assert all(split.training.sounds[item.sound].label == item.label for item in split.training.pictures)


def test_nothing_there_says_what_to_fetch_and_prepare_and_how_to_check(tmp_path):
    for name in TRAINING:
        with pytest.raises(ManifestError) as raised:
            load_training_set(name)
        message = str(raised.value)

        assert "Set TVSL_DATA" in message
        assert all(file in message for file in TRAINING[name].files)
        assert f"tvsl datasets prepare {name} --videos DIR --out" in message
        assert f"tvsl datasets check {name} --training" in message
        assert "https://" in message
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/music_solo_train.txt").write_text("K_U5-GbPgi0_098_02961,flute\n")
    with pytest.raises(ManifestError, match="media of music-solo were not found"):
        load_training_set("music-solo", root=tmp_path)
    (tmp_path / "music").mkdir()
    with pytest.raises(ManifestError, match=r"none of the 1 clips .* has its media in .*music.*\(1\) Get the media"):
        load_training_set("music-solo", root=tmp_path)


def test_material_is_found_by_name_and_by_path(tmp_path):
    make_material(tmp_path / "composed", groups=1)
    by_name = load_training_set("composed", root=tmp_path)
    by_path = load_training_set(str(tmp_path / "composed"))

    assert by_name.classes == by_path.classes == ("brass bell", "dog", "sheep", "violin")
    with pytest.raises(ManifestError, match=r"'composed' were not found.*images/<class>.*--media DIR"):
        load_training_set("composed")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    root = tmp_path_factory.mktemp("videos")
    for name, sound in (("dog/anna__walk", "tone"), ("dog/ben__yard", "beep"), ("brass_bell/tower", "tone")):
        (root / name).parent.mkdir(exist_ok=True)
        make_clip(root / f"{name}.mp4", seconds=6, sound=sound)
    return root


def test_a_folder_of_videos_per_class_is_a_training_set(videos):
    found = load_training_set(str(videos))
    scene = Mixtures(found.pool, length=4).scene(0, 0, sample_rate=16000)

    assert found.name == "custom"
    assert found.classes == ("brass bell", "dog")
    assert {clip.group for clip in found.clips} == {"anna", "ben", "tower"}
    assert scene.frame.shape == (360, 640, 3)
    assert scene.waveform.shape == (80000,)


def test_a_table_of_paths_is_a_training_set(videos, tmp_path):
    table = tmp_path / "clips.csv"
    table.write_text("path,class,group\ndog/anna__walk.mp4,dog,anna\ndog/anna__walk.mp4,footsteps,anna\n")
    by_name = load_training_set("custom", annotations=table, media=videos)
    by_path = load_training_set(str(table), media=videos)

    assert by_name.classes == by_path.classes == ("dog", "footsteps")
    assert by_name.clips[0].names == ("dog", "footsteps")


def test_tables_that_cannot_be_used_say_why(videos, tmp_path):
    table = tmp_path / "clips.csv"
    for content, reason in (
        ("file,class\na.mp4,dog\n", "must have a header with path, class"),
        ("path,class\n", "lists no clip"),
        ("path,class\na.mp4,\n", "line 2: path or class is empty"),
        ("path,class,group\na.mp4,dog,anna\na.mp4,cat,ben\n", "line 3: 'a.mp4' belongs to 'anna' and to 'ben'"),
        ("path,class\nnowhere.mp4,dog\n", "none of the 1 clips of the training set 'custom' has its media"),
    ):
        table.write_text(content)
        with pytest.raises(ManifestError, match=reason):
            load_training_set("custom", annotations=table, media=videos)


def test_folders_that_cannot_be_used_say_why(tmp_path):
    (tmp_path / "dog").mkdir()
    with pytest.raises(ManifestError, match=r"holds no folder with a video.*one folder per class"):
        load_training_set("custom", media=tmp_path)
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat/a.mp4").touch()
    with pytest.raises(ManifestError, match=r"class folder '.*dog' holds no video"):
        load_training_set("custom", media=tmp_path)
    (tmp_path / "dog/b.mp4").touch()
    (tmp_path / "dog/b.mkv").touch()
    with pytest.raises(ManifestError, match="two files called 'dog/b'"):
        load_training_set("custom", media=tmp_path)


def test_unknown_names_and_paths_are_answered_with_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'vggsound-instruments'"):
        load_training_set("vggsound-instrument")
    with pytest.raises(InputError, match=r"training set 'my/clips' does not exist"):
        load_training_set("my/clips")


def test_lists_that_are_damaged_say_where(tmp_path):
    path = tmp_path / "vgginstruments_train.txt"
    for content, reason in (
        ("harp\n", "line 1: expected 2 columns"),
        ("abc,harp\n", "'abc' is not VIDEO_SECOND"),
        (f"{VGGSOUND[0]},harp\n{VGGSOUND[0]},piano\n", "twice"),
        ("", "lists no clip"),
    ):
        path.write_text(content)
        with pytest.raises(ManifestError, match=reason):
            needed_clips("vggsound-instruments", annotations=tmp_path)
    (tmp_path / "vggsound.csv").write_text("abcdefghijk,1,dog barking, bow-wow,train\n")
    with pytest.raises(ManifestError, match=r"line 1: expected 4 columns.*must stand in quotes"):
        needed_clips("vggsound", annotations=tmp_path)
    (tmp_path / "vggsound.csv").write_text("abcdefghijk,1,dog,test\n")
    with pytest.raises(ManifestError, match="no line of the split 'train'"):
        needed_clips("vggsound", annotations=tmp_path)
