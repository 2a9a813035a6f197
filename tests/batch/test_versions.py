"""Results of an earlier version, and results whose events are gone, are said to be so and made again."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.results.event_table import write_events
from tvsl_core.annotate.results.job import Job, VideoItem
from tvsl_core.annotate.results.table import SOURCES_SCHEMA, write_table
from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.batch.journal import Journal
from tvsl_core.batch.records import RunPlan, VideoRow, parse_record, parse_row
from tvsl_core.batch.status import read_status
from tvsl_core.batch.videos_table import VIDEOS_SCHEMA, write_videos


@pytest.fixture
def job(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", seconds=0.4, size=(64, 48))
    job = Job(item=VideoItem(path=clip, name="a.mp4"), out=tmp_path / "out", options=AnnotateOptions(), fingerprint="f")
    write_events(job.events, "a.mp4", (), metadata=job.key())
    return job


def finish(job: Job, version: str) -> None:
    write_table(job.table, [], SOURCES_SCHEMA, job.key() | {"schema_version": version})


def test_a_table_of_this_version_with_its_events_is_done(job):
    assert job.staleness() is None
    finish(job, SCHEMA_VERSION)

    assert job.is_done()
    assert job.events == job.out / "events/a.mp4.parquet"


def test_a_table_of_an_earlier_version_is_made_anew_and_the_reason_is_said(job):
    finish(job, "1")

    assert job.staleness() == "made by an earlier version, without events"


def test_a_table_whose_events_are_gone_is_made_anew(job):
    finish(job, SCHEMA_VERSION)
    job.events.unlink()

    assert job.staleness() == "its table of events is gone"


def test_unfinished_tables_of_events_are_swept_like_the_others(tmp_path):
    from tvsl_core.system.files import begin_partial

    (tmp_path / "events").mkdir()
    partial = begin_partial(tmp_path / "events/a.mp4.parquet")
    Path(partial).write_bytes(b"half")
    Journal(tmp_path).sweep()

    assert list((tmp_path / "events").iterdir()) == []


def test_status_says_when_the_latest_run_was_of_an_earlier_version(tmp_path):
    journal = Journal(tmp_path)
    journal.begin(
        RunPlan(id="new", inputs={"a": "a"}, started="2026-01-02T00:00:00+00:00", schema_version=SCHEMA_VERSION),
        alive=set(),
    )
    assert not read_status(tmp_path).outdated

    (plan,) = journal.runs.glob("*.json")
    values = json.loads(plan.read_text())
    del values["schema_version"]
    plan.write_text(json.dumps(values))
    assert read_status(tmp_path).outdated


def test_a_record_without_a_number_of_events_is_read_and_the_column_stands_last(tmp_path):
    row = parse_row({"video": "a", "path": "a", "status": "done"})
    record = parse_record({"video": "a", "path": "a", "status": "done", "events": 3, "again": False})
    write_videos(tmp_path / "videos.parquet", [VideoRow(video="a", path="a", status="done", events=3)])

    assert (row.events, record.row.events) == (0, 3)
    assert VIDEOS_SCHEMA.names[-1] == "events"
    assert pq.read_table(tmp_path / "videos.parquet")["events"].to_pylist() == [3]
    assert VIDEOS_SCHEMA.field("events").type == pa.int64()
