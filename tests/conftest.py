"""What every test gets: a quiet machine, and a GPU mark that cannot pass by skipping."""

from __future__ import annotations

import os

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
