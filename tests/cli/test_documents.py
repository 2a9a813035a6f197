"""What the documents claim about the program is checked against the program."""

import re
from pathlib import Path

import pytest

import tvsl_core
from tvsl_core.pipeline.options import AnnotateOptions

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_has_the_two_commands():
    text = read("README.md")

    assert "python3 -m venv .venv && .venv/bin/pip install .\n" in text
    assert ".venv/bin/tvsl annotate sample_videos --out results\n" in text


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
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return f"dictionary of {kind.value_type}"
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)


@pytest.mark.parametrize(
    ("heading", "schema"), [("sources/*.parquet", "table.SOURCES_SCHEMA"), ("videos.parquet", "ledger.VIDEOS_SCHEMA")]
)
def test_the_columns_are_documented_with_their_types_in_order(heading, schema):
    import importlib

    module, _, name = schema.partition(".")
    fields = getattr(importlib.import_module(f"tvsl_core.pipeline.{module}"), name)

    assert table("docs/output-format.md", heading) == [(field.name, spelled(field.type)) for field in fields]


def test_every_public_name_and_option_stands_in_the_python_page():
    text = read("docs/python.md")

    for name in [*tvsl_core.__all__, *AnnotateOptions.__dataclass_fields__]:
        assert f"`{name}" in text, name


def test_the_changelog_has_the_running_version_or_is_unreleased():
    assert re.search(r"^## \[(Unreleased|\d+\.\d+\.\d+)\]", read("CHANGELOG.md"), re.MULTILINE)
