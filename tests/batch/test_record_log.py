"""Records in few files: whatever was cut off, added by others or kept by an earlier version, the latest one counts."""

import dataclasses
import json

import pytest

from tvsl_core.batch.record_log import RecordLog
from tvsl_core.batch.records import VideoRecord, VideoRow


def record(video, *, turn=1, error="", finished=""):
    row = VideoRow(video=video, path=f"/{video}", status="failed", error=error, fingerprint="f")
    return VideoRecord(row=row, key={"fingerprint": "f"}, turn=turn, finished=finished)


def open_log(out):
    out.mkdir(exist_ok=True)
    return RecordLog(out / ".tvsl", inside=out)


def add(log, *records, run="r"):
    for one in records:
        log.append(one, run=run, is_urgent=True)


def errors(log):
    return {one.row.video: one.row.error for one in log.records()}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def whole(out):
    return out / ".tvsl" / "records.jsonl"


def parts(out):
    return sorted(path.name for path in out.glob(".tvsl/records/*"))


def test_what_was_added_is_there_for_others_at_once(out):
    log, other = open_log(out), open_log(out)
    assert errors(other) == {}
    add(log, record("a"), record("b"))
    add(log, record("a", turn=2, error="again"))
    other.refresh()

    assert errors(log) == errors(other) == {"a": "again", "b": ""}
    assert other.read("a") == log.read("a") == record("a", turn=2, error="again")
    assert other.read("none") is None


@pytest.mark.parametrize("damage", [b"{", b"[]", b'"text"', b'{"video": 1}', b"\xff", b"", b'{"video": "a", "pa'])
def test_a_damaged_line_is_no_record_and_those_around_it_are(out, damage):
    add(open_log(out), record("a"), record("b"), record("c"))
    path = out / ".tvsl" / "records" / "r.jsonl"
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([lines[0], damage, lines[2], b""]))

    assert errors(open_log(out)) == {"a": "", "c": ""}


def test_a_line_counts_when_its_end_is_there(out):
    add(open_log(out), record("a"), record("b"))
    path = out / ".tvsl" / "records" / "r.jsonl"
    text = path.read_bytes()
    path.write_bytes(text[:-20])
    log = open_log(out)
    assert errors(log) == {"a": ""}

    path.write_bytes(text)
    log.refresh()
    assert errors(log) == {"a": "", "b": ""}


def test_all_become_one_file_and_those_of_runs_at_work_stay(out):
    log = open_log(out)
    for run, video in (("over", "a"), ("dead", "b"), ("alive", "c")):
        add(log, record(video), run=run)
    log.compact(alive={"alive"})

    assert parts(out) == ["alive.jsonl"]
    assert [json.loads(line)["video"] for line in whole(out).read_text().splitlines()] == ["a", "b", "c"]
    assert errors(open_log(out)) == errors(log) == {"a": "", "b": "", "c": ""}


def test_with_nothing_new_the_file_of_all_stays_as_it_is(out):
    add(open_log(out), record("a"))
    open_log(out).compact(alive=set())
    before = whole(out).stat()
    open_log(out).compact(alive=set())

    assert whole(out).stat() == before


@pytest.mark.parametrize("damage", [None, b"{torn"])
def test_a_run_that_ended_between_both_steps_of_that_loses_nothing(out, damage):
    """The file of all was written, or was not, and the files of the runs are still there."""
    log = open_log(out)
    add(log, record("a"), record("b"))
    kept = (out / ".tvsl" / "records" / "r.jsonl").read_bytes()
    log.compact(alive=set())
    (out / ".tvsl" / "records" / "r.jsonl").write_bytes(kept)
    if damage is not None:
        whole(out).write_bytes(damage)
    open_log(out).compact(alive=set())

    assert parts(out) == []
    assert errors(open_log(out)) == {"a": "", "b": ""}


def test_another_process_sees_what_became_one_file_meanwhile(out):
    log, other = open_log(out), open_log(out)
    add(log, record("a"))
    other.refresh()
    add(log, record("a", turn=2, error="later"), record("b"))
    log.compact(alive=set())
    add(log, record("c"))
    other.refresh()

    assert errors(other) == {"a": "later", "b": "", "c": ""}


def test_the_later_turn_counts_whatever_the_clocks_say(out):
    log = open_log(out)
    add(log, record("a", turn=2, error="second", finished="2026-01-01"), run="x")
    add(log, record("a", turn=1, error="first", finished="2026-01-02"), run="y")
    add(log, record("b", turn=0, error="older", finished="2026-01-01"), run="x")
    add(log, record("b", turn=0, error="newer", finished="2026-01-02"), run="y")

    assert errors(log) == errors(open_log(out)) == {"a": "second", "b": "newer"}


def test_records_of_the_first_versions_are_read_and_taken_in(out):
    folder = out / ".tvsl" / "units" / "ab"
    folder.mkdir(parents=True)
    for video in ("a", "b"):
        values = record(video, error="old").as_json()
        del values["turn"], values["stamp"]
        (folder / f"{video}.json").write_text(json.dumps(values, indent=1))
    (folder / "torn.json").write_text("{")
    log = open_log(out)
    add(log, record("b", error="new"))
    assert errors(log) == {"a": "old", "b": "new"}

    log.compact(alive={"another"})
    assert folder.is_dir()
    log.compact(alive=set())
    assert not folder.parent.exists()
    assert errors(open_log(out)) == {"a": "old", "b": "new"}


def test_a_run_whose_file_was_tidied_away_begins_another(out):
    log = open_log(out)
    add(log, record("a"))
    open_log(out).compact(alive=set())
    add(log, record("b"))

    assert parts(out) == ["r.jsonl"]
    assert errors(open_log(out)) == {"a": "", "b": ""}


def test_a_record_comes_back_as_it_was(out):
    full = dataclasses.replace(record("a"), again=True, finished="now", stamp="2 1 1 1 1")
    add(open_log(out), full)

    assert open_log(out).read("a") == full
