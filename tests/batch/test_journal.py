"""The journal: what became of every video, whatever happened to the run."""

import dataclasses
import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions, QueueOptions
from tvsl_core.annotate.progress import VideoFinished, VideoStarted, ignore
from tvsl_core.annotate.results import table
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
from tvsl_core.batch.journal import Journal
from tvsl_core.batch.merge import MergeRequest, merge
from tvsl_core.batch.status import read_status
from tvsl_core.errors import InputError
from tvsl_core.limits import MediaLimits
from tvsl_core.system.leases import Leases, Owner


@pytest.fixture
def folder(tmp_path):
    """Two good videos and a bad one."""
    (tmp_path / "in").mkdir()
    for name in ("a.mp4", "b.mp4"):
        make_clip(tmp_path / "in" / name, seconds=0.4, size=(64, 48), sound="tone")
    (tmp_path / "in" / "bad.mp4").write_bytes(b"no video" * 100)
    return tmp_path / "in"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def run(model, inputs, out, *, on_event=ignore, choices=None, **options):
    return annotate_videos(
        find_videos([str(path) for path in (inputs if isinstance(inputs, list) else [inputs])]),
        out=out,
        model=model,
        options=AnnotateOptions(**({"overlay": "none"} | options)),
        choices=choices,
        on_event=on_event,
    )


def became(report):
    return {video.video: video.status for video in report.finished}


def videos(out, *, without=()):
    return pq.read_table(out / "videos.parquet").drop_columns(list(without)).to_pylist()


def test_an_outcome_is_written_down_before_anybody_is_told(folder, out, model):
    seen = {}

    def on_event(event):
        if isinstance(event, VideoFinished):
            seen.setdefault(event.video, record.row.status if (record := Journal(out).read(event.video)) else None)

    run(model, folder, out, on_event=on_event)

    assert seen == {"a.mp4": "done", "b.mp4": "done", "bad.mp4": "failed"}


def test_the_table_of_videos_is_made_again_from_the_journal(folder, out, model):
    run(model, folder, out)
    before = videos(out)
    (out / "videos.parquet").unlink()
    report = run(model, folder, out)

    assert became(report) == {"a.mp4": "skipped", "b.mp4": "skipped", "bad.mp4": "failed"}
    assert videos(out) == before


def test_the_table_of_videos_is_left_alone_until_its_rows_or_somebody_changed_it(folder, out, model):
    run(model, folder, out)
    table = out / "videos.parquet"
    before, text = table.stat().st_mtime_ns, table.read_bytes()
    run(model, folder, out)
    assert table.stat().st_mtime_ns == before

    table.write_bytes(text[:-1])
    run(model, folder, out)
    assert table.read_bytes() == text
    (out / "sources" / "a.mp4.parquet").unlink()
    run(model, [folder / "b.mp4"], out)
    assert [row["video"] for row in videos(out)] == ["b.mp4", "bad.mp4"]


def test_without_its_record_a_row_is_made_from_the_table(folder, out, model):
    run(model, folder, out)
    before = videos(out, without=["elapsed_s"])
    shutil.rmtree(out / ".tvsl")
    (out / "videos.parquet").unlink()
    run(model, folder, out)

    assert videos(out, without=["elapsed_s"]) == before


def test_tables_are_opened_once_and_then_known_by_size_and_time(folder, out, model, monkeypatch):
    run(model, folder, out)
    opened, read_metadata = [], table.read_metadata
    monkeypatch.setattr(table, "read_metadata", lambda path: opened.append(path.name) or read_metadata(path))
    before = videos(out)

    def again():
        opened.clear()
        assert became(run(model, folder, out)) == {"a.mp4": "skipped", "b.mp4": "skipped", "bad.mp4": "failed"}
        return sorted(set(opened))

    assert again() == []
    os.utime(out / "sources" / "a.mp4.parquet", (1, 1))
    os.utime(out / "events" / "b.mp4.parquet", (1, 1))
    assert again() == ["a.mp4.parquet", "b.mp4.parquet"]
    assert again() == []
    assert videos(out) == before

    shutil.rmtree(out / ".tvsl")
    assert again() == ["a.mp4.parquet", "b.mp4.parquet"]
    assert again() == []


def test_a_table_that_was_replaced_is_looked_into_whatever_the_journal_says(folder, out, model):
    run(model, folder, out)
    shutil.copy(out / "sources" / "b.mp4.parquet", out / "sources" / "a.mp4.parquet")

    assert sum(run(model, folder, out).stale.values()) == 1


def test_the_journal_vouches_for_no_table_that_cannot_be_opened(folder, out, model, tmp_path):
    run(model, [folder / "a.mp4"], out)
    (out / "events" / "a.mp4.parquet").write_bytes(b"")
    run(model, [folder / "a.mp4"], out)
    report = merge(MergeRequest(folders=[out], out=tmp_path / "merged"))

    assert [problem.kind for problem in report.survey.problems] == ["unreadable"]


def test_a_dry_run_knows_what_the_journal_knows_and_changes_nothing(folder, out, model):
    run(model, folder, out)

    def seen():
        return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in out.rglob("*")}

    before = seen()
    report = annotate_videos(
        folder, out=out, model=model, options=AnnotateOptions(overlay="none", strips=False), dry_run=True
    )

    assert became(report)["bad.mp4"] == "done"  # with other settings it would be tried again
    report = annotate_videos(folder, out=out, model=model, options=AnnotateOptions(overlay="none"), dry_run=True)
    assert became(report) == {"a.mp4": "skipped", "b.mp4": "skipped", "bad.mp4": "failed"}
    assert seen() == before


