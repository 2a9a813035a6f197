import io
import os
import time
from pathlib import Path
from threading import Thread

import pytest

from tvsl_core.batch.inputs import find_videos
from tvsl_core.errors import InputError


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


def test_a_glob_through_linked_folders_ends(tree):
    """Three links to one folder are 3^40 paths for a glob that follows them; it took more than ten minutes."""
    for name in ("one", "two", "three"):
        (tree / "a" / name).symlink_to(tree / "a")
    found = find_videos([str(tree / "**" / "*.mp4")])

    assert names(found) == ["clip.mp4", "b/clip.mp4"]


def test_a_glob_leaves_out_what_is_hidden_unless_it_asks_for_it(tree, monkeypatch):
    (tree / "a" / ".secret").mkdir()
    (tree / "a" / ".secret" / "x.mp4").write_bytes(b"x")
    monkeypatch.chdir(tree / "b")

    assert names(find_videos(["../a/**/*.mp4"])) == ["clip.mp4"]
    assert names(find_videos(["../a/.secret/*.mp4"])) == ["x.mp4"]


@pytest.mark.parametrize("given", ["n" * 300 + ".mp4", "loop.mp4", "a**b/*.mp4", "top.webm/x.mp4", "n" * 5000])
def test_a_path_that_the_system_refuses_is_a_problem_and_the_rest_goes_on(tree, monkeypatch, given):
    monkeypatch.chdir(tree)
    Path("loop.mp4").symlink_to("loop.mp4")
    found = find_videos([given, "top.webm"])

    assert (names(found), len(found.problems)) == (["top.webm"], 1)


def test_a_folder_of_a_thousand_levels_is_searched(tmp_path):
    deep = tmp_path
    for _ in range(1100):
        deep = deep / "d"
        deep.mkdir()
    (deep / "a.mp4").write_bytes(b"x")
    found = find_videos([str(tmp_path)])
    (deep / "a.mp4").unlink()
    while deep != tmp_path:  # what removes the folders of tests cannot go so deep
        deep.rmdir()
        deep = deep.parent

    assert len(found.items) == 1


@pytest.mark.timeout(20)
def test_a_list_that_is_a_pipe_is_read_if_somebody_writes_and_never_waited_for(tree, monkeypatch):
    monkeypatch.chdir(tree)
    os.mkfifo("pipe")
    nobody = find_videos(["@pipe", "top.webm"])
    reading, writing = os.pipe()
    Thread(target=lambda: (time.sleep(0.2), os.write(writing, b"top.webm\na/clip.mp4\n"), os.close(writing))).start()
    somebody = find_videos([f"@/dev/fd/{reading}"])
    os.close(reading)

    assert [problem.message for problem in nobody.problems] == ["nothing comes through the pipe 'pipe'."]
    assert names(nobody) == ["top.webm"]
    assert names(somebody) == ["top.webm", "clip.mp4"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("given", ["@/dev/zero", "@.", "@link", "-"])
def test_a_list_without_end_is_refused(tree, monkeypatch, given):
    monkeypatch.chdir(tree)
    Path("link").symlink_to("/dev/zero")
    with open("/dev/zero", encoding="utf-8") as endless:  # noqa: PTH123 it is no file
        found = find_videos([given, "top.webm"], stdin=endless)

    assert (names(found), len(found.problems)) == (["top.webm"], 1)


def test_a_list_that_is_too_large_is_refused(tree, monkeypatch):
    monkeypatch.chdir(tree)
    monkeypatch.setattr("tvsl_core.batch.inputs.MAX_LIST_BYTES", 100)
    Path("list.txt").write_text("top.webm\n" * 12, encoding="utf-8")

    assert "larger" in find_videos(["@list.txt"]).problems[0].message


def test_pipes_and_devices_inside_a_folder_are_no_videos(tree):
    os.mkfifo(tree / "a" / "pipe.mp4")
    (tree / "a" / "zero.mp4").symlink_to("/dev/zero")

    assert names(find_videos([str(tree / "a")])) == ["clip.mp4"]


def test_names_that_are_not_text_become_text_and_stay_apart(tmp_path):
    for name in (b"a\xff.mp4", b"a\xfe.mp4"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(b"x")
    found = find_videos([str(tmp_path), os.fsdecode(b"gone\xff.mp4")])

    assert [item.name.encode() for item in found.items]
    assert len(set(names(found))) == 2
    assert found.problems[0].given == "gone\ufffd.mp4"


@pytest.mark.parametrize(
    "given",
    [
        "https://example.org/clip.mp4",
        "https://example.org/watch?v=1*",
        "rtsp://camera.local/live",
        "https://example.org/" + 5000 * "a",
    ],
    ids=["file", "query", "stream", "long"],
)
def test_an_address_is_no_file_and_the_answer_says_why(tree, given):
    found = find_videos([given, str(tree)])

    (problem,) = found.problems
    assert "only files are read" in problem.message
    assert "Save the video first" in problem.hint
    assert found.items, "the rest goes on"


def test_a_file_in_a_folder_that_is_called_like_an_address_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "https:").mkdir()
    (tmp_path / "https:/clip.mp4").touch()
    monkeypatch.chdir(tmp_path)

    assert [item.name for item in find_videos(["https://clip.mp4"]).items] == ["clip.mp4"]
