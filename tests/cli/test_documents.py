"""What the documents claim about the program is checked against the program."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tvsl_core
from tvsl_core.annotate.options import AnnotateOptions

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
WITH_QUERIES = [page for page in PAGES if "results/sources" in page.read_text(encoding="utf-8")]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_has_the_two_commands():
    text = read("README.md")

    new = "    python3 -m venv .venv && .venv/bin/pip install "
    assert f"{new}. && .venv/bin/tvsl annotate sample_videos --out results\n" in text
    assert f"{new}'.[test]' && .venv/bin/pytest\n" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_a_document_shows_exists(page):
    known = set(re.findall(r"`(--[a-z-]+)", read("docs/commands.md"))) | {"--help", "--version", "--install-completion"}
    for line in page.read_text(encoding="utf-8").splitlines():
        for call in re.findall(r"\btvsl ((?:annotate|info|vocabulary|models) [^|`#]*)", line):
            assert set(re.findall(r"(?<!\S)--[a-z-]+", call)) <= known, line


def table(page, heading):
    section = read(page).partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE)


def spelled(kind):
    if pa.types.is_dictionary(kind):
        return f"dictionary of {kind.value_type}"
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)


@pytest.mark.parametrize(
    ("heading", "schema"),
    [
        ("sources/*.parquet", "annotate.results.table.SOURCES_SCHEMA"),
        ("videos.parquet", "batch.videos_table.VIDEOS_SCHEMA"),
    ],
)
def test_the_columns_are_documented_with_their_types_in_order(heading, schema):
    import importlib

    module, _, name = schema.rpartition(".")
    fields = getattr(importlib.import_module(f"tvsl_core.{module}"), name)

    assert table("docs/output-format.md", heading) == [(field.name, spelled(field.type)) for field in fields]


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Results of two videos, one of which failed, in the folder that the documents name."""
    from tvsl_core.annotate.results.event_table import EVENTS_SCHEMA
    from tvsl_core.annotate.results.table import SOURCES_SCHEMA
    from tvsl_core.batch.videos_table import VIDEOS_SCHEMA

    given = {
        "string": "a.mp4",
        "double": 0.5,
        "float": 0.5,
        "int64": 1,
        "int32": 1,
        "int16": 1,
        "dictionary<values=string, indices=int32, ordered=0>": "offscreen",
    }
    for schema, path in (
        (SOURCES_SCHEMA, "results/sources/deep/a.mp4.parquet"),
        (EVENTS_SCHEMA, "results/events/deep/a.mp4.parquet"),
        (VIDEOS_SCHEMA, "results/videos.parquet"),
    ):
        row = {field.name: given.get(str(field.type), []) for field in schema}
        rows = [row | extra for extra in ({"region": 0, "status": "failed"}, {"verdict": "sounding"}, {"x_min": None})]
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), tmp_path / path)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", WITH_QUERIES, ids=lambda page: page.name)
def test_every_query_that_a_document_shows_runs_on_the_tables(page, results):
    import duckdb

    for query in re.findall(r'duckdb -c "(.*?)"', page.read_text(encoding="utf-8"), re.DOTALL):
        assert duckdb.sql(query).fetchall(), query


@pytest.mark.parametrize("page", WITH_QUERIES, ids=lambda page: page.name)
def test_every_program_that_a_document_shows_on_the_tables_runs(page, results, capsys):
    for program in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        compiled = compile(program, page.name, "exec")
        if re.search(r"results/(sources|events)", program):
            exec(compiled, {})
            assert "a.mp4" in capsys.readouterr().out


def test_every_public_name_and_option_stands_in_the_python_page():
    text = read("docs/python.md")

    for name in [*tvsl_core.__all__, *AnnotateOptions.__dataclass_fields__]:
        assert f"`{name}" in text, name


def test_the_changelog_has_the_running_version_or_is_unreleased():
    assert re.search(r"^## \[(Unreleased|\d+\.\d+\.\d+)\]", read("CHANGELOG.md"), re.MULTILINE)
