"""What every test gets: a quiet machine, and a GPU mark that cannot pass by skipping."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a CUDA device where there is none, unless TVSL_REQUIRE_GPU=1 says that there must be one."""
    if item.get_closest_marker("gpu") is None:
        return
    import torch

    if not torch.cuda.is_available():
        if os.environ.get("TVSL_REQUIRE_GPU") == "1":
            pytest.fail("TVSL_REQUIRE_GPU=1, but torch sees no CUDA device", pytrace=False)
        pytest.skip("needs a CUDA device")


@pytest.fixture(scope="session")
def model():
    """One default model for all tests that need one: loading it takes a second."""
    from tvsl_core.model.load import load_model

    return load_model("compact", device="cpu")


@pytest.fixture(scope="session")
def benchmarks() -> Path:
    """Where the public annotation files are, for tests that read the real ones."""
    places = [os.environ.get("TVSL_BENCHMARKS", ""), Path(__file__).resolve().parents[2] / "shared/benchmarks"]
    for place in places:
        if place and (Path(place) / "vggss.json").is_file():
            return Path(place)
    pytest.skip("the public annotation files are not here; TVSL_BENCHMARKS names their folder")
