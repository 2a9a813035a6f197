from fractions import Fraction

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tvsl_core.annotate.results.table import SOURCES_SCHEMA, SourceTable, read_metadata
from tvsl_core.errors import OutputError
from tvsl_core.types import Box, Detection, LocalizationMap, LocalizedSource

SPEC_COLUMNS = {
    "video": "string", "window_start_s": "double", "window_end_s": "double", "time_s": "double", "frame_index": "int64",
    "pts": "int64", "source_id": "int32", "class": "dictionary<values=string, indices=int32, ordered=0>",
    "score": "float", "audio_score": "float", "image_score": "float",
    "verdict": "dictionary<values=string, indices=int32, ordered=0>", "region": "int16",
    "x_min": "int32", "y_min": "int32", "x_max": "int32", "y_max": "int32", "frame_width": "int32",
    "frame_height": "int32", "map_peak": "float", "map_area": "float", "map": "list<element: float>",
    "map_rows": "int16", "map_cols": "int16",
}  # fmt: skip


def source(time=0, name="dog", *, offscreen=False):
    detection = Detection(
        klass=0, name=name, score=0.75, audio_score=0.5, image_score=0.25,
        verdict="offscreen" if offscreen else "sounding",
    )  # fmt: skip
    grid = LocalizationMap(values=np.asarray([[0.25, 0.5, 0.0]], np.float32), frame_width=30, frame_height=10)
    return LocalizedSource(
        time=Fraction(time), frame_index=7, pts=700, window_start_s=0.0, window_end_s=2.5, detection=detection,
        source_id=3, region=0, box=None if offscreen else Box(x_min=1, y_min=2, x_max=21, y_max=9),
        map=None if offscreen else grid,
    )  # fmt: skip


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "sources" / "clip.mp4.parquet"
    path.parent.mkdir()
    written = SourceTable(path, video="a/clip.mp4", frame_size=(30, 10), save_maps=True, metadata={"model": "compact"})
    for row in (source(), source(Fraction(1, 2), "café owl", offscreen=True)):
        written.write(row)
    written.close()
    return path


def test_columns_and_types_are_those_of_the_specification(table):
    schema = pq.read_schema(table)

    assert {field.name: str(field.type) for field in schema} == SPEC_COLUMNS
    assert schema.names == SOURCES_SCHEMA.names


def test_pandas_polars_and_duckdb_read_the_same_rows(table):
    with_pandas = pd.read_parquet(table)
    with_polars = pl.read_parquet(table)
    with_duckdb = duckdb.sql(f"select * from '{table}' order by time_s").fetchall()

    assert with_pandas["class"].tolist() == with_polars["class"].cast(pl.String).to_list() == ["dog", "café owl"]
    assert [row[7] for row in with_duckdb] == ["dog", "café owl"]
    assert with_polars["x_min"].to_list() == [1, None]
    assert list(with_pandas["map"].iloc[0]) == [0.25, 0.5, 0.0]
    assert with_duckdb[0][-3] == [0.25, 0.5, 0.0]


def test_the_query_of_the_documentation_works(table):
    rows = duckdb.sql(
        f"select class, count(*) from '{table.parent}/**/*.parquet' group by class order by class"
    ).fetchall()

    assert rows == [("café owl", 1), ("dog", 1)]


def test_boxes_and_maps_are_null_when_offscreen(table):
    row = pq.read_table(table).to_pylist()[1]

    assert row["verdict"] == "offscreen"
    assert all(row[name] is None for name in ("x_min", "y_min", "x_max", "y_max", "map", "map_rows", "map_peak"))


def test_metadata_says_how_the_table_was_made(table):
    metadata = read_metadata(table)

    assert metadata["model"] == "compact"
    assert metadata["schema_version"] == "2"
    assert "excluded" in metadata["box"]


def test_a_table_without_rows_is_a_valid_table(tmp_path):
    empty = SourceTable(tmp_path / "e.parquet", video="e", frame_size=(3, 4), save_maps=False, metadata={})
    empty.close()

    assert pd.read_parquet(tmp_path / "e.parquet").empty
    assert duckdb.sql(f"select count(*) from '{tmp_path}/e.parquet'").fetchall() == [(0,)]


def test_an_unfinished_table_never_has_its_final_name(tmp_path):
    path = tmp_path / "t.parquet"
    unfinished = SourceTable(path, video="t", frame_size=(3, 4), save_maps=False, metadata={})
    unfinished.write(source())

    assert not path.exists()
    unfinished.discard()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("save_maps", "compression"), [(True, "ZSTD"), (False, "SNAPPY")])
def test_maps_are_worth_strong_compression_and_small_tables_are_quick_to_read(tmp_path, save_maps, compression):
    table = SourceTable(tmp_path / "t.parquet", video="t", frame_size=(3, 4), save_maps=save_maps, metadata={})
    table.write(source())
    table.close()
    group = pq.ParquetFile(table.path).metadata.row_group(0)

    assert {group.column(i).compression for i in range(group.num_columns)} == {compression}


def test_a_folder_that_is_a_file_is_one_clear_sentence(tmp_path):
    (tmp_path / "sources").write_text("in the way")

    with pytest.raises(OutputError, match="sources"):
        SourceTable(tmp_path / "sources" / "t.parquet", video="t", frame_size=(3, 4), save_maps=False, metadata={})


def test_damaged_files_have_no_metadata(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 nonsense")

    assert read_metadata(tmp_path / "x.parquet") == {}
    assert read_metadata(tmp_path / "missing.parquet") == {}
    assert pa.types.is_dictionary(SOURCES_SCHEMA.field("class").type)
