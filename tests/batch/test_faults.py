"""Disks that are full and processes that are killed: what is there is whole, and a rerun makes it complete."""

import dataclasses
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
from tvsl_core.errors import OutputError

ROOT = Path(__file__).resolve().parents[2]
PAGE = 4096


def rows(out):
    """Everything that a batch says, without what differs between two runs: how long it took."""
    tables = {
        str(path.relative_to(out)): pq.read_table(path).to_pylist()
        for path in sorted((out / "sources").rglob("*.parquet"))
    }
    return tables, pq.read_table(out / "videos.parquet").drop_columns(["elapsed_s"]).to_pylist()


def files(out):
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file() and ".tvsl" not in path.parts)


def temporary(out):
    return [path for path in out.rglob("*") if path.name.endswith(".part") or path.parent.name == "leases"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    command = [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=False)


@pytest.mark.parametrize(
    ("overlay", "every"), [("none", 3), pytest.param("combined", 1, marks=pytest.mark.slow)], ids=["tables", "videos"]
)
def test_wherever_the_disk_gets_full_it_is_one_sentence_and_a_rerun_completes(
    tmp_path, small_disk, model, overlay, every
):
    clip = make_clip(tmp_path / "a.mp4", seconds=0.4, size=(64, 48), sound="tone")
    found, out, filler = find_videos([str(clip)]), small_disk / "out", small_disk / "filler"

    def run(folder):
        return annotate_videos(found, out=folder, model=model, options=AnnotateOptions(overlay=overlay))

    run(tmp_path / "undisturbed")
    failures = []
    for pages in range(0, 56, every):
        shutil.rmtree(out, ignore_errors=True)
        filler.unlink(missing_ok=True)
        filler.write_bytes(bytes(os.statvfs(small_disk).f_bavail * PAGE - pages * PAGE))
        try:
            (video,) = run(out).finished
            failures += [video.error] if video.status == "failed" else []
        except OutputError as error:
            failures.append(str(error))
        assert temporary(out) == []
        if (out / "sources" / "a.mp4.parquet").exists():
            pd.read_parquet(out / "sources" / "a.mp4.parquet")
        filler.unlink()
        assert run(out).failed == 0
        assert rows(out) == rows(tmp_path / "undisturbed")
        assert files(out) == files(tmp_path / "undisturbed")

    assert failures
    assert all("the disk is full" in message for message in failures), failures
    written = {Path(message.split(": the disk")[0]).name for message in failures}
    assert "videos.parquet" in written


@pytest.mark.parametrize("pages", [0, 1, 4, 16])
def test_a_table_that_grows_over_the_disk_is_one_sentence_and_leaves_nothing(small_disk, pages):
    from tests.annotate.test_table import source
    from tvsl_core.annotate.results.table import SourceTable
    from tvsl_core.types import LocalizationMap

    luck = np.random.default_rng(0)

    (small_disk / "filler").write_bytes(bytes(os.statvfs(small_disk).f_bavail * PAGE - pages * PAGE))
    with pytest.raises(OutputError, match="the disk is full"):
        table = SourceTable(
            small_disk / "a.parquet", video="a", frame_size=(64, 48), save_maps=True, metadata={"long": "x" * 5000}
        )
        try:
            for _ in range(2_000):
                noise = LocalizationMap(values=luck.random((16, 16), np.float32), frame_width=64, frame_height=48)
                table.write(dataclasses.replace(source(), map=noise))
            table.close()
        except BaseException:
            table.discard()
            raise
    assert [path.name for path in small_disk.iterdir()] == ["filler"]


def test_maps_that_grow_over_the_disk_are_one_sentence(small_disk):
    from tests.annotate.test_timeline import event, moment
    from tvsl_core.annotate.results.timeline import Timelines
    from tvsl_core.annotate.rules import DrawOptions

    (small_disk / "filler").write_bytes(bytes(os.statvfs(small_disk).f_bavail * PAGE - 4 * PAGE))
    with (
        pytest.raises(OutputError, match="the disk is full"),
        Timelines(small_disk, DrawOptions()) as timelines,
    ):
        for _ in range(100):
            timelines.add(event(0, 1), [moment(0, values=np.ones((64, 64)))])


def test_maps_that_wait_for_the_disk_are_one_sentence_when_they_are_asked_for(small_disk):
    from tests.annotate.test_timeline import event, moment
    from tvsl_core.annotate.results.timeline import Timelines
    from tvsl_core.annotate.rules import DrawOptions

    with Timelines(small_disk, DrawOptions()) as timelines:
        timelines.add(event(0, 1), [moment(0)])
        (small_disk / "filler").write_bytes(bytes(os.statvfs(small_disk).f_bavail * PAGE))
        with pytest.raises(OutputError, match="the disk is full"):
            timelines.peak(timelines.sources[0], np.zeros(1))


def start(folder, out, *arguments):
    command = [sys.executable, "-m", "tvsl_cli", "annotate", folder, "--out", out, "--device", "cpu", *arguments]
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def descendants(pid):
    """Process ids of everything that a process has started and that runs."""
    below = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] not in "ZX":
                below.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        children = below.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def at_work(out, process):
    """Wait until a run has written its plan: from then on it is at work."""
    known = set((out / ".tvsl" / "runs").glob("*.json"))
    while process.poll() is None and not set((out / ".tvsl" / "runs").glob("*.json")) - known:
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize(("overlay", "kills"), [("none", 28), ("combined", 12)])
def test_killed_at_any_moment_a_batch_is_complete_after_a_rerun(tmp_path, overlay, kills):
    """Row for row the tables of an undisturbed run, the same files, and nothing temporary; no process stays behind."""
    luck = random.Random(f"{overlay} 6")
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(5):
        make_clip(folder / f"{number}.mp4", seconds=0.4 + 0.2 * number, size=(96, 64), sound="tone")
    (folder / "bad.mp4").write_bytes(b"no video" * 100)
    settings = ("--overlay", overlay, "--fps", "8", "--workers", "2")
    began = time.monotonic()
    assert start(folder, tmp_path / "undisturbed", *settings).wait() == 1
    whole_s = time.monotonic() - began
    expected = rows(tmp_path / "undisturbed")
    done = rounds = 0
    while done < kills:
        rounds += 1
        out = tmp_path / f"out{rounds}"
        while done < kills:
            process = start(folder, out, *settings)
            at_work(out, process)
            time.sleep(luck.uniform(0, 0.5 * whole_s))
            if process.poll() is not None:
                break
            started = descendants(process.pid)
            process.send_signal(signal.SIGKILL)
            process.wait()
            done += 1
            until = time.monotonic() + 10
            while any(map(alive, started)) and time.monotonic() < until:
                time.sleep(0.05)
            assert not any(map(alive, started)), "a worker or an encoder outlived its supervisor"
            for table in out.rglob("*.parquet"):
                pd.read_parquet(table)
        assert start(folder, out, *settings).wait() == 1
        assert rows(out) == expected
        assert files(out) == files(tmp_path / "undisturbed")
        assert temporary(out) == []


