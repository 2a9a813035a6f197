"""Cutting clips from videos: the right instant, in parallel, resumable, and every failure is told."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import wave
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from tests.builders import BITS, make_clip, read_counter
from tvsl_cli.app import app
from tvsl_core.data.training_sets import prepare as module
from tvsl_core.data.training_sets.prepare import Wanted, frame_path, prepare, sound_path, wanted_of
from tvsl_core.data.training_sets.sets import load_training_set
from tvsl_core.errors import InputError, OutputError

ROOT = Path(__file__).resolve().parents[2]
SIZE = (16 * BITS, 96)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A whole video of 12 s that counts frames and sweeps its pitch, a clip of 8 s, one without sound, one broken."""
    root = tmp_path_factory.mktemp("videos")

    def sweep(seconds):
        return 0.5 * np.sin(2 * np.pi * 100 * seconds * (1 + seconds))

    make_clip(root / "abcdefghijk.mp4", seconds=12, size=SIZE, picture="counter", sound=sweep)
    (root / "more").mkdir()
    make_clip(root / "more/lmnopqrstuv_000020.mp4", seconds=8, size=SIZE, picture="counter", sound="tone")
    make_clip(root / "wwwwwwwwwww_000000.mp4", seconds=6, size=SIZE, audio=None)
    (root / "xxxxxxxxxxx_000000.mp4").write_bytes(b"broken")
    return root


ALL = wanted_of(
    ["abcdefghijk_000002", "lmnopqrstuv_000020", "wwwwwwwwwww_000000", "xxxxxxxxxxx_000000", "yyyyyyyyyyy_000000"]
)


def counted(path) -> int:
    return read_counter(cv2.imread(str(path))[:, :, ::-1])


def samples(path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 44100)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767


def test_the_instant_of_a_whole_video_and_the_middle_of_a_clip_are_cut(videos, tmp_path):
    report = prepare("mine", ALL[:2], videos, tmp_path)

    assert report.is_complete
    assert counted(frame_path(tmp_path, "abcdefghijk_000002")) == 7 * 25  # starts at 2 s, centre 5 s later
    assert counted(frame_path(tmp_path, "lmnopqrstuv_000020")) == 4 * 25
    sound = samples(sound_path(tmp_path, "abcdefghijk_000002"))
    assert len(sound) == 5 * 44100
    half_second = np.abs(np.fft.rfft(sound[2 * 44100 : int(2.5 * 44100)] * np.hanning(22050)))
    assert 2 * np.argmax(half_second) == pytest.approx(100 * (1 + 2 * 6.75), abs=60)  # the sweep at 4.5 + 2.25 s


def test_failures_do_not_stop_the_others_and_stand_in_the_report(videos, tmp_path):
    report = prepare("mine", ALL, videos, tmp_path)
    written = json.loads((tmp_path / "prepare.json").read_text())

    assert (report.done, report.there) == (2, 0)
    assert report.missing == ("yyyyyyyyyyy_000000",)
    assert [one.id for one in report.failed] == ["wwwwwwwwwww_000000", "xxxxxxxxxxx_000000"]
    assert "has no sound track" in report.failed[0].reason
    assert not report.is_complete
    assert written["failed"][1]["id"] == "xxxxxxxxxxx_000000"
    assert written["clips"] == 5


def test_the_same_command_again_cuts_only_what_is_not_there(videos, tmp_path, monkeypatch):
    prepare("mine", ALL[:2], videos, tmp_path)
    frame_path(tmp_path, "lmnopqrstuv_000020").unlink()
    cut = []
    real = module.cut_clip
    monkeypatch.setattr(module, "cut_clip", lambda clip, *rest: (cut.append(clip), real(clip, *rest)))
    report = prepare("mine", ALL[:2], videos, tmp_path)

    assert cut == ["lmnopqrstuv_000020"]
    assert (report.done, report.there) == (1, 1)
    assert report.is_complete


def test_several_processes_cut_the_same_files(videos, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    wanted = (*ALL, Wanted(id="again", video="abcdefghijk", time_s=3.0))
    told = []
    assert prepare("mine", wanted, videos, one) == prepare(
        "mine", wanted, videos, two, workers=2, on_progress=lambda done, total: told.append((done, total))
    )
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())

    assert len(files) == 8  # with the mark
    assert all((one / file).read_bytes() == (two / file).read_bytes() for file in files)
    assert told[-1] == (6, 6)


def test_large_frames_are_made_smaller(tmp_path):
    make_clip(tmp_path / "big.mp4", seconds=1, size=(1280, 720))
    prepare("mine", [Wanted(id="big")], tmp_path, tmp_path / "out")

    assert cv2.imread(str(tmp_path / "out/frames/big.jpg")).shape == (480, 853, 3)


def test_nothing_unfinished_is_left_when_the_disk_refuses(videos, tmp_path):
    (tmp_path / "audio").write_text("a file where a folder must be")
    with pytest.raises(OutputError, match="audio' cannot be made"):
        prepare("mine", ALL[:1], videos, tmp_path)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "audio"]


