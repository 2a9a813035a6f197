"""Which ffmpeg is taken, with real programs on a real search path."""

import os
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

from tvsl_core.errors import OutputError
from tvsl_core.media.write.binary import ffmpeg_version, find_ffmpeg

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="makes shell scripts")


@pytest.fixture(autouse=True)
def forget():
    """The answer is remembered; each test asks anew, and leaves nothing behind."""
    find_ffmpeg.cache_clear()
    yield
    find_ffmpeg.cache_clear()


def program(folder, script):
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_one_on_the_path_comes_first(tmp_path, monkeypatch):
    real = imageio_ffmpeg.get_ffmpeg_exe()
    own = program(tmp_path, f'exec "{real}" "$@"')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    assert find_ffmpeg() == own


@pytest.mark.parametrize("script", ["exit 1", "echo 'Codec libx264 is not recognized by FFmpeg.'", "kill -9 $$"])
def test_one_that_cannot_encode_is_passed_over(tmp_path, monkeypatch, script):
    program(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_ffmpeg() == Path(imageio_ffmpeg.get_ffmpeg_exe())


def test_without_any_the_error_says_what_to_do(tmp_path, monkeypatch):
    broken = program(tmp_path, "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(broken))

    with pytest.raises(OutputError, match="libx264") as caught:
        find_ffmpeg()
    assert "Install" in caught.value.hint


def test_it_says_its_version():
    assert ffmpeg_version() not in ("", "unknown")
