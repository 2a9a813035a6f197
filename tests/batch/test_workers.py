"""Batches in worker processes that crash, hang, run out of memory or are killed: one row each, and the rest goes on."""

import os
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.batch.faults import HarmfulChoice
from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions, QueueOptions, TimeLimits
from tvsl_core.annotate.progress import VideoFinished, VideoStarted, ignore
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.engines.processes import ProcessEngine
from tvsl_core.batch.engines.task import ModelChoice
from tvsl_core.batch.inputs import find_videos
from tvsl_core.errors import OutputError, TvslError, WeightsError

GOOD = ("a_good.mp4", "m_good.mp4", "z_good.mp4")
HARMFUL = {"exit": False, "greedy": True, "hang": False, "killed": True, "segfault": False}
"""What a video does, and whether the next run tries it again by itself."""
MEMORY_BYTES = 6_000_000_000


def run(
    folder, out, *, choice=None, count=1, on_event=ignore, limits=None, memory_bytes=None, overlay="none", **choices
):
    return annotate_videos(
        find_videos([str(folder)]),
        out=out,
        engine=ProcessEngine(choice or HarmfulChoice(), count=count, limits=limits, memory_bytes=memory_bytes),
        options=AnnotateOptions(overlay=overlay),
        choices=QueueOptions(**choices),
        on_event=on_event,
    )


def clips(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        make_clip(folder / name, seconds=0.4, size=(64, 48))
    return folder


@pytest.fixture(scope="module")
def harmed(tmp_path_factory):
    """One batch in which everything goes wrong, and what became of it."""
    folder = clips(tmp_path_factory.mktemp("in"), *GOOD, *(f"{name}.mp4" for name in HARMFUL))
    out = tmp_path_factory.mktemp("out")
    report = run(folder, out, count=2, limits=TimeLimits(stall_s=5), memory_bytes=MEMORY_BYTES)
    return folder, out, report


def rows(out):
    return pd.read_parquet(out / "videos.parquet").set_index("video")


def test_what_kills_its_process_is_a_failed_row_and_the_rest_is_done(harmed):
    _, out, report = harmed
    found = rows(out)

    assert set(found.index[found["status"] == "done"]) == set(GOOD)
    assert set(found.index[found["status"] == "failed"]) == {f"{name}.mp4" for name in HARMFUL}
    assert report.failed == len(HARMFUL)
    assert all(pd.read_parquet(out / found["table"][name]) is not None for name in GOOD)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("segfault", "crashed (SIGSEGV) while it was opened"),
        ("exit", "ended with code 7"),
        ("killed", "killed by the system"),
        ("hang", "given up after 5 s without any progress"),
        ("greedy", "not enough memory"),
    ],
)
def test_each_row_says_what_happened_and_what_to_do(harmed, name, words):
    _, out, _ = harmed
    row = rows(out).loc[f"{name}.mp4"]

    assert words in row["error"]
    assert row["error"].endswith(".")
    assert row["stage"] == "probe"
    assert row["hint"]


@pytest.mark.slow
def test_a_rerun_tries_again_only_what_may_go_better(harmed):
    folder, out, _ = harmed
    tried = []
    again = run(
        folder,
        out,
        choice=ModelChoice(),
        on_event=lambda event: tried.append(event.video) if isinstance(event, VideoStarted) else None,
    )
    became = {video.video: (video.status, video.earlier) for video in again.finished}

    assert set(tried) == {f"{name}.mp4" for name, outside in HARMFUL.items() if outside}
    assert all(became[name] == ("skipped", False) for name in GOOD)
    for name, outside in HARMFUL.items():
        assert became[f"{name}.mp4"] == (("done", False) if outside else ("failed", True))
    assert {video.status for video in run(folder, out, choice=ModelChoice(), retry_failed=True).finished} == {
        "done",
        "skipped",
    }


@pytest.mark.slow
def test_tables_are_those_of_a_run_in_one_process(tmp_path, model):
    from tests.scoring import SAMPLES

    found = find_videos([str(SAMPLES / "owl.mp4"), str(SAMPLES / "cow_and_sheep.mp4")])
    options = AnnotateOptions(overlay="none", end_s=2.0)
    annotate_videos(found, out=tmp_path / "one", model=model, options=options)
    annotate_videos(
        found,
        out=tmp_path / "two",
        engine=ProcessEngine(ModelChoice(device="cpu", precision="fp32"), count=2),
        options=options,
    )
    for name in ("owl.mp4", "cow_and_sheep.mp4"):
        one, two = (pd.read_parquet(tmp_path / out / "sources" / f"{name}.parquet") for out in ("one", "two"))

        assert len(one) > 0
        pd.testing.assert_frame_equal(one, two, rtol=1e-3)
    same = [name for name in rows(tmp_path / "one").columns if name != "elapsed_s"]
    pd.testing.assert_frame_equal(rows(tmp_path / "one")[same], rows(tmp_path / "two")[same])