def test_ids_that_lead_out_of_the_folder_and_missing_folders_are_refused(videos, tmp_path):
    with pytest.raises(InputError, match="leads out of the output folder"):
        prepare("mine", [Wanted(id="../abcdefghijk")], videos, tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        prepare("mine", ALL, tmp_path / "nowhere", tmp_path)


def test_the_command_prepares_a_list_that_can_then_be_trained_on(videos, tmp_path):
    (tmp_path / "vgginstruments_train.txt").write_text("abcdefghijk_000002,harp\nyyyyyyyyyyy_000000,piano\n")
    arguments = ["--videos", str(videos), "--annotations", str(tmp_path), "--workers", "1"]
    result = CliRunner().invoke(
        app, ["datasets", "prepare", "vggsound-instruments", *arguments, "--out", str(tmp_path / "out")]
    )
    found = load_training_set("vggsound-instruments", annotations=tmp_path, media=tmp_path / "out")

    assert result.exit_code == 1
    assert "1 of 2 clips cut now, 0 were there, 1 have no video, 0 failed" in result.output
    assert [clip.id for clip in found.clips] == ["abcdefghijk_000002"]
    assert found.clips[0].media.frame is not None


def test_the_command_prepares_ones_own_folders_and_tables(tmp_path):
    (tmp_path / "videos/dog").mkdir(parents=True)
    make_clip(tmp_path / "videos/dog/anna__walk.mp4", seconds=6)
    (tmp_path / "clips.csv").write_text("path,class\ndog/anna__walk.mp4,dog\n")
    for number, more in enumerate(([], ["--annotations", str(tmp_path / "clips.csv")])):
        out = tmp_path / f"out{number}"
        arguments = ["datasets", "prepare", "custom", "--videos", str(tmp_path / "videos"), "--out", str(out), *more]
        assert CliRunner().invoke(app, arguments).exit_code == 0
    by_folder = load_training_set(str(tmp_path / "out0"))
    by_table = load_training_set("custom", annotations=tmp_path / "clips.csv", media=tmp_path / "out1")

    assert by_folder.classes == by_table.classes == ("dog",)
    assert by_folder.clips[0].group == by_table.clips[0].group == "anna"
    assert by_folder.clips[0].media.frame == tmp_path / "out0/frames/dog/anna__walk.jpg"
    assert by_table.clips[0].media.frame == tmp_path / "out1/frames/dog/anna__walk.jpg"


def test_check_and_describe_know_training_sets(videos, tmp_path):
    (tmp_path / "vgginstruments_train.txt").write_text("abcdefghijk_000002,harp\nyyyyyyyyyyy_000000,piano\n")
    prepare("mine", ALL[:1], videos, tmp_path / "out")
    run = CliRunner().invoke
    checked = run(
        app,
        ["datasets", "check", "vggsound-instruments", "--training", "--root", str(tmp_path / "out"),
         "--annotations", str(tmp_path)],
    )  # fmt: skip
    described = run(app, ["datasets", "describe", "vggsound"])
    listed = run(app, ["datasets", "list"])

    assert checked.exit_code == 1
    assert "1 pictures and 1 sounds of 1 classes" in checked.output
    assert "missing: yyyyyyyyyyy_000000 (frame and sound)" in checked.output
    assert "vggsound.csv" in described.output
    assert "4. Put them" in described.output
    assert "tvsl train --dataset NAME" in listed.output
    assert run(app, ["datasets", "describe", "custom"]).output.count("\n") > 8


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_and_ends_with_the_same_files(videos, tmp_path):
    wanted = [Wanted(id=f"part{number:02d}", video="abcdefghijk", time_s=3 + number / 5) for number in range(30)]
    prepare("mine", wanted, videos, tmp_path / "whole")
    (tmp_path / "program.py").write_text(
        "import sys\nfrom pathlib import Path\nfrom tvsl_core.data.training_sets.prepare import Wanted, prepare\n"
        "if __name__ == '__main__':\n"
        "    wanted = [Wanted(id=f'part{n:02d}', video='abcdefghijk', time_s=3 + n / 5) for n in range(30)]\n"
        "    prepare('mine', wanted, Path(sys.argv[1]), Path(sys.argv[2]), workers=2)\n"
    )
    out = tmp_path / "out"
    command = [sys.executable, str(tmp_path / "program.py"), str(videos), str(out)]
    started = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True)
    while not list(out.glob("frames/*.jpg")):
        assert started.poll() is None
        time.sleep(0.02)
    started.kill()
    started.wait()
    done = len(list(out.glob("frames/*.jpg")))
    deadline = time.monotonic() + 60
    while members(started.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    report = prepare("mine", wanted, videos, out)

    assert done < 30
    assert members(started.pid) == []  # the workers ended with their parent
    assert report.is_complete
    assert report.there >= done
    for file in (tmp_path / "whole").rglob("*.[jw]*"):
        if file.name != "prepare.json":
            assert (out / file.relative_to(tmp_path / "whole")).read_bytes() == file.read_bytes()


def members(session: int) -> list[str]:
    """Processes that still live in a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):  # nothing where there is no /proc
        with contextlib.suppress(OSError):
            state, _, _, owner = path.read_text().rpartition(")")[2].split()[:4]
            if int(owner) == session and state not in "ZX":
                found.append(path.parent.name)
    return found
