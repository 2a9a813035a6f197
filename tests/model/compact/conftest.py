"""The shipped towers, loaded once."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from tvsl_core.model.compact import load_compact
from tvsl_core.model.facts import WEIGHTS_FILE


@pytest.fixture(scope="session")
def towers():
    torch.set_num_threads(1)
    return load_compact(evidence={})  # names go by their words alone


@pytest.fixture(scope="session")
def shipped():
    """The tensors of the shipped file; copy the table before changing it."""
    return load_file(WEIGHTS_FILE)
