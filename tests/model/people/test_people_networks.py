"""Our networks against what the original runtime says of one photograph; ``make_golden.py`` made its answers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.model.people.make_golden import EVERY
from tvsl_core.model.people.face_detector import SIDE
from tvsl_core.model.people.load import load_people

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def networks():
    return load_people()


@pytest.fixture(scope="module")
def golden():
    return dict(np.load(HERE / "golden.npz"))


@pytest.fixture(scope="module")
def photograph():
    """RGB ``[256 256 3]``, with one face."""
    return cv2.cvtColor(cv2.imread(str(HERE / "astronaut.png")), cv2.COLOR_BGR2RGB)


def as_input(picture):
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float()


def test_the_detector_says_what_the_original_says(networks, golden, photograph):
    with torch.inference_mode():
        raw = networks.detector(as_input(photograph[:192, 32:224]) / 127.5 - 1)

    cells = golden["cells"].astype(int)
    places = golden["places"]
    assert torch.logit(raw.scores[0, cells]).numpy() == pytest.approx(golden["logits"], abs=1e-3)
    corners = raw.boxes[0, cells].numpy()
    assert (corners[:, 2:] - corners[:, :2]) * SIDE == pytest.approx(places[:, 2:4], abs=1e-2)
    middles = (np.stack((cells % 48, cells // 48), 1) + 0.5) * 4
    assert (corners[:, 2:] + corners[:, :2]) / 2 * SIDE == pytest.approx(places[:, :2] + middles, abs=1e-2)
    points = raw.points[0, cells].numpy() * SIDE
    assert points == pytest.approx(places[:, 4:].reshape(-1, 6, 2) + middles[:, None], abs=1e-2)


def test_the_mesh_has_the_points_of_the_original(networks, golden, photograph):
    with torch.inference_mode():
        seen = networks.mesh(as_input(photograph[:192, 32:224]) / 255)

    assert seen.points[0].numpy() == pytest.approx(golden["surface"], abs=0.01)
    assert float(seen.presence[0]) == pytest.approx(1 / (1 + np.exp(-float(golden["presence"]))), abs=1e-5)


def test_the_mask_is_that_of_the_original(networks, golden, photograph):
    with torch.inference_mode():
        mask = networks.mask(as_input(photograph) / 255)

    assert mask[0, ::EVERY, ::EVERY].numpy() == pytest.approx(golden["mask"].astype(np.float32), abs=0.005)
