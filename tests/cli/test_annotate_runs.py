"""The real program on real (tiny) videos: what it prints, how it ends, what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.builders import make_clip

ROOT = Path(__file__).resolve().parents[2]
QUICK = ("--overlay", "none", "--fps", "1")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Three good videos, one of a name that means harm, and two that are no videos."""
    folder = tmp_path_factory.mktemp("videos")
    for name in ("a.mp4", "b/a.mp4", "-c [red]\x1b[31m.mp4"):
        (folder / name).parent.mkdir(exist_ok=True)
        make_clip(folder / name, seconds=2, sound="tone")
    (folder / "empty.mp4").touch()
    (folder / "garbage.mp4").write_bytes(b"this is no video" * 100)
    return folder


def start(*arguments, **more):
    command = [sys.executable, "-m", "tvsl_cli", "annotate", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    return subprocess.Popen(command, cwd=ROOT, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"}, **pipes)


def annotate(*arguments, stdin=None):
    process = start(*arguments, stdin=subprocess.PIPE)
    out, err = process.communicate(stdin)
    return process.returncode, out.splitlines(), err


def test_a_class_that_is_unknown_by_a_letter_is_asked_for_before_any_work(videos, tmp_path):
    code, out, err = annotate(videos, "--classes", "vilin", "--out", tmp_path / "out")

    assert (code, out) == (2, [])
    assert "violin" in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_vocabulary_may_come_through_a_pipe(videos, tmp_path):
    """As from the shell's <(...): it can be read only once."""
    reading, writing = os.pipe()
    os.write(writing, b"dog\nviolin\n")
    os.close(writing)
    process = start(
        videos / "a.mp4", "--vocabulary", f"/dev/fd/{reading}", "--out", tmp_path, *QUICK, pass_fds=[reading]
    )
    _, err = process.communicate()
    os.close(reading)

    assert process.returncode == 0, err


def test_a_missing_vocabulary_is_one_sentence(videos, tmp_path):
    code, out, err = annotate(videos, "--vocabulary", tmp_path / "none.txt", "--out", tmp_path / "out")

    assert (code, out, len(err.splitlines())) == (2, [], 1)


def test_an_empty_list_is_nothing_to_do(tmp_path):
    code, out, err = annotate("-", "--out", tmp_path / "out", stdin="# nothing yet\n")

    assert (code, out, err) == (0, [], "Nothing to do: the input names no video.\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_batch_goes_on_after_bad_files_and_the_exit_code_tells(videos, tmp_path):
    code, out, err = annotate(videos, "nothing.mp4", *QUICK, "--out", tmp_path)
    rows = {row["video"]: row["status"] for row in pq.read_table(tmp_path / "videos.parquet").to_pylist()}

    assert code == 1
    assert sorted(rows.values()) == ["done"] * 3 + ["failed"] * 3
    assert len(out) == 3
    for line in out:
        assert "\x1b" not in line
    assert all(f"Failed: {name}: " in err for name in ("empty.mp4", "garbage.mp4", "nothing.mp4"))
    assert "\x1b" not in err
    assert "6 videos: 3 done, 3 failed" in err


@pytest.mark.slow
def test_a_second_run_skips_what_is_done_and_still_names_it(videos, tmp_path):
    first = annotate(videos / "a.mp4", *QUICK, "--out", tmp_path)
    stamp = Path(first[1][0]).stat().st_mtime_ns
    second = annotate(videos / "a.mp4", *QUICK, "--out", tmp_path)
    other = annotate(videos / "a.mp4", *QUICK, "--window", "3", "--out", tmp_path)

    assert (first[0], second[0], other[0]) == (0, 0, 0)
    assert first[1] == second[1]
    assert "skipped" in second[2]
    assert "skipped" not in other[2]
    assert Path(first[1][0]).stat().st_mtime_ns > stamp


@pytest.mark.slow
def test_jsonl_is_the_rows_of_the_table(tmp_path):
    owl = ROOT / "sample_videos" / "owl.mp4"
    code, out, _ = annotate(owl, *QUICK, "--end", "3", "--jsonl", "--quiet", "--out", tmp_path)
    rows = pq.read_table(tmp_path / "sources" / "owl.mp4.parquet").to_pylist()

    assert code == 0
    assert out
    told = [json.loads(line) for line in out]
    instants = [one for one in told if one.get("kind") != "event"]
    events = pq.read_table(tmp_path / "events" / "owl.mp4.parquet").to_pylist()
    assert told == [*told[: len(events)], *instants], "events come first"
    assert [one["start_s"] for one in told[: len(events)]] == [row["start_s"] for row in events]
    assert [one["class"] for one in instants] == [row["class"] for row in rows]
    assert [one["time_s"] for one in instants] == [row["time_s"] for row in rows]
    assert [set(one) for one in instants] == [set(row) for row in rows]


@pytest.mark.slow
def test_quiet_says_only_what_went_wrong(videos, tmp_path):
    code, _, err = annotate(videos / "a.mp4", videos / "empty.mp4", *QUICK, "-q", "--out", tmp_path)

    assert code == 1
    assert len(err.splitlines()) == 1
    assert err.startswith("Failed: empty.mp4: ")


@pytest.mark.slow
def test_a_dry_run_writes_nothing(videos, tmp_path):
    code, out, err = annotate(videos, *QUICK, "--dry-run", "--out", tmp_path / "out")

    assert code == 0
    assert "nothing was written" in err
    assert all(Path(line).suffix == ".parquet" for line in out)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_keeps_what_is_finished_and_the_same_command_continues(tmp_path, number, code):
    (tmp_path / "in").mkdir()
    for name in "abcdefgh":
        make_clip(tmp_path / "in" / f"{name}.mp4", seconds=2)
    arguments = (tmp_path / "in", "--overlay", "none", "--fps", "10", "--out", tmp_path / "out")
    process = start(*arguments)
    first = process.stdout.readline().strip()
    process.send_signal(number)
    _, err = process.communicate()

    assert process.returncode == code
    assert "Give the same command again to continue" in err
    assert "Traceback" not in err
    assert pq.read_table(first) is not None
    assert [path for path in (tmp_path / "out").rglob("*") if "part" in path.suffix] == []
    again, out, err = annotate(*arguments)
    assert again == 0
    assert len(out) == 8
    assert "a.mp4: skipped" in err


@pytest.mark.slow
def test_when_the_reader_goes_away_the_work_is_finished_all_the_same(videos, tmp_path):
    process = start(videos / "a.mp4", videos / "b", *QUICK, "--out", tmp_path)
    process.stdout.close()
    err = process.stderr.read()

    assert process.wait() == 0
    assert "Error" not in err
    assert len(list((tmp_path / "sources").rglob("*.parquet"))) == 2


@pytest.mark.slow
def test_an_output_that_cannot_be_written_is_one_sentence(videos, tmp_path):
    (tmp_path / "out").write_text("a file is in the way")
    code, out, err = annotate(videos / "a.mp4", *QUICK, "--out", tmp_path / "out")

    assert (code, out) == (1, [])
    assert err.startswith("Error: ")
    assert len(err.splitlines()) == 1


@pytest.mark.slow
def test_paths_come_from_standard_input_and_a_leading_dash_is_a_name(videos, tmp_path):
    listed = f"{videos}/a.mp4\n# not this\n{videos}/-c [red]\x1b[31m.mp4\n"
    code, out, _ = annotate("-", *QUICK, "--out", tmp_path, stdin=listed)

    assert (code, len(out)) == (0, 2)


@pytest.mark.slow
def test_the_status_of_a_finished_batch_is_told_to_people_and_to_programs(videos, tmp_path):
    def status(*arguments):
        command = [sys.executable, "-m", "tvsl_cli", "status", *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False)

    annotate(videos, *QUICK, "--out", tmp_path / "out")
    told, found = status(tmp_path / "out"), json.loads(status(tmp_path / "out", "--json").stdout)

    assert told.returncode == 0
    assert "5 videos: 3 done, 2 failed, 0 at work, 0 left" in told.stdout
    assert "Failed: empty.mp4: " in told.stdout
    assert (found["done"], found["failed"], found["left"], found["runs"][0]["state"]) == (3, 2, 0, "finished")
    nothing = status(tmp_path)
    assert (nothing.returncode, len(nothing.stderr.splitlines())) == (1, 1)
