"""What tvsl made itself is no input of its own: a second run over a folder is what the first one was."""

import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
from tvsl_core.batch.journal import Journal
from tvsl_core.data.training_sets.custom import clips_from_folder
from tvsl_core.data.training_sets.prepare import index_videos
from tvsl_core.system.results import find_results, is_results, lies_in_results, make_results_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def videos(tmp_path):
    """Two classes of videos, results with a heatmap beside them, and results of an earlier version."""
    folder = tmp_path / "videos"
    for name in ("dog/a.mp4", "cat/b.mp4"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        make_clip(folder / name, seconds=0.5, size=(64, 48))
    make_results_folder(folder / "results")
    for name in ("results/heatmaps/dog/a.mp4/0-dog.mp4", "old/heatmaps/dog/a.mp4/0-dog.mp4"):
        (folder / name).parent.mkdir(parents=True)
        make_clip(folder / name, seconds=0.5, size=(64, 48))
    (folder / "old" / ".tvsl").mkdir()
    return folder


def names(found):
    return {item.name for item in found.items}


def test_results_are_passed_over_while_folders_are_searched(videos):
    found = find_videos([str(videos)])

    assert names(found) == {"dog/a.mp4", "cat/b.mp4"}
    assert set(found.passed_over) == {videos / "results", videos / "old" / "heatmaps"}


@pytest.mark.parametrize("pattern", ["**/*.mp4", "*", "*/**/*.mp4"])
def test_results_are_passed_over_by_globs(videos, pattern, monkeypatch):
    for root in (str(videos) + "/", ""):
        monkeypatch.chdir(videos)
        found = find_videos([root + pattern])

        assert len(found.items) == 2
        assert not found.problems
        assert {path.name for path in found.passed_over} == {"results", "heatmaps"}


def test_results_that_were_renamed_or_moved_are_known(videos, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (videos / "results").rename(tmp_path / "elsewhere" / "films of mine")

    assert [item.path for item in find_videos([str(tmp_path / "elsewhere"), str(videos / "dog")]).items] == [
        videos / "dog" / "a.mp4"
    ]


@pytest.mark.parametrize(
    "given", ["results", "results/heatmaps", "results/heatmaps/dog/a.mp4/0-dog.mp4", "results/heatmaps/*/*/*.mp4"]
)
def test_what_is_named_itself_is_taken(videos, given):
    (item,) = find_videos([str(videos / given)]).items

    assert lies_in_results(item.path)


def test_a_folder_of_ones_own_that_gets_results_as_well_stays_an_input(tmp_path, model):
    make_clip(tmp_path / "a.mp4", seconds=1, size=(64, 48))
    for _ in range(2):
        found = find_videos([str(tmp_path)])
        annotate_videos(found, out=tmp_path, model=model, options=AnnotateOptions(overlay="combined"))

        assert names(found) == {"a.mp4"}
    assert (tmp_path / "heatmaps" / "a-mp4" / "combined.mp4").is_file()


def test_the_second_run_of_a_command_skips_what_the_first_did(videos, model):
    for _ in range(2):
        found = find_videos([str(videos)])
        report = annotate_videos(found, out=videos / "out", model=model, options=AnnotateOptions(overlay="combined"))

        assert len(report.finished) == 2
    assert {video.status for video in report.finished} == {"skipped"}


def test_a_heatmap_video_that_is_named_says_in_its_row_what_it_is(videos, tmp_path, model):
    found = find_videos([str(videos / "results/heatmaps/dog/a.mp4/0-dog.mp4")])
    annotate_videos(found, out=tmp_path / "out", model=model, options=AnnotateOptions(overlay="none"))

    (warnings,) = pd.read_parquet(tmp_path / "out" / "videos.parquet")["warnings"]
    assert "it lies in results of tvsl" in warnings[0]


def test_training_and_preparing_pass_over_them_too(videos):
    make_clip(videos / "dog" / "c.mp4", seconds=0.5, size=(64, 48))
    make_results_folder(videos / "dog" / "earlier")
    make_clip(videos / "dog" / "earlier" / "c.mp4", seconds=0.5, size=(64, 48))
    (videos / "old" / "heatmaps").rename(videos / "results" / "old")
    (videos / "old" / ".tvsl").rmdir()
    (videos / "old").rmdir()

    assert set(index_videos(videos)) == {"a", "b", "c", "dog/a", "cat/b", "dog/c"}
    assert {clip.id for clip in clips_from_folder(videos)} == {"dog/a", "cat/b", "dog/c"}
    assert find_results(videos) == (videos / "results", videos / "dog" / "earlier")


@pytest.mark.parametrize("command", [("annotate", "--dry-run"), ("embed", "--every", "5")])
def test_the_run_says_in_one_line_how_many_were_passed_over(videos, tmp_path, command):
    asked = [sys.executable, "-m", "tvsl_cli", command[0], str(videos), *command[1:], "--out", str(tmp_path / "out")]
    said = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stderr.splitlines()

    assert len([line for line in said if line.startswith("Passed over 2 folders with results of tvsl (")]) == 1


def test_only_a_new_or_empty_folder_is_marked(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").touch()
    for name in ("new", "empty", "full"):
        make_results_folder(tmp_path / name)

    assert [is_results(tmp_path / name) for name in ("new", "empty", "full")] == [True, True, False]


def test_a_run_that_begins_while_another_sweeps_still_marks_the_folder(tmp_path):
    folders = [tmp_path / str(number) for number in range(100)]
    over = threading.Event()

    def sweep():
        while not over.is_set():
            for folder in folders:
                Journal(folder).sweep()

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        for folder in folders:
            make_results_folder(folder)
    finally:
        over.set()
        sweeper.join()
    assert all(is_results(folder) for folder in folders)
