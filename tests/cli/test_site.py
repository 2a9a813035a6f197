"""The manual as a site: every page has its place, every link leads somewhere, and nothing is fetched from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", ".ci/mkdocs.yml", "-d", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_of_the_manual_is_in_the_site(site):
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}

    assert pages <= {path.stem for path in site.glob("*.html")}
    assert (site / "search/search_index.json").is_file()


def test_nothing_is_fetched_from_elsewhere(site):
    for page in site.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|img|iframe)[^>]*src=\"(https?:[^\"]*)|<link[^>]*href=\"(https?:[^\"]*)", text)
        assert [one for one in fetched if "canonical" not in one] == [], page.name
