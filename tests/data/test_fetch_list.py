"""What is still to be fetched of a list."""

import csv
import io
import shlex

import numpy as np
import pytest

from tests.builders import write_picture, write_sound
from tvsl_cli.__main__ import main
from tvsl_core.data.benchmarks.catalog import DATA_VARIABLE, find_entry, steps_to_get

CLIPS = ["--G-wKyj6JQ_000030", "abcdefghijk_000100", "K_U5-GbPgi0_000000"]


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A list of three training clips, the media of one of them."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/vgginstruments_train.txt").write_text("".join(f"{clip},harp\n" for clip in CLIPS))
    write_picture(tmp_path / "vggsound/frames" / f"{CLIPS[0]}.jpg", np.zeros((40, 40, 3), np.uint8))
    write_sound(tmp_path / "vggsound/audio" / f"{CLIPS[0]}.wav", hertz=400, seconds=5)
    return tmp_path


def test_a_table_lists_what_is_missing_with_the_instant_in_the_middle(data, capsys):
    assert main(["datasets", "fetch-list", "vggsound-instruments"]) == 0
    printed = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(printed.out)))

    assert [row["id"] for row in rows] == CLIPS[1:]
    assert rows[0]["url"] == "https://www.youtube.com/watch?v=abcdefghijk"
    assert (float(rows[0]["start_s"]) + float(rows[0]["end_s"])) / 2 == 105
    assert float(rows[0]["end_s"]) - float(rows[0]["start_s"]) == 5
    assert "2 of 3 clips" in printed.err


def test_lines_of_arguments_survive_ids_that_look_like_options(data, capsys):
    (data / "vggsound/audio" / f"{CLIPS[0]}.wav").unlink()
    assert main(["datasets", "fetch-list", "vggsound-instruments", "--format", "yt-dlp"]) == 0
    first = shlex.split(capsys.readouterr().out.splitlines()[0])

    assert first == [
        "--download-sections=*32.500-37.500",
        "--output=--G-wKyj6JQ_000030.%(ext)s",
        "https://www.youtube.com/watch?v=--G-wKyj6JQ",
    ]


def test_an_unknown_format_is_a_usage_error_and_own_videos_need_nothing(data, capsys):
    assert main(["datasets", "fetch-list", "vggsound-instruments", "--format", "json"]) == 2
    assert main(["datasets", "fetch-list", "custom"]) == 1
    assert "published list" in capsys.readouterr().err


def test_what_is_there_is_not_asked_for_again(tmp_path):
    entry = find_entry("vggsound-duet")
    before = " ".join(steps_to_get(entry, tmp_path))
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/vggss.json").write_text("[]")
    between = " ".join(steps_to_get(entry, tmp_path))
    (tmp_path / "annotations/vggsound_duet_test.csv").write_text("")
    after = " ".join(steps_to_get(entry, tmp_path))

    assert "Fetch vggss.json and vggsound_duet_test.csv" in before
    assert "Fetch vggsound_duet_test.csv from" in between
    assert "Fetch" not in after
    assert "fetch-list vggsound-duet" in after


def test_lists_that_were_named_are_not_asked_for_either(benchmarks, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    (tmp_path / "none").mkdir()
    named = ["--annotations", str(benchmarks)]

    assert main(["train", "--dataset", "vggsound-instruments", *named, "--media", str(tmp_path / "none")]) == 1
    assert main(["evaluate", "--benchmark", "vggsound-single", *named]) == 1
    said = capsys.readouterr().err.replace("\n", " ")
    assert said.count("Get the media") == 2 and "Fetch" not in said
    assert main(["evaluate", "--benchmark", "vggsound-single", *named, "--media", str(tmp_path), "--limit", "2"]) == 1
    assert "its media are missing. Check that the files" in " ".join(capsys.readouterr().err.split())
