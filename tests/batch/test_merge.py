"""Tables of many videos become one dataset: sorted, complete or said to be incomplete, and read by every tool."""

import hashlib
import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tvsl_core.annotate.progress import VideoFinished
from tvsl_core.annotate.results.event_table import EVENTS_SCHEMA, write_events
from tvsl_core.annotate.results.job import tables_stamp
from tvsl_core.annotate.results.names import result_path
from tvsl_core.annotate.results.table import BOX_CONVENTION, SOURCES_SCHEMA
from tvsl_core.annotate.results.version import SCHEMA_VERSION
from tvsl_core.batch import check
from tvsl_core.batch import merge as merging
from tvsl_core.batch.journal import Journal
from tvsl_core.batch.merge import EVENTS_SORTED_BY, ROWS_A_GROUP, SORTED_BY, MergeRequest, merge
from tvsl_core.batch.records import RunPlan
from tvsl_core.errors import InputError, OutputError
from tvsl_core.types import SourceEvent

CLASSES = ("dog", "cat", "violin", "bus")


def merge_results(folders, *, on_event=None, **asked):
    return merge(MergeRequest(folders=folders, **asked), on_event=on_event)


def rows_of(video: str, count: int, *, seed: int = 0, shuffled: bool = False) -> pa.Table:
    """Rows of one video in order of time; each has its place among them as ``pts``."""
    random = np.random.default_rng(seed)
    time = np.sort(random.integers(0, max(1, count // 3), count)) / 2
    source = random.integers(0, 4, count).astype(np.int32)
    region = random.integers(0, 2, count).astype(np.int16)
    order = random.permutation(count) if shuffled else np.lexsort((region, source, time))
    number = np.arange(count, dtype=np.int64)
    columns = {
        "video": pa.array([video] * count, pa.string()),
        "time_s": pa.array(time[order]),
        "source_id": pa.array(source[order]),
        "region": pa.array(region[order]),
        "pts": pa.array(number),
        "frame_index": pa.array(number),
        "class": pa.array([CLASSES[n % 4] for n in source[order]]).dictionary_encode(),
        "verdict": pa.array(["sounding"] * count, pa.string()).dictionary_encode(),
    }
    for field in SOURCES_SCHEMA:
        if field.name not in columns and field.nullable:
            columns[field.name] = pa.nulls(count, field.type)
        elif field.name not in columns:
            columns[field.name] = pa.array(random.integers(1, 9, count)).cast(field.type)
    return pa.table({name: columns[name] for name in SOURCES_SCHEMA.names}, schema=SOURCES_SCHEMA)


def events_of(count: int) -> list[SourceEvent]:
    """So many events that begin at the same few moments, the last ones first."""
    times = [float(number // 3) for number in range(count)]
    return [
        SourceEvent(
            event_id=number, source_id=0, name=CLASSES[number % 4], start_s=time, end_s=time + 1, score=0.5,
            verdict="offscreen", peak_s=time, box=None, alternatives=(),
        )
        for number, time in reversed(list(enumerate(times)))
    ]  # fmt: skip


def batch(
    out: Path,
    videos: dict[str, int],
    *,
    fingerprint: str = "one",
    failed: tuple[str, ...] = (),
    planned: tuple[str, ...] = (),
    shuffled: bool = False,
    groups: int = 16_384,
    version: str = SCHEMA_VERSION,
    known: bool = False,
) -> Path:
    """An output folder as ``tvsl annotate`` leaves it: tables of so many rows, a tenth as many events, a plan.

    With ``known`` the journal has the size and time of each table, which earlier versions did not write.
    """
    journal = Journal(out)
    for number, (video, count) in enumerate(videos.items()):
        path = result_path(out, "sources", video, ".parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        key = {"fingerprint": fingerprint, "input_size": "1", "input_mtime_ns": "2", "input_id": f"{out.name}-{video}"}
        about = key | {"model": "compact", "weights_sha256": "0", "options": '{"fps": 2.0}', "tvsl_version": "0.1.0"}
        if version == SCHEMA_VERSION:
            write_events(result_path(out, "events", video, ".parquet"), video, events_of(count // 10), metadata=about)
        about |= {"schema_version": version, "box": BOX_CONVENTION}
        table = rows_of(video, count, seed=number, shuffled=shuffled).replace_schema_metadata(about)
        pq.write_table(table, path, row_group_size=groups)
        done = VideoFinished(video=video, path=Path(video), status="done", outputs=(path,), rows=count)
        stamp = tables_stamp(path, result_path(out, "events", video, ".parquet")) if known else ""
        journal.record(done, key, run="r", stamp=stamp)
    for video in failed:
        row = VideoFinished(video=video, path=Path(video), status="failed", error="it is empty.", hint="Copy it.")
        journal.record(row, {"fingerprint": fingerprint}, run="r")
    journal.begin(RunPlan(id="r", inputs={name: name for name in (*videos, *failed, *planned)}), alive=set())
    return out


def label(folder: Path, video: str, *, count: int, at: str) -> None:
    """What people said of one video: so many events and one box."""
    about = {"video": video, "labelled_at": at, "schema_version": SCHEMA_VERSION, "box": BOX_CONVENTION}
    events, sources = (result_path(folder / "labels", room, video, ".parquet") for room in ("events", "sources"))
    for path in (events, sources):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_events(events, video, events_of(count), metadata=about)
    pq.write_table(rows_of(video, 1).replace_schema_metadata(about), sources)


def merged(path: Path, kind: str = "part") -> pa.Table:
    return pa.concat_tables(pq.read_table(file) for file in sorted(path.glob(f"{kind}-*.parquet")))


def in_order(table: pa.Table, keys: tuple[str, ...] = SORTED_BY) -> bool:
    rows = list(zip(*(table[name].to_pylist() for name in keys), strict=True))
    return rows == sorted(rows)


VIDEOS = {"b.mp4": 700, "a/z.mp4": 1300, "a b.mp4": 1, "silent.mp4": 0, "é.mp4": 40}


@pytest.mark.parametrize("shuffled", [False, True])
def test_no_row_is_lost_or_changed_and_all_are_in_order(tmp_path, shuffled):
    folder = batch(tmp_path / "out", VIDEOS, shuffled=shuffled, groups=100)
    report = merge_results([folder], out=tmp_path / "merged", rows_a_group=256, rows_a_file=1024)
    whole = merged(tmp_path / "merged")

    assert report.survey.problems == ()
    assert (report.rows, whole.num_rows) == (2041, 2041)
    assert in_order(whole)
    for number, (video, count) in enumerate(VIDEOS.items()):
        original = rows_of(video, count, seed=number, shuffled=shuffled).to_pandas()
        kept = whole.filter(pa.compute.equal(whole["video"], video)).to_pandas()
        pd.testing.assert_frame_equal(
            kept.sort_values("pts", ignore_index=True), original, check_categorical=False, check_dtype=False
        )


def test_row_groups_are_full_and_files_end_where_they_should(tmp_path):
    folder = batch(tmp_path / "out", VIDEOS)
    merge_results([folder], out=tmp_path / "merged", rows_a_group=256, rows_a_file=1024)
    sizes = []
    for file in sorted((tmp_path / "merged").glob("part-*.parquet")):
        about = pq.read_metadata(file)
        sizes.append([about.row_group(n).num_rows for n in range(about.num_row_groups)])

    assert sizes == [[256] * 4, [256, 256, 256, 249]]
    assert ROWS_A_GROUP == 128 * 1024


def test_the_manifest_vouches_for_every_file(tmp_path):
    folder = batch(tmp_path / "out", VIDEOS)
    report = merge_results([folder], out=tmp_path / "merged", rows_a_group=256, rows_a_file=1024)
    manifest = json.loads(report.manifest.read_text())

    assert report.files == tuple(
        tmp_path / "merged" / about["name"] for about in (*manifest["files"], *manifest["events"]["files"])
    )
    for about in (*manifest["files"], *manifest["events"]["files"]):
        content = (tmp_path / "merged" / about["name"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (about["bytes"], about["sha256"])
    assert [file["rows"] for file in manifest["files"]] == [1024, 1017]
    assert (manifest["rows"], manifest["videos"], manifest["problems"]) == (2041, 5, [])
    assert manifest["settings"] == [
        {
            "fingerprint": "one",
            "videos": 5,
            "model": "compact",
            "weights_sha256": "0",
            "tvsl_version": "0.1.0",
            "options": {"fps": 2.0},
        }
    ]
    assert "pyarrow" in manifest["versions"]
    assert pq.read_table(tmp_path / "merged" / "videos.parquet")["video"].to_pylist() == sorted(VIDEOS)


def test_duckdb_polars_and_pandas_read_it_unchanged(tmp_path):
    folder = batch(tmp_path / "out", VIDEOS)
    merge_results([folder], out=tmp_path / "merged", rows_a_group=256, rows_a_file=1024)
    files = str(tmp_path / "merged" / "part-*.parquet")
    expected = merged(tmp_path / "merged").to_pandas().groupby("class", observed=True).size().to_dict()

    in_sql = duckdb.sql(f"select class, count(*) from '{files}' group by class").fetchall()
    assert dict(in_sql) == expected
    assert duckdb.sql(f"select count(distinct video), min(time_s) from '{files}'").fetchall() == [(4, 0.0)]
    in_polars = pl.scan_parquet(files).group_by("class").len().collect()
    assert dict(in_polars.iter_rows()) == expected
    parts = sorted((tmp_path / "merged").glob("part-*.parquet"))
    in_pandas = pd.concat(pd.read_parquet(part) for part in parts)
    assert in_pandas["class"].astype(str).value_counts().to_dict() == expected


def test_the_same_tables_give_the_same_bytes_wherever_they_come_from(tmp_path):
    whole = batch(tmp_path / "whole", VIDEOS)
    merge_results([whole], out=tmp_path / "one")
    names = list(VIDEOS)
    halves = [batch(tmp_path / f"half{n}", VIDEOS) for n in (0, 1)]
    for n, half in enumerate(halves):
        for name in names[n::2]:
            result_path(half, "sources", name, ".parquet").unlink()
        records = half / ".tvsl" / "records" / "r.jsonl"
        lines = records.read_text().splitlines(keepends=True)
        records.write_text("".join(line for line in lines if json.loads(line)["video"] not in names[n::2]))
        shutil.rmtree(half / ".tvsl" / "runs")
    report = merge_results(halves, out=tmp_path / "two")

    assert report.survey.problems == ()
    assert (tmp_path / "one" / "part-00000.parquet").read_bytes() == report.files[0].read_bytes()


@pytest.mark.parametrize("rows_a_group", [32, ROWS_A_GROUP])
def test_tables_that_the_journal_knows_give_the_same_bytes_and_are_opened_once(tmp_path, monkeypatch, rows_a_group):
    sizes = {"rows_a_group": rows_a_group, "rows_a_file": 64 * rows_a_group}
    one, two = (batch(tmp_path / name, VIDEOS, shuffled=True, known=name == "two") for name in ("one", "two"))
    first = merge_results([one], out=tmp_path / "first", **sizes)
    monkeypatch.setattr(check, "_opened", pytest.fail)
    monkeypatch.setattr(check, "_holds_events", pytest.fail)
    second = merge_results([two], out=tmp_path / "second", **sizes)

    assert [path.read_bytes() for path in first.files] == [path.read_bytes() for path in second.files]
    assert in_order(merged(tmp_path / "second"))
    about = [json.loads(report.manifest.read_text()) for report in (first, second)]
    assert about[0]["settings"] == about[1]["settings"]
    assert about[0]["settings"][0]["options"] == {"fps": 2.0}


@pytest.mark.parametrize(("content", "kind"), [(None, "missing"), (b"PAR1 cut off", "unreadable")])
def test_a_table_that_the_journal_knew_and_that_was_damaged_since_is_seen(tmp_path, content, kind):
    folder = batch(tmp_path / "out", {"a.mp4": 30, "b.mp4": 40}, known=True)
    table = result_path(folder, "events", "b.mp4", ".parquet")
    table.unlink()
    if content is not None:
        table.write_bytes(content)

    assert kinds(merge_results([folder], out=tmp_path / "merged")) == [(kind, "b.mp4")]


def test_many_small_tables_are_merged_in_order_whatever_goes_together(tmp_path, monkeypatch):
    monkeypatch.setattr(merging, "TABLES_AT_ONCE", 4)
    videos = {f"{number:02}.mp4": 5 + number % 7 for number in range(30)} | {"07b.mp4": 100}
    folder = batch(tmp_path / "out", videos, shuffled=True, known=True)
    report = merge_results([folder], out=tmp_path / "merged", rows_a_group=20, rows_a_file=200)
    whole = merged(tmp_path / "merged")

    assert report.rows == whole.num_rows == sum(videos.values())
    assert in_order(whole)
    assert in_order(merged(tmp_path / "merged", "events"), EVENTS_SORTED_BY)
    counts = whole.group_by("video").aggregate([([], "count_all")]).to_pydict()
    assert dict(zip(counts["video"], counts["count_all"], strict=True)) == videos


def test_every_event_is_there_in_the_order_of_videos_and_onsets(tmp_path):
    folder = batch(tmp_path / "out", VIDEOS)
    report = merge_results([folder], out=tmp_path / "merged", rows_a_group=32, rows_a_file=64)
    whole = merged(tmp_path / "merged", "events")
    manifest = json.loads(report.manifest.read_text())["events"]

    assert in_order(whole, EVENTS_SORTED_BY)
    assert report.events == whole.num_rows == 70 + 130 + 4 == manifest["rows"]
    assert [file["rows"] for file in manifest["files"]] == [64, 64, 64, 12]
    assert manifest["sorted_by"] == ["video", "start_s", "event_id"]
    counts = whole.group_by("video").aggregate([([], "count_all")]).to_pydict()
    assert dict(zip(counts["video"], counts["count_all"], strict=True)) == {"b.mp4": 70, "a/z.mp4": 130, "é.mp4": 4}
    assert whole.schema.equals(EVENTS_SCHEMA)


def test_duckdb_polars_and_pandas_read_the_merged_events(tmp_path):
    merge_results([batch(tmp_path / "out", VIDEOS)], out=tmp_path / "merged", rows_a_group=32, rows_a_file=64)
    files = str(tmp_path / "merged" / "events-*.parquet")
    expected = merged(tmp_path / "merged", "events").to_pandas().groupby("class", observed=True).size().to_dict()

    assert dict(duckdb.sql(f"select class, count(*) from '{files}' group by class").fetchall()) == expected
    assert dict(pl.scan_parquet(files).group_by("class").len().collect().iter_rows()) == expected
    in_pandas = pd.concat(pd.read_parquet(part) for part in sorted((tmp_path / "merged").glob("events-*.parquet")))
    assert in_pandas["class"].astype(str).value_counts().to_dict() == expected


@pytest.mark.parametrize(("content", "kind"), [(None, "missing"), (b"PAR1 cut off", "unreadable")])
def test_a_video_whose_events_are_gone_or_damaged_is_a_gap(tmp_path, content, kind):
    folder = batch(tmp_path / "out", {"a.mp4": 30, "b.mp4": 40})
    table = result_path(folder, "events", "b.mp4", ".parquet")
    table.unlink()
    if content is not None:
        table.write_bytes(content)
    report = merge_results([folder], out=tmp_path / "merged")

    assert kinds(report) == [(kind, "b.mp4")]
    assert report.manifest is None
    forced = merge_results([folder], out=tmp_path / "merged", force=True)
    assert (forced.rows, forced.events) == (70, 3)


def test_results_of_an_earlier_version_are_one_sentence(tmp_path):
    folder = batch(tmp_path / "out", {"a.mp4": 30, "b.mp4": 40}, version="1")
    report = merge_results([folder], out=tmp_path / "merged")

    assert kinds(report) == [("version", "")]
    assert report.survey.problems[0].message == "2 of 2 videos were annotated by an earlier version, without events."


def kinds(report) -> list[tuple[str, str]]:
    return [(problem.kind, problem.video) for problem in report.survey.problems]


def test_gaps_are_told_and_nothing_is_written_unless_somebody_insists(tmp_path):
    folder = batch(tmp_path / "out", {"a.mp4": 9, "b.mp4": 9}, failed=("bad.mp4",), planned=("later.mp4",))
    result_path(folder, "sources", "b.mp4", ".parquet").write_bytes(b"PAR1 cut off")
    report = merge_results([folder], out=tmp_path / "merged")

    assert sorted(kinds(report)) == [
        ("failed", "bad.mp4"), ("missing", "b.mp4"), ("pending", "later.mp4"), ("unreadable", "b.mp4"),
    ]  # fmt: skip
    assert report.manifest is None
    assert not (tmp_path / "merged").exists()
    forced = merge_results([folder], out=tmp_path / "merged", force=True)
    assert forced.rows == 9
    assert len(json.loads(forced.manifest.read_text())["problems"]) == 4


def test_a_video_whose_table_is_gone_is_a_gap(tmp_path):
    folder = batch(tmp_path / "out", {"a.mp4": 9, "b.mp4": 9})
    result_path(folder, "sources", "b.mp4", ".parquet").unlink()

    assert [video for _, video in kinds(merge_results([folder], out=tmp_path / "merged"))] == ["b.mp4"]


def test_a_video_that_is_there_twice_is_told_and_counts_once(tmp_path):
    folders = [batch(tmp_path / name, {"a.mp4": 9, f"{name}.mp4": 4}) for name in ("one", "two")]

    assert kinds(merge_results(folders, out=tmp_path / "merged")) == [("duplicate", "a.mp4")]
    assert merge_results(folders, out=tmp_path / "merged", force=True).rows == 17


def test_mixed_settings_are_told(tmp_path):
    folder = batch(tmp_path / "out", {"a.mp4": 9})
    batch(folder, {"b.mp4": 9}, fingerprint="other")
    report = merge_results([folder], out=tmp_path / "merged")

    assert kinds(report) == [("settings", "")]
    assert "one (1), other (1)" in report.survey.problems[0].message


def test_a_second_merge_replaces_the_first_and_leaves_nothing_of_it(tmp_path):
    folder = batch(tmp_path / "out", VIDEOS)
    first = merge_results([folder], out=tmp_path / "merged", rows_a_group=256, rows_a_file=256)
    second = merge_results([folder], out=tmp_path / "merged")

    assert (len(first.files), len(second.files)) == (9, 2)
    left = {path.name for path in (tmp_path / "merged").iterdir()}
    assert left == {"part-00000.parquet", "events-00000.parquet", "videos.parquet", "manifest.json"}


def test_what_goes_wrong_midway_leaves_no_half_file_and_no_manifest(tmp_path):
    folder = batch(tmp_path / "out", VIDEOS)
    merge_results([folder], out=tmp_path / "merged")

    def fail(table):
        if table.video == "b.mp4":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        merge_results([folder], out=tmp_path / "merged", on_event=fail, rows_a_group=256, rows_a_file=256)
    left = {path.name for path in (tmp_path / "merged").iterdir()}
    assert left == {"part-00000.parquet", "events-00000.parquet", "videos.parquet"}


def test_memory_does_not_grow_with_the_number_of_videos(tmp_path):
    pool = pa.default_memory_pool()
    peaks = []
    for count in (4, 30):
        folder = batch(tmp_path / f"out{count}", {f"{n:03}.mp4": 2000 for n in range(count)})
        tracked = pa.proxy_memory_pool(pool)
        pa.set_memory_pool(tracked)
        try:
            merge_results([folder], out=tmp_path / f"merged{count}", rows_a_group=2048, rows_a_file=4096)
        finally:
            pa.set_memory_pool(pool)
        peaks.append(tracked.max_memory())

    assert peaks[1] < 2 * peaks[0]


@pytest.mark.parametrize("place", ["out", "out/sources", "out/sources/deep"])
def test_a_dataset_cannot_lie_among_its_tables(tmp_path, place):
    with pytest.raises(OutputError, match="among the tables"):
        merge_results([batch(tmp_path / "out", VIDEOS)], out=tmp_path / place)


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(InputError, match="no results"):
        merge_results([tmp_path], out=tmp_path / "merged")


def test_what_people_said_comes_along_and_the_later_word_counts(tmp_path):
    one, other = batch(tmp_path / "one", {"b.mp4": 30, "a.mp4": 30}), batch(tmp_path / "other", {"c.mp4": 30})
    label(one, "b.mp4", count=5, at="2026-02-01T00:00:00+00:00")
    label(one, "a.mp4", count=2, at="2026-01-01T00:00:00+00:00")
    label(other, "b.mp4", count=3, at="2026-01-01T00:00:00+00:00")
    out = tmp_path / "merged"
    report = merge_results([one, other], out=out)
    said, boxes = merged(out, "labels"), merged(out, "label-sources")

    assert said["video"].to_pylist() == ["a.mp4"] * 2 + ["b.mp4"] * 5
    assert in_order(said, EVENTS_SORTED_BY)
    assert boxes["video"].to_pylist() == ["a.mp4", "b.mp4"]
    assert merged(out, "events").num_rows == report.events == 9
    manifest = json.loads(report.manifest.read_text())
    assert (manifest["labels"]["videos"], manifest["labels"]["rows"]) == (2, 7)
    assert {file.name for file in report.files} >= {"labels-00000.parquet", "label-sources-00000.parquet"}


def test_labels_that_are_gone_leave_the_dataset(tmp_path):
    folder, out = batch(tmp_path / "one", {"b.mp4": 30}), tmp_path / "merged"
    label(folder, "b.mp4", count=5, at="")
    merge_results([folder], out=out)
    assert list(out.glob("label*"))
    shutil.rmtree(folder / "labels")
    manifest = json.loads(merge_results([folder], out=out).manifest.read_text())

    assert not list(out.glob("label*"))
    assert manifest["labels"]["files"] == []


@pytest.mark.parametrize(
    "sizes", [{"rows_a_group": 0}, {"rows_a_group": 7, "rows_a_file": 8}, {"folders": []}, {"folders": "out"}]
)
def test_sizes_that_do_not_fit_and_one_name_for_many_are_refused(sizes):
    with pytest.raises(ValueError, match=r"rows a group|at least one"):
        MergeRequest(**{"folders": ["out"], "out": "all", **sizes})
    assert MergeRequest(folders=["out"], out="all", rows_a_group=1, rows_a_file=1).rows_a_group == 1
