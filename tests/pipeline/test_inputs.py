import io
from pathlib import Path

import pytest

from tvsl_core.errors import InputError
from tvsl_core.pipeline.inputs import find_videos


@pytest.fixture
def tree(tmp_path):
    for name in ("a/clip.mp4", "b/clip.mp4", "b/deep/other.MKV", "b/notes.txt", "b/._clip.mp4", "top.webm"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
    return tmp_path


def names(found):
    return [item.name for item in found.items]


def test_a_folder_is_searched_recursively_for_videos_only(tree):
    assert names(find_videos([str(tree)])) == ["top.webm", "a/clip.mp4", "b/clip.mp4", "b/deep/other.MKV"]


def test_a_named_file_is_taken_whatever_its_suffix(tree):
    assert names(find_videos([str(tree / "b/notes.txt")])) == ["notes.txt"]


def test_two_files_of_one_name_get_different_names(tree):
    found = find_videos([str(tree / "a/clip.mp4"), str(tree / "b/clip.mp4")])

    assert len({name.casefold() for name in names(found)}) == 2
    assert names(found) == ["clip.mp4", "b/clip.mp4"]


def test_names_that_differ_in_case_only_are_told_apart(tmp_path):
    for folder, name in (("x", "clip.mp4"), ("y", "Clip.mp4")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_bytes(b"x")
    found = find_videos([str(tmp_path / "x"), str(tmp_path / "y")])

    assert len({name.casefold() for name in names(found)}) == 2


def test_a_video_named_twice_is_annotated_once(tree):
    assert len(find_videos([str(tree), str(tree / "top.webm"), str(tree / "a" / ".." / "top.webm")]).items) == 4


def test_globs_lists_and_standard_input_are_understood(tree, monkeypatch):
    monkeypatch.chdir(tree)
    Path("list.txt").write_text("# a list\n\na/clip.mp4\r\n*.webm\n", encoding="utf-8")

    assert names(find_videos(["**/*.mp4"])) == ["clip.mp4", "b/clip.mp4"]
    assert names(find_videos(["@list.txt"])) == ["clip.mp4", "top.webm"]
    assert names(find_videos(["-"], stdin=io.StringIO("top.webm\n"))) == ["top.webm"]


@pytest.mark.parametrize("given", ["no/such.mp4", "*.nothing", "@no-list.txt", "empty", "broken-link.mp4", "nul\0.mp4"])
def test_an_input_that_leads_nowhere_is_a_problem_and_the_rest_goes_on(tree, monkeypatch, given):
    monkeypatch.chdir(tree)
    Path("empty").mkdir()
    Path("broken-link.mp4").symlink_to("gone.mp4")

    found = find_videos([given, "top.webm"])

    assert names(found) == ["top.webm"]
    assert len(found.problems) == 1
    assert found.problems[0].message.endswith(".")


def test_odd_names_are_plain_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("-rf.mp4", "naïve café 日本.mp4", "a [1] *.mp4", "@home.mp4"):
        Path(name).write_bytes(b"x")

    assert names(find_videos(["-rf.mp4", "naïve café 日本.mp4", "a [1] *.mp4", "@home.mp4"])) == [
        "-rf.mp4", "naïve café 日本.mp4", "a [1] *.mp4", "@home.mp4",
    ]  # fmt: skip


def test_symlink_loops_do_not_trap_the_search(tree):
    (tree / "a" / "loop").symlink_to(tree)

    assert len(find_videos([str(tree)]).items) == 4


def test_no_input_at_all_is_refused():
    with pytest.raises(InputError, match="no input"):
        find_videos([])
