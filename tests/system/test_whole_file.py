"""Files that appear under their name only when they are whole."""

import os

import pytest

from tvsl_core.errors import OutputError
from tvsl_core.system.files import whole_file, write_bytes


def test_a_file_has_its_name_only_when_it_is_whole(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with whole_file(path) as partial:
        partial.write_bytes(b"new")

        assert path.read_bytes() == b"old"
        assert partial.parent == tmp_path
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_finished_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "out") as partial:
        partial.write_bytes(b"half")
        raise ZeroDivisionError

    assert list(tmp_path.iterdir()) == []


def test_what_was_written_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def remember(handle):
        synced.append((os.fstat(handle).st_size, (tmp_path / "out").exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", remember)
    write_bytes(tmp_path / "out", b"12345")

    assert synced[0] == (5, False)
    assert synced[-1][1], "the folder is synced after the rename"


def test_an_unwritable_place_is_an_output_error_that_names_it(tmp_path):
    with pytest.raises(OutputError, match=r"Cannot write .*no such folder.*its folder does not exist"):
        write_bytes(tmp_path / "no such folder" / "out", b"x")


def test_an_error_of_the_system_inside_the_block_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="the disk is full"), whole_file(tmp_path / "out"):
        raise OSError(28, "No space left on device")

    assert list(tmp_path.iterdir()) == []
