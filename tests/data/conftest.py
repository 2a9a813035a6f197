"""Where the public annotation files are, for tests that read the real ones."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    places = [os.environ.get("TVSL_BENCHMARKS", ""), Path(__file__).resolve().parents[2].parent / "shared/benchmarks"]
    for place in places:
        if place and (Path(place) / "vggss.json").is_file():
            return Path(place)
    pytest.skip("the public annotation files are not here; TVSL_BENCHMARKS names their folder")
