"""One model for all tests of the pipeline: loading it takes a second."""

import pytest

from tvsl_core.model.load import load_model


@pytest.fixture(scope="session")
def model():
    return load_model("compact", device="cpu")