@pytest.mark.slow
def test_two_runs_on_one_folder_share_the_work_and_never_do_a_video_twice(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(12):
        make_clip(folder / f"{number:02}.mp4", seconds=1, size=(96, 64), sound="tone")
    settings = ("--overlay", "none", "--fps", "8", "--workers", "1")
    logs = [tmp_path / f"{number}.log" for number in range(2)]
    runs = [start(folder, tmp_path / "out", *settings, "--log-file", log) for log in logs]
    assert [run.wait() for run in runs] == [0, 0]
    done = [line.split()[4] for log in logs for line in log.read_text().splitlines() if ": done in" in line]

    assert sorted(done) == sorted(f"{number:02}.mp4:" for number in range(12))
    assert all(any(": done in" in line for line in log.read_text().splitlines()) for log in logs)
    assert temporary(tmp_path / "out") == []
    videos = pd.read_parquet(tmp_path / "out" / "videos.parquet")
    assert set(videos["status"]) == {"done"}
    assert len(videos) == 12


@pytest.mark.slow
def test_what_a_killed_run_held_is_taken_over_by_the_run_beside_it(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(4):
        make_clip(folder / f"{number}.mp4", seconds=6, size=(96, 64), sound="tone")
    settings = ("--overlay", "none", "--fps", "25", "--workers", "1")
    one = start(folder, tmp_path / "out", *settings)
    at_work(tmp_path / "out", one)
    two = start(folder, tmp_path / "out", *settings)
    at_work(tmp_path / "out", two)
    one.send_signal(signal.SIGKILL)

    assert two.wait() == 0
    assert temporary(tmp_path / "out") == []
    assert set(pd.read_parquet(tmp_path / "out" / "videos.parquet")["status"]) == {"done"}


HANG = """
    import sys
    from pathlib import Path
    from tests.batch.faults import HarmfulChoice
    from tvsl_core.batch.batch import annotate_videos
    from tvsl_core.batch.inputs import find_videos
    from tvsl_core.annotate.options import AnnotateOptions
    from tvsl_core.batch.engines.processes import ProcessEngine

    found, out = find_videos([sys.argv[1]]), Path(sys.argv[2])
    annotate_videos(found, out=out, engine=ProcessEngine(HarmfulChoice()), options=AnnotateOptions(overlay="none"))
"""


def test_a_worker_that_hangs_does_not_outlive_a_supervisor_that_is_killed(tmp_path):
    (tmp_path / "hang.mp4").write_bytes(b"no video")
    arguments = [sys.executable, "-c", textwrap.dedent(HANG), tmp_path / "hang.mp4", tmp_path / "out"]
    process = subprocess.Popen([str(part) for part in arguments], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    leases = tmp_path / "out" / ".tvsl" / "leases"
    while not [path for path in leases.glob("*") if not path.name.startswith("run-")]:
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    started = descendants(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 10
    while any(map(alive, started)) and time.monotonic() < until:
        time.sleep(0.05)

    assert started
    assert not any(map(alive, started))
