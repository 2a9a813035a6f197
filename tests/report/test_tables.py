"""Tables for papers and programs."""

import csv
import io
import json

import pytest

from tests.report.test_report import EVIL, Reader, evaluation  # noqa: F401
from tvsl_core.errors import InputError
from tvsl_core.evaluation.classes import per_class_places
from tvsl_core.evaluation.compare import compare
from tvsl_core.report.comparison import render_comparison
from tvsl_core.report.scores import as_json, read_system, write_rows
from tvsl_core.report.tables import TABLE_FORMATS, Grid, class_grid, render_table, score_grid

GRID = Grid(
    title="made", header=("a_b", "share", "p", "n"), rows=(("x|y & 5%", 0.5, 0.0002, 3), ("q", None, float("nan"), 1))
)


def test_markdown_escapes_its_bars_and_shows_percent():
    assert render_table(GRID, "markdown").splitlines()[2:] == [
        "| a_b | share | p | n |",
        "| --- | ---: | ---: | --- |",
        r"| x\|y & 5% | 50.0 | 0.0002 | 3 |",
        "| q |  |  | 1 |",
    ]


def test_latex_escapes_what_means_something_to_it():
    text = render_table(GRID, "latex")

    assert r"a\_b & share & p & n \\" in text
    assert r"x|y \& 5\% & 50.0 & 0.0002 & 3 \\" in text
    assert text.count("\\begin") == text.count("\\end") == 1


def test_csv_keeps_every_digit_and_reads_back():
    grid = Grid(title="", header=("name", "value"), rows=(('with "quotes", comma', 1 / 3),))

    assert list(csv.reader(io.StringIO(render_table(grid, "csv")))) == [
        ["name", "value"],
        ['with "quotes", comma', str(1 / 3)],
    ]


def test_every_score_of_an_evaluation_is_in_the_table(evaluation):  # noqa: F811
    found, _ = evaluation
    rows = list(csv.DictReader(io.StringIO(render_table(score_grid([found]), "csv"))))
    mine = {
        score.metric: score.value for score in found.scores if (score.classes, score.average) == ("oracle", "sources")
    }

    assert {row["metric"]: float(row["value"]) for row in rows if row["classes"] == "oracle"} == mine
    assert {row["classes"] for row in rows} == {"oracle", "predicted"} | {f"floor: {name}" for name in found.floor_rows}


@pytest.mark.parametrize("form", TABLE_FORMATS)
def test_classes_are_listed_in_every_format(evaluation, form):  # noqa: F811
    found, _ = evaluation
    places = per_class_places(found.rows, found.floor_rows, found.protocol)

    assert render_table(class_grid(found, places), form).count("dog") >= 2
    assert len(as_json(found)["per_class_localization"]) == len(places) == 4


def test_results_are_read_back_as_they_were_scored(evaluation, tmp_path):  # noqa: F811
    found, _ = evaluation
    write_rows(tmp_path / "per_sample.parquet", found)
    system = read_system(tmp_path, "ours")

    assert list(system.rows) == found.rows
    assert (system.name, system.benchmark, system.protocol) == ("ours", found.benchmark, found.protocol)


def test_a_folder_without_a_result_and_an_outdated_one_are_refused(evaluation, tmp_path):  # noqa: F811
    import pyarrow.parquet

    found, _ = evaluation
    with pytest.raises(InputError, match=r"per_sample\.parquet"):
        read_system(tmp_path)
    write_rows(tmp_path / "per_sample.parquet", found)
    table = pyarrow.parquet.read_table(tmp_path / "per_sample.parquet")
    old = {"benchmark": found.benchmark, "protocol": json.dumps(found.protocol.as_dict() | {"threshold": "as it was"})}
    pyarrow.parquet.write_table(table.replace_schema_metadata(old), tmp_path / "per_sample.parquet")
    with pytest.raises(InputError, match="another version"):
        read_system(tmp_path)


def test_the_page_of_several_systems_holds_all_and_runs_nothing(evaluation, tmp_path):  # noqa: F811
    found, _ = evaluation
    write_rows(tmp_path / "per_sample.parquet", found)
    systems = [read_system(tmp_path, name) for name in ("ours", "theirs", EVIL)]
    page = render_comparison(systems, [compare(systems[0], other) for other in systems[1:]])
    reader = Reader()
    reader.feed(page)

    assert "theirs" in page
    assert "script" not in reader.seen
    assert reader.open == []
