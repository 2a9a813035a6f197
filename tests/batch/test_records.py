"""Records of the journal: what stands on disk, and what is made of it when it is damaged."""

import dataclasses
import json

import pytest

from tvsl_core.batch.records import RunPlan, VideoRow, parse_plan, parse_record
from tvsl_core.batch.videos_table import VIDEOS_SCHEMA

ON_DISK = {
    "video": "a.mp4",
    "status": "done",
    "stage": "",
    "error": "",
    "hint": "",
    "warnings": ["It has no sound."],
    "duration_s": 2,
    "frame_width": 64,
    "frame_height": 48,
    "frame_rate": 25.0,
    "size_bytes": 1234,
    "mtime_s": 1.5,
    "rows": 3,
    "sources": 1,
    "classes": ["dog"],
    "elapsed_s": 0.25,
    "fingerprint": "f",
    "path": "/videos/a.mp4",
    "table": "sources/a.mp4.parquet",
    "input_id": "i",
    "input_size": "1234",
    "input_mtime_ns": "5",
    "limits": "[1, 2]",
    "again": False,
    "finished": "2026-01-01T00:00:00.000+00:00",
    "run": "r",
}
"""As version 0.1 wrote it."""


def test_a_record_of_earlier_versions_is_read_and_written_again_as_it_was():
    record = parse_record(ON_DISK)

    assert record.row.classes == ("dog",)
    assert record.key["input_id"] == "i"
    assert record.key["limits"] == "[1, 2]"
    assert json.loads(json.dumps(record.as_json())) == ON_DISK | {"events": 0, "stamp": "", "turn": 0}


@pytest.mark.parametrize(
    "damage",
    [
        {"status": "perhaps"},
        {"again": 1},
        {"rows": "3"},
        {"rows": True},
        {"classes": "dog"},
        {"classes": [1]},
        {"table": 5},
        {"input_id": 5},
        {"elapsed_s": None},
        {"elapsed_s": True},
    ],
)
def test_a_record_with_a_wrong_value_is_no_record(damage):
    assert parse_record(ON_DISK | damage) is None


@pytest.mark.parametrize("name", ["video", "path", "status"])
def test_a_record_that_lacks_what_it_is_about_is_no_record(name):
    assert parse_record({key: value for key, value in ON_DISK.items() if key != name}) is None


def test_what_a_later_version_adds_is_left_alone():
    assert parse_record(ON_DISK | {"mood": "good"}) == parse_record(ON_DISK)
    assert parse_plan({"id": "r", "mood": "good"}) == RunPlan(id="r")


def test_a_plan_comes_back_as_it_was_and_a_damaged_one_does_not():
    plan = RunPlan(id="r", inputs={"a": "/a"}, command=("tvsl", "annotate"), pid=7, workers=2)
    values = json.loads(json.dumps(dataclasses.asdict(plan)))

    assert parse_plan(values) == plan
    assert parse_plan(values | {"inputs": ["a"]}) is None
    assert parse_plan(values | {"inputs": {"a": 1}}) is None
    assert parse_plan({}) is None


def test_a_row_has_the_columns_of_the_table():
    assert [one.name for one in dataclasses.fields(VideoRow)] == VIDEOS_SCHEMA.names
