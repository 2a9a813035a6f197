from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tvsl_core.errors import WeightsError
from tvsl_core.model.compact.store import read_metadata
from tvsl_core.model.people.conversion import SOURCES, build_people
from tvsl_core.model.people.load import FORMAT, WEIGHTS_FILE, load_people

MOST_BYTES = 5_000_000


def test_the_shipped_file_is_small_and_names_its_sources():
    with safe_open(WEIGHTS_FILE, framework="pt") as file:
        details = read_metadata(file.metadata(), kind=FORMAT)

    assert WEIGHTS_FILE.stat().st_size < MOST_BYTES
    assert [source["sha256"] for source in details["sources"]] == [source.sha256 for source in SOURCES]
    assert {source["licence"] for source in details["sources"]} == {"Apache-2.0"}


def test_the_notice_names_every_source():
    notice = (Path(__file__).parents[3] / "NOTICE").read_text()

    assert [source.sha256 for source in SOURCES if source.sha256 not in notice] == []


def test_weights_without_a_tensor_or_of_another_model_are_refused(tmp_path):
    with safe_open(WEIGHTS_FILE, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(WEIGHTS_FILE)
    tensors.pop("mesh.stem.weight")
    save_file(tensors, tmp_path / "lacks.safetensors", metadata=metadata)
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")

    with pytest.raises(WeightsError, match="other networks"):
        load_people(weights=tmp_path / "lacks.safetensors")
    with pytest.raises(WeightsError, match="metadata"):
        load_people(weights=tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="cannot read"):
        load_people(weights=tmp_path / "nowhere.safetensors")


def test_a_missing_package_says_how_to_get_it(tmp_path):
    with pytest.raises(WeightsError, match=r"pip download --no-deps mediapipe==0\.10\.14"):
        build_people(tmp_path, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.skipif("TVSL_PEOPLE_SOURCES" not in os.environ, reason="needs the package that docs/people.md names")
def test_the_same_source_gives_the_shipped_bytes(tmp_path):
    report = build_people(Path(os.environ["TVSL_PEOPLE_SOURCES"]), tmp_path / "people.safetensors")

    assert report.sha256 == hashlib.sha256(WEIGHTS_FILE.read_bytes()).hexdigest()
