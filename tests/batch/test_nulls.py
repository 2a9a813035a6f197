"""What there is none of is null, in every table, and every reader of tables says so."""

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
from tvsl_core.batch.merge import MergeRequest, merge

NULL_WHEN_DONE = {"stage", "error", "hint"}
NULL_WHEN_FAILED = {"duration_s", "frame_width", "frame_height", "frame_rate", "size_bytes", "mtime_s", "table"}


@pytest.fixture(scope="module")
def tables(model, tmp_path_factory):
    """One good video, one that is damaged, one that is not there: videos.parquet of the run, and merged."""
    root = tmp_path_factory.mktemp("nulls")
    make_clip(root / "good.mp4", sound="silence")
    (root / "bad.mp4").write_bytes(b"this is no video" * 100)
    found = find_videos([str(root / name) for name in ("good.mp4", "bad.mp4", "missing.mp4")])
    annotate_videos(found, out=root / "out", model=model, options=AnnotateOptions(overlay="none"))
    merge(MergeRequest(folders=(root / "out",), out=root / "merged", force=True))
    return [root / "out" / "videos.parquet", root / "merged" / "videos.parquet"]


def expected(row):
    if row["status"] == "done":
        return NULL_WHEN_DONE
    return NULL_WHEN_FAILED | ({"fingerprint"} if row["stage"] == "find" else set())


def rows_of_pandas(path):
    return [{name: None if pd.api.types.is_scalar(value) and pd.isna(value) else value for name, value in row.items()}
            for row in pd.read_parquet(path).to_dict("records")]  # fmt: skip


READERS = {
    "pandas": rows_of_pandas,
    "polars": lambda path: pl.read_parquet(path).to_dicts(),
    "duckdb": lambda path: duckdb.sql(f"select * from '{path}'").pl().to_dicts(),
    "pyarrow": lambda path: pq.read_table(path).to_pylist(),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("place", [0, 1])
def test_what_there_is_none_of_is_null(tables, place, reader):
    rows = READERS[reader](tables[place])

    assert [row["status"] for row in rows] == ["failed", "failed", "done"]
    for row in rows:
        assert {name for name, value in row.items() if value is None} == expected(row)


@pytest.mark.parametrize("place", [0, 1])
def test_no_text_is_empty(tables, place):
    for row in pq.read_table(tables[place]).to_pylist():
        assert "" not in row.values()


def test_the_errors_are_found_by_asking_for_what_is_not_null(tables):
    query = f"select video from '{tables[0]}' where error is not null order by error like '%no file%'"

    assert duckdb.sql(query).fetchall() == [("bad.mp4",), (str(tables[0].parents[1] / "missing.mp4"),)]