def test_what_is_out_of_date_is_made_again_and_the_run_says_why(folder, out, model):
    run(model, folder, out)
    os.utime(folder / "a.mp4", (1, 1))

    assert run(model, folder, out).stale == {"its input changed": 1}
    assert run(model, folder, out).stale == {}
    assert run(model, folder, out, fps=1).stale == {"other settings, model or version": 2}
    moved = folder.parent / "moved"
    folder.rename(moved)
    assert run(model, moved, out, fps=1).stale == {"another file had its name": 2}


def test_a_bad_video_is_tried_again_only_when_it_or_what_is_asked_changes(folder, out, model):
    run(model, folder, out)
    tried = []

    def again(**more):
        tried.clear()
        (video,) = [video for video in run(model, folder, out, **more).finished if video.video == "bad.mp4"]
        assert video.status == "failed"
        assert video.error
        return not video.earlier

    assert not again()
    assert again(choices=QueueOptions(retry_failed=True))
    assert again(fps=1)
    assert not again(fps=1)
    assert again(fps=1, limits=MediaLimits(max_pixels=10_000_000))
    assert again(choices=QueueOptions(overwrite=True))
    (folder / "bad.mp4").write_bytes(b"still none" * 100)
    assert again()
    shutil.copy(folder / "a.mp4", folder / "bad.mp4")
    assert became(run(model, folder, out))["bad.mp4"] == "done"


def test_what_failed_for_a_reason_outside_is_tried_again(folder, out, model):
    run(model, folder, out)
    records = out / ".tvsl" / "records.jsonl"
    lines = [json.loads(line) for line in records.read_text().splitlines()]
    records.write_text("".join(json.dumps(line | {"again": line["status"] == "failed"}) + "\n" for line in lines))
    (bad,) = [video for video in run(model, folder, out).finished if video.video == "bad.mp4"]

    assert not bad.earlier


def test_the_rows_of_earlier_runs_stay_while_their_files_are_there(folder, out, model):
    run(model, [folder / "a.mp4", folder / "bad.mp4", folder / "none.mp4"], out)
    run(model, [folder / "b.mp4"], out)
    assert [row["video"] for row in videos(out)] == ["a.mp4", "b.mp4", "bad.mp4"]

    (out / "sources" / "a.mp4.parquet").unlink()
    (folder / "bad.mp4").unlink()
    run(model, [folder / "b.mp4"], out)
    assert [row["video"] for row in videos(out)] == ["b.mp4"]


def test_leftovers_of_killed_runs_go_but_not_those_of_a_run_at_work(folder, out, model):
    run(model, folder, out)
    leftovers = [out / "sources" / ".tvsl-0a.part", out / ".tvsl" / "runs" / ".tvsl-0b.part", out / ".tvsl-0c.part"]
    for path in leftovers:
        path.touch()
    beside = Leases(out / ".tvsl" / "leases")
    beside.take("run-beside")
    run(model, folder, out)
    assert all(path.exists() for path in leftovers)

    beside.close()
    dead = dataclasses.replace(Owner.ours(), pid=2**22 - 1, began="1", token="dead")
    (out / ".tvsl" / "leases" / "run-dead.1").write_text(json.dumps(dataclasses.asdict(dead)))
    run(model, folder, out)
    assert not any(path.exists() for path in leftovers)
    assert list((out / ".tvsl" / "leases").iterdir()) == []


def test_an_interrupted_run_says_what_it_did_not_reach(folder, out, model):
    def interrupt(event):
        if isinstance(event, VideoStarted) and event.video == "b.mp4":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(model, folder, out, on_event=interrupt)
    assert [row["status"] for row in videos(out)] == ["done", "pending", "pending"]
    assert json.loads((out / "run.json").read_text())["interrupted"] is True
    assert read_status(out).runs[0].state == "interrupted"
    run(model, folder, out)
    assert [row["status"] for row in videos(out)] == ["done", "done", "failed"]
    assert len(pd.read_parquet(out / "sources")) >= 0


def test_the_status_tells_of_a_run_at_work_and_of_its_end(folder, out, model):
    looks = []

    def look(event):
        if isinstance(event, VideoStarted | VideoFinished):
            looks.append(read_status(out))

    run(model, folder, out, on_event=look)
    first, last = looks[0], read_status(out)

    assert (first.videos, first.done, first.failed, first.at_work, first.left) == (3, 0, 0, 1, 2)
    assert first.runs[0].state == "running"
    assert looks[-1].failed == 1
    assert looks[-1].left_s is not None
    assert (last.videos, last.done, last.failed, last.at_work, last.left) == (3, 2, 1, 0, 0)
    assert last.runs[0].state == "finished"
    assert [error.video for error in last.errors] == ["bad.mp4"]
    assert last.errors[0].error.endswith(".")
    assert last.speed > 0
    assert last.left_s is None


def test_a_run_that_ended_without_a_word_is_dead(folder, out, model):
    run(model, folder, out)
    (plan_file,) = (out / ".tvsl" / "runs").iterdir()
    plan_file.write_text(json.dumps(json.loads(plan_file.read_text()) | {"finished": ""}))

    assert read_status(out).runs[0].state == "dead"


def test_a_folder_without_a_journal_has_no_status(tmp_path):
    with pytest.raises(InputError, match="holds no results"):
        read_status(tmp_path)


def test_a_record_of_a_name_that_is_no_text_can_be_kept(out):
    journal = Journal(out)
    name = os.fsdecode(b"caf\xe9\n.mp4")
    out.mkdir()
    journal.record(VideoFinished(video=name, path=Path(name), status="failed"), {"fingerprint": "f"}, run="r")

    assert journal.read(name).row.video == name
    assert [record.row.video for record in journal.records()] == [name]
