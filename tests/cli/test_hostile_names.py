"""Names that mean harm: whatever tvsl prints or logs, nothing in it can steer a terminal."""

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.builders import make_clip

ROOT = Path(__file__).resolve().parents[2]
HARM = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e4pm\u2066\r\n\u2028[bold red]\udcff{0} %s"
"""A title change, a cleared screen, colours in both spellings, reversed text, line breaks, markup, a broken byte."""


def tvsl(*arguments, debug=False) -> tuple[int, str, str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "TVSL_DEBUG": "1" if debug else ""}
    command = [sys.executable, "-m", "tvsl_cli", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, env=environment, timeout=120, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def steers(text: str) -> set[str]:
    """Characters of a text that steer a terminal or hide what it shows; line ends are not among them."""
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return {character for character in text if character != "\n" and unicodedata.category(character) in hidden}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """One good video and two bad ones, all of names that mean harm, in a folder of such a name."""
    folder = tmp_path_factory.mktemp("videos") / f"in {HARM}"
    folder.mkdir()
    make_clip(folder / "plain.mp4", seconds=1, size=(64, 48), sound="tone").rename(folder / f"good {HARM}.mp4")
    (folder / f"bad {HARM}.mp4").write_bytes(b"no video" * 100)
    (folder / f"list {HARM}.mp4").write_text("#EXTM3U\nhttp://127.0.0.1:9/a.ts\n")
    return folder


@pytest.mark.slow
def test_a_whole_run_prints_and_logs_nothing_that_steers_a_terminal(folder, tmp_path):
    log = tmp_path / "log.txt"
    out = tmp_path / f"out {HARM}".replace("\udcff", "")
    more = ("--overlay", "none", "--fps", "2", "--min-score", "0", "--out", out, "--log-file", log)
    for options in (("-v",), ("--jsonl",), ("-q",), ("--dry-run",)):
        code, printed, said = tvsl("annotate", folder, folder / f"gone {HARM}.mp4", *more, *options)

        assert code == 1
        assert "bad" in said
        assert steers(printed + said) == set()
        if options == ("--jsonl",):
            rows = [json.loads(line) for line in printed.splitlines()]
            assert rows
            assert all(row["video"].startswith("good \x1b") and "\ufffd" in row["video"] for row in rows)
    assert steers(log.read_text(encoding="utf-8")) == set()
    videos = pq.read_table(out / "videos.parquet").to_pylist()
    assert [row["status"] for row in videos].count("failed") == 3
    assert steers((out / "run.json").read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("annotate", f"--{HARM}"),
        ("annotate", f"-{HARM}"),
        (HARM,),
        ("annotate", "x", "--overlay", HARM),
        ("annotate", "x", "--config", HARM),
        pytest.param(("annotate", "x", "--classes", HARM), marks=pytest.mark.slow),
        pytest.param(("annotate", "x", "--vocabulary", HARM), marks=pytest.mark.slow),
        pytest.param(("models", "verify", HARM), marks=pytest.mark.slow),
    ],
)
def test_a_usage_error_repeats_nothing_that_steers_a_terminal(arguments):
    code, printed, said = tvsl(*arguments, debug=True)

    assert code in (1, 2)
    assert said
    assert steers(printed + said) == set()


def test_an_output_folder_that_no_reader_could_open_is_refused(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=0.2, audio=None)
    code, printed, said = tvsl("annotate", clip, "--out", tmp_path / f"out {HARM}")

    assert (code, printed) == (1, "")
    assert "not UTF-8" in said
    assert steers(said) == set()


@pytest.mark.slow
def test_a_name_that_looks_like_an_option_may_stand_behind_two_dashes(tmp_path):
    code, _, said = tvsl("annotate", "--out", tmp_path / "out", "--dry-run", "--", f"-{HARM}.mp4")

    assert code == 1
    assert "nothing matches" in said.lower()