def test_a_failure_that_only_speaks_of_memory_costs_no_worker(tmp_path):
    folder = clips(tmp_path / "in", "z.mp4")
    (folder / "memory.mp4").write_bytes(b"no video" * 100)
    engine, pids, errors = ProcessEngine(ModelChoice()), [], []

    def on_event(event):
        if isinstance(event, VideoFinished):
            pids.append(engine._team[0].process.pid)
            errors.append(event.error)

    annotate_videos(
        find_videos([str(folder)]),
        out=tmp_path / "out",
        engine=engine,
        options=AnnotateOptions(overlay="none"),
        on_event=on_event,
    )

    assert "memory" in errors[0]
    assert errors[1] == ""
    assert len(set(pids)) == 1


def test_the_batch_stops_when_enough_have_failed_and_says_what_was_not_reached(tmp_path):
    folder = clips(tmp_path / "in", *(f"{number}.mp4" for number in range(5)))
    for number in (1, 2):
        (folder / f"{number}.mp4").write_bytes(b"no video" * 100)
    report = run(folder, tmp_path / "out", choice=ModelChoice(), max_failures=2)

    assert report.stopped
    assert rows(tmp_path / "out")["status"].to_dict() == {
        "0.mp4": "done",
        "1.mp4": "failed",
        "2.mp4": "failed",
        "3.mp4": "pending",
        "4.mp4": "pending",
    }


def test_when_the_output_folder_goes_the_run_ends_with_one_sentence(tmp_path):
    folder = clips(tmp_path / "in", *(f"{number}_slow.mp4" for number in range(4)))
    out = tmp_path / "out"

    def take_away(event):
        if isinstance(event, VideoStarted) and event.video.startswith("1"):
            out.rename(tmp_path / "gone")

    with pytest.raises(OutputError, match="was removed or replaced"):
        run(folder, out, on_event=take_away)
    assert not out.exists()
    assert len(list((tmp_path / "gone" / "sources").glob("*.parquet"))) in (1, 2)


def test_a_model_that_cannot_be_loaded_ends_the_run_before_any_work(tmp_path):
    folder = clips(tmp_path / "in", "a.mp4")
    with pytest.raises(WeightsError, match="no model"):
        run(folder, tmp_path / "out", choice=ModelChoice(name="none such"))


@pytest.mark.parametrize("harm", ["exit", "segfault"])
def test_a_video_that_does_harm_while_the_model_is_loaded_is_a_failed_row(tmp_path, harm):
    folder = clips(tmp_path / "in", f"a_{harm}.mp4", "b_good.mp4")
    report = run(folder, tmp_path / "out")

    assert [video.status for video in report.finished] == ["failed", "done"]


def test_workers_that_die_at_birth_end_the_run(tmp_path):
    folder = clips(tmp_path / "in", "a.mp4")
    with pytest.raises(TvslError, match="worker process"):
        run(folder, tmp_path / "out", memory_bytes=300_000_000)


def test_no_process_is_left_after_an_interrupt(tmp_path):
    folder = clips(tmp_path / "in", *(f"{number}_slow.mp4" for number in range(4)))
    before = children()

    def interrupt(event):
        if isinstance(event, VideoStarted):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(folder, tmp_path / "out", count=2, on_event=interrupt)
    assert children() - before == set()
    assert set(rows(tmp_path / "out")["status"]) <= {"done", "pending"}
    assert threading.active_count() < 20


def children():
    """Process ids of live children of this process, but for the tracker that multiprocessing keeps."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(fields[1]) == os.getpid() and fields[0] not in "ZX" and b"resource_tracker" not in words:
                found.add(int(entry.name))
    return found


def test_a_video_that_takes_far_longer_than_its_length_is_given_up():
    from tvsl_core.annotate.progress import VideoAdvanced
    from tvsl_core.batch.engines.supervise import Watch

    watch = Watch(job=object(), stage="annotate", stage_began=time.monotonic() - 31)
    watch.on_event(VideoAdvanced(video="a", stage="annotate", done_s=0.1, total_s=2.0))

    assert watch.overdue(TimeLimits(stall_s=10, factor=10)).kind == "stalled"
    assert watch.overdue(TimeLimits(stall_s=10, factor=11)) is None
    assert watch.overdue(TimeLimits(stall_s=10, factor=0)) is None
