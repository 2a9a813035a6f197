"""Results whose labels a test may write: a copy, since the session's results stay as they are."""

import shutil

import pytest

from tests.exports.conftest import results as results  # noqa: PLC0414  a fixture is found by its name here


@pytest.fixture
def folder(results, tmp_path):
    return shutil.copytree(results.folder, tmp_path / "results")
