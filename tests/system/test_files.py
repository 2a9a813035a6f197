"""A file appears under its name only when it is whole; an output folder outlasts a power cut."""

import errno
import os
import resource
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

from tvsl_core.errors import OutputError
from tvsl_core.system.files import (
    PARTIAL_PATTERN,
    append_line,
    begin_partial,
    commit_partial,
    discard_partial,
    is_partial,
    make_folder,
    sync_folder,
    write_bytes,
    write_error,
)


@contextmanager
def largest_file(size):
    """No file may grow beyond this, as on a disk that is full."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limit[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture
def synced(monkeypatch):
    """What is brought to disk, in order: the real call runs, and is written down."""
    seen = []
    really = os.fsync

    def fsync(handle):
        seen.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        really(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def leftovers(folder):
    return list(folder.glob(PARTIAL_PATTERN))


def open_handles():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("before", [None, b"old and longer"])
def test_a_file_gets_its_content_and_leaves_nothing_else(tmp_path, before):
    path = tmp_path / "a.bin"
    if before:
        path.write_bytes(before)
    write_bytes(path, b"new")

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_until_it_is_committed_whoever_looks_sees_the_old_file(tmp_path):
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")
    partial = begin_partial(path)
    partial.write_bytes(b"half")

    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == [partial]
    commit_partial(partial, path)
    assert path.read_bytes() == b"half"
    assert leftovers(tmp_path) == []


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    one, two = begin_partial(tmp_path / "a"), begin_partial(tmp_path / "a")

    assert one != two
    assert one.read_bytes() == two.read_bytes() == b""


def test_a_name_as_long_as_names_can_be_is_written(tmp_path):
    path = tmp_path / ("n" * 255)
    write_bytes(path, b"x")

    assert path.read_bytes() == b"x"


def test_content_is_on_disk_before_the_name_and_the_name_before_the_return(tmp_path, synced):
    path = tmp_path / "a.bin"
    write_bytes(path, b"x")
    first, second = synced

    assert first.startswith(str(tmp_path / ".tvsl-"))
    assert second == str(tmp_path)


def test_a_relative_path_is_written_where_the_process_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    partial = begin_partial(tmp_path.relative_to(tmp_path) / "a")

    assert partial.is_absolute()
    assert partial.parent == tmp_path


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")
    with largest_file(100), pytest.raises(OutputError, match="grew over the largest size allowed"):
        write_bytes(path, b"x" * 10_000)

    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == []


def test_an_interruption_while_writing_leaves_nothing_behind(tmp_path):
    class Interrupting:
        def __buffer__(self, flags):
            raise KeyboardInterrupt

    with pytest.raises((KeyboardInterrupt, TypeError)):
        write_bytes(tmp_path / "a.bin", Interrupting())

    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_while_writing_is_an_output_error_and_the_temporary_file_goes(tmp_path):
    path = tmp_path / "a"
    partial = begin_partial(path)
    (path / "inside").mkdir(parents=True)
    with pytest.raises(OutputError, match="Cannot write"):
        commit_partial(partial, path)

    assert leftovers(tmp_path) == []


def test_discarding_twice_is_fine(tmp_path):
    partial = begin_partial(tmp_path / "a")
    discard_partial(partial)
    discard_partial(partial)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_refused_with_a_way_out(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OutputError, match="it is a folder") as refusal:
        begin_partial(tmp_path / "a")

    assert "Move it away" in refusal.value.hint
    assert leftovers(tmp_path) == []


def test_a_missing_folder_is_not_made_by_writing_a_file(tmp_path):
    with pytest.raises(OutputError, match="its folder does not exist"):
        write_bytes(tmp_path / "gone" / "a", b"x")

    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EACCES, "permission is denied"),
        (errno.EROFS, "read-only"),
        (errno.ENOTDIR, "is a file, not a folder"),
        (errno.ENAMETOOLONG, "too long"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_refusal_of_the_system_is_one_sentence_with_path_reason_and_way_out(tmp_path, number, words):
    problem = write_error(tmp_path / "a", OSError(number, os.strerror(number)))

    assert str(tmp_path / "a") in problem.message
    assert words in problem.message
    assert problem.hint
    assert problem.stage == "write"


def test_a_refusal_without_a_number_says_what_it_can(tmp_path):
    assert "odd" in write_error(tmp_path, OSError("odd")).message


def test_a_folder_is_made_with_its_parents_and_each_is_brought_to_disk(tmp_path, synced):
    make_folder(tmp_path / "a" / "b")

    assert (tmp_path / "a" / "b").is_dir()
    assert synced == [str(tmp_path), str(tmp_path / "a")]


def test_a_folder_that_is_there_stays_as_it_is(tmp_path, synced):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").touch()
    make_folder(tmp_path / "a")

    assert (tmp_path / "a" / "file").exists()
    assert synced == []


def test_a_parent_that_must_be_there_is_not_made(tmp_path):
    with pytest.raises(OutputError, match="its folder does not exist"):
        make_folder(tmp_path / "gone" / "a" / "b", inside=tmp_path / "gone")
    assert not (tmp_path / "gone").exists()

    (tmp_path / "gone").mkdir()
    make_folder(tmp_path / "gone" / "a" / "b", inside=tmp_path / "gone")
    assert (tmp_path / "gone" / "a" / "b").is_dir()


def test_a_file_in_the_place_of_a_folder_is_an_output_error(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(OutputError, match="Cannot write"):
        make_folder(tmp_path / "a" / "b")


def test_a_path_that_no_reader_of_tables_takes_is_refused(tmp_path):
    with pytest.raises(OutputError, match="not UTF-8") as refusal:
        make_folder(tmp_path / "a\udcff")

    assert refusal.value.stage == "write"
    assert list(tmp_path.iterdir()) == []


def test_syncing_lets_go_of_the_folder_and_forgives_one_that_is_gone(tmp_path, synced):
    before = open_handles()
    sync_folder(tmp_path)
    sync_folder(tmp_path / "gone")

    assert synced == [str(tmp_path)]
    assert open_handles() == before


def test_writing_holds_no_handle_afterwards(tmp_path):
    before = open_handles()
    for number in range(5):
        write_bytes(tmp_path / str(number), b"x")

    assert open_handles() == before


def test_lines_are_added_behind_each_other_and_brought_to_disk_when_asked(tmp_path, synced):
    path = tmp_path / "lines"
    append_line(path, b"one\n", sync=True)
    append_line(path, b"two\n", sync=True)
    append_line(path, b"three\n", sync=False)

    assert path.read_bytes() == b"one\ntwo\nthree\n"
    assert synced == [str(path), str(tmp_path), str(path)]


def test_of_a_line_that_the_disk_has_no_room_for_nothing_is_left(tmp_path):
    path = tmp_path / "lines"
    append_line(path, b"one\n", sync=True)
    with largest_file(8), pytest.raises(OutputError, match=r"lines: (the disk is full|the file grew)"):
        append_line(path, b"much longer\n", sync=True)
    assert path.read_bytes() == b"one\n"

    append_line(path, b"two\n", sync=True)
    assert path.read_bytes() == b"one\ntwo\n"


def test_unfinished_files_are_known_by_their_names(tmp_path):
    partial = begin_partial(tmp_path / "a")

    assert is_partial(partial.name)
    assert [is_partial(name) for name in ("a.part", ".tvsl-results", ".tvsl-0a", "x.tvsl-0a.part")] == [False] * 4
