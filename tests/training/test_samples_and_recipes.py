"""The sample videos as a training set, and the recipes that ship with tvsl."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tvsl_cli.__main__ import main
from tvsl_core.data.scenes.store import MediaStore
from tvsl_core.data.training_sets.samples import samples_pool
from tvsl_core.errors import InputError
from tvsl_core.training.recipes.catalog import recipes

SAMPLES = Path(__file__).resolve().parents[2] / "sample_videos"
TRUTH = json.loads((SAMPLES / "truth.json").read_text())["clips"]


@pytest.fixture(scope="module")
def pool():
    return samples_pool(SAMPLES)


def test_objects_that_stand_apart_are_seen_and_those_that_sound_alone_are_heard(pool):
    seen = {name for item in pool.pictures for name in item.names}
    heard = {name for item in pool.sounds for name in item.names}

    visible = {thing["class"] for clip in TRUTH.values() for thing in clip["objects"] if thing["visible"]}
    visible -= {"speech"}  # who speaks, no single picture says
    assert seen == visible - {"drum kit", "electric guitar"}  # these stand before each other
    assert heard == visible - {"sheep", "cat", "horse"}  # these are silent, or never alone


def test_a_sound_is_never_taken_while_another_object_sounds(pool):
    for item in pool.sounds:
        clip = TRUTH[item.file.name]
        for thing in clip["objects"]:
            overlaps = any(begin < item.span[1] and item.span[0] < end for begin, end in thing["sounding"])
            assert overlaps == (thing["class"] in item.names)
        assert item.seconds == pytest.approx(item.span[1] - item.span[0], abs=2e-3)


def test_a_picture_shows_its_object_whole(pool):
    for item in pool.pictures:
        clip = TRUTH[item.file.name]
        (thing,) = (one for one in clip["objects"] if one["class"] in item.names)
        (box,) = (one["box"] for one in thing["boxes"] if one["time_s"] == item.time_s)
        left, top, right, bottom = item.crop
        assert left <= box[0] and top <= box[1] and right >= box[2] and bottom >= box[3]
        assert right <= clip["width"] and bottom <= clip["height"]
        assert item.size == (right - left, bottom - top)


def test_the_beginning_of_a_video_is_another_group_than_its_end(pool):
    for item in pool.pictures:
        later = [one for one in pool.pictures if one.names == item.names and one.file == item.file]
        later = [one for one in later if one.group != item.group and one.time_s > item.time_s]
        assert item.group.endswith("beginning") or not later
    assert {group.split()[-1] for group in pool.groups} == {"beginning", "end"}


def test_a_part_of_a_video_is_read_as_it_is(pool):
    from tvsl_core.data.benchmarks.clips import read_frame, read_span

    store = MediaStore()
    picture = next(item for item in pool.pictures if item.file.name == "owl.mp4" and max(item.size) < 600)
    left, top, right, bottom = picture.crop
    assert np.array_equal(store.picture(picture), read_frame(picture.file, picture.time_s)[top:bottom, left:right])
    sound = next(item for item in pool.sounds if item.file.name == "owl.mp4")
    samples = store.sound(sound, 16_000)
    plain = read_span(sound.file, sound.span, 16_000)
    assert len(samples) == len(plain) == pytest.approx(sound.seconds * 16_000, abs=32)
    assert np.corrcoef(samples, plain)[0, 1] > 0.999


def test_a_folder_without_the_sample_videos_is_refused(tmp_path):
    with pytest.raises(InputError, match="the sample videos are not in"):
        samples_pool(tmp_path)


@pytest.mark.parametrize("name", sorted(recipes()))
def test_a_recipe_is_a_configuration_that_is_understood(name, tmp_path, monkeypatch, capsys):
    """It gets as far as looking for its data, which are not here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TVSL_DATA", raising=False)
    dataset = ["--dataset", "composed"] if name == "compact" else []
    then = [] if name == "compact" else ["--then", "evaluate"]

    assert main(["train", "--recipe", name, *dataset, *then, "--dry-run"]) == 1
    said = capsys.readouterr().err
    assert re.search("not found|not in|cannot be found", said), said


def test_recipes_are_listed_and_a_wrong_name_is_answered_with_the_nearest(capsys):
    assert main(["train", "--recipe", "list"]) == 0
    assert "tvsl-vggsound\tThe published recipe on VGGSound" in capsys.readouterr().out
    assert main(["train", "--recipe", "tvsl-vgsound"]) == 2
    assert "no recipe 'tvsl-vgsound'. Did you mean 'tvsl-vggsound'?" in capsys.readouterr().err


def test_a_section_serves_an_evaluation_and_what_follows_a_training(tmp_path):
    from tvsl_cli.evaluate.request import KEYS
    from tvsl_cli.train.paper import paper_request
    from tvsl_core.api.train_request import TrainRequest
    from tvsl_core.training.sources import SourceOptions

    file = tmp_path / "tvsl.toml"
    file.write_text(
        '[evaluate]\nbenchmark = "composed-duet"\nlimit = 3\nsources = "1,2"\ntable = "csv"\ndevice = "cuda"\n'
    )
    request = TrainRequest(
        sources=SourceOptions(dataset="samples"), out=tmp_path, recipe="samples", calibration_scenes=2
    )
    paper = paper_request("evaluate", request, file)

    assert "benchmark" in KEYS
    assert paper.calibration_scenes == 2
    asked = paper.evaluate
    assert (asked.benchmark, asked.limit, asked.sources) == ("composed-duet", 3, (1, 2))
    assert (asked.media, asked.device) == (Path("sample_videos"), "auto")


@pytest.mark.slow
def test_the_sample_videos_alone_train_heads_that_annotate_can_use(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TVSL_CACHE", str(tmp_path / "cache"))
    media = ["--dataset", "samples", "--media", str(SAMPLES), "--workers", "0"]
    assert main(["train", *media, "--out", "run"]) == 0
    assert main(["models", "export", "run", "--out", "mine.safetensors"]) == 0
    assert main(["annotate", str(SAMPLES / "owl.mp4"), "--out", "results", "--model", "mine.safetensors"]) == 0

    from tvsl_core import read_events

    assert set(read_events("results")["class"]) == {"owl"}
