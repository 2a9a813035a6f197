"""The events of results: as a table in memory, in every reader of tables, and on standard output."""

import csv
import io
import json
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.exports.conftest import EVENTS, event, write_results
from tvsl_cli.annotate.after import check_formats, hand_on
from tvsl_cli.annotate.heard import heard, heard_of
from tvsl_cli.annotate.request import AnnotateRequest
from tvsl_cli.annotate.stdout import ResultWriter
from tvsl_core import read_events
from tvsl_core.annotate.progress import VideoFinished
from tvsl_core.batch.videos_table import VIDEOS_SCHEMA
from tvsl_core.errors import InputError


def finished(folder: Path, name: str = "film.mp4", **more) -> VideoFinished:
    return VideoFinished(
        **{
            **{"video": name, "path": Path(name), "status": "done", "classes": ("dog",)},
            **{"outputs": (folder / f"sources/{name}.parquet",), "event_table": folder / f"events/{name}.parquet"},
            **more,
        }
    )


def test_pandas_polars_and_duckdb_read_the_same_events(results):
    table = results.folder / "events/film.mp4.parquet"
    with_pandas, with_polars = pd.read_parquet(table), pl.read_parquet(table)
    with_duckdb = duckdb.sql(f"select * from '{table}' order by start_s").pl().to_dicts()

    names = [one.name for one in EVENTS]
    assert with_pandas["class"].tolist() == with_polars["class"].cast(pl.String).to_list() == names
    assert [row["class"] for row in with_duckdb] == names
    assert with_polars["x_min"].to_list() == [row["x_min"] for row in with_duckdb] == [16, None, 16]
    assert with_pandas["start_s"].tolist() == [0.5, 1.0, 2.5]
    (fox,) = with_duckdb[0]["alternatives"]
    assert (fox["class"], round(fox["score"], 4)) == ("fox", 0.1)
    assert list(with_polars["alternatives"][1]) == []


def test_the_query_of_the_documentation_works(results):
    rows = duckdb.sql(
        f"select class, sum(end_s - start_s) from '{results.folder}/events/**/*.parquet' group by class order by class"
    ).fetchall()

    assert rows == [("acoustic guitar", 5.0), ("dog", 7.5)]


def test_read_events_gives_all_videos_or_one_of_them_in_order(results):
    everything = read_events(results.folder)
    film = read_events(str(results.folder), video="film.mp4")

    assert everything["video"].tolist() == [name for name in sorted(results.clips) for _ in EVENTS]
    assert film["event_id"].tolist() == [0, 1, 2]
    assert film["class"].tolist() == ["dog", "acoustic guitar", "dog"]
    assert film["x_max"].isna().tolist() == [False, True, False]
    with pytest.raises(InputError, match=r"no events of a video 'gone\.mp4'"):
        read_events(results.folder, video="gone.mp4")


def test_jsonl_has_the_events_marked_by_their_kind_before_the_rows_as_they_were(results, capsys):
    ResultWriter(jsonl=True).hear(finished(results.folder))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    events = [line for line in lines if line.get("kind") == "event"]

    assert lines[: len(EVENTS)] == events
    assert [(line["class"], line["start_s"], line["score"]) for line in events] == [
        ("dog", 0.5, 0.9), ("acoustic guitar", 1.0, 0.6), ("dog", 2.5, 0.75),
    ]  # fmt: skip
    assert events[0]["alternatives"] == [{"class": "fox", "score": 0.1}]
    sources = pq.read_table(results.folder / "sources/film.mp4.parquet")
    assert [list(line) for line in lines[len(EVENTS) :]] == [sources.column_names] * sources.num_rows


def test_csv_streams_the_events_under_one_head(results, capsys):
    writer = ResultWriter(csv=True)
    for name in ("film.mp4", "odd <b> & name.mp4"):
        writer.hear(finished(results.folder, name))
        shown = capsys.readouterr().out
        assert shown.startswith("video,event_id") == (name == "film.mp4")
        if name == "film.mp4":
            rows = list(csv.DictReader(io.StringIO(shown, newline="")))
            assert [(row["class"], row["start_s"], row["end_s"]) for row in rows] == [
                ("dog", "0.500", "1.500"), ("acoustic guitar", "1.000", "2.000"), ("dog", "2.500", "3.000"),
            ]  # fmt: skip
    assert len(shown.splitlines()) == len(EVENTS)


def test_what_sounds_when_is_said_by_class_and_shortened():
    many = [event(number, float(2 * number), 2 * number + 0.95) for number in range(7)]
    owl = event(9, 3599.96, 3601.0, name="owl")

    assert heard_of([owl, *many]) == (
        "dog 0:00.0-0:01.0, 0:02.0-0:03.0, 0:04.0-0:05.0 and 4 more",
        "owl 1:00:00.0-1:00:01.0",
    )


def test_of_results_without_events_only_the_classes_are_said(results, tmp_path):
    assert heard(finished(results.folder)) == ("dog 0:00.5-0:01.5, 0:02.5-0:03.0", "acoustic guitar 0:01.0-0:02.0")
    assert heard(finished(tmp_path)) == heard(finished(tmp_path, event_table=None)) == ("dog",)


def test_after_a_run_come_the_formats_and_the_pages_that_were_asked_for(results, tmp_path, capsys):
    out = tmp_path / "r"
    shutil.copytree(results.folder, out)
    row = write_results(out, "film.mp4", results.clips["film.mp4"], EVENTS)
    known = {name: value for name, value in (row | {"events": len(EVENTS)}).items() if name in VIDEOS_SCHEMA.names}
    import pyarrow as pa

    pq.write_table(pa.Table.from_pylist([known], schema=VIDEOS_SCHEMA), out / "videos.parquet")
    hand_on(AnnotateRequest(out=out, export=("csv", "vtt"), report=True))

    assert (out / "exports/csv/events.csv").is_file()
    assert (out / "exports/webvtt/film.mp4.vtt").is_file()
    assert (out / "report/index.html").is_file()
    told = capsys.readouterr()
    assert told.out == ""
    assert "Exported" in told.err


def test_a_format_that_does_not_exist_is_said_before_any_work():
    with pytest.raises(ValueError, match="nearest is 'webvtt'"):
        check_formats(AnnotateRequest(export=("webvt",)))
    with pytest.raises(ValueError, match="exclude each other"):
        AnnotateRequest(jsonl=True, csv="-")
