"""Towers by name: ours, and those that others bring, which need no change of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from tests.builders import make_clip
from tests.model import toy_towers
from tvsl_core import annotate_video, load_model, load_towers, register_towers
from tvsl_core.errors import InputError, WeightsError
from tvsl_core.model import registry
from tvsl_core.model.audioclip import AudioClipTowers
from tvsl_core.model.bench import random_towers
from tvsl_core.model.evidence import ClassEvidence, Positions, read_finely
from tvsl_core.model.towers import Towers, TrainableTowers, require_trainable

CPU = torch.device("cpu")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def registered(monkeypatch):
    """A table of registered towers that is forgotten after the test."""
    monkeypatch.setattr(registry, "_registered", {})


def red_left_green_right(_number, _seconds):
    picture = np.full((96, 128, 3), 120, np.uint8)
    picture[32:64, 16:48], picture[32:64, 80:112] = (230, 20, 20), (20, 230, 20)
    return picture


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A red and a green square, and a hum of 440 Hz: by the toy towers a dog that barks beside a silent violin."""
    return make_clip(
        tmp_path_factory.mktemp("toy") / "clip.mp4", seconds=3, picture=red_left_green_right, audio="aac", sound="tone"
    )


def check_dog(rows):
    """Only the dog sounds. Whether it is in view is the scorer's to say, and none was fitted for these towers."""
    assert {row["class"] for row in rows} == {"dog"}
    assert len(rows) >= 5


def install(folder: Path) -> None:
    """The toy towers as a package that pip has installed."""
    shutil.copy(toy_towers.__file__, folder / "their_towers.py")
    info = folder / "their_towers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-towers\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[tvsl.towers]\ntoy = their_towers:load\nbroken = their_towers:nothing\n", encoding="utf-8"
    )


def test_towers_registered_by_a_call_annotate_a_clip(registered, clip, tmp_path):
    register_towers("toy", toy_towers.load)
    model = load_model("toy", device="cpu")
    rows = annotate_video(clip, out=tmp_path, model=model, classes=("dog", "violin"), overlay="none")

    assert isinstance(load_towers("toy", device="cpu"), toy_towers.ToyTowers)
    check_dog(rows.to_dict("records"))


def test_towers_of_an_installed_package_annotate_a_clip_by_the_command(clip, tmp_path):
    install(tmp_path)
    options = ["--classes", "dog,violin", "--overlay", "none", "--model", "toy", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        [sys.executable, "-m", "tvsl_cli", "annotate", str(clip), *options],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    (table,) = (tmp_path / "out" / "sources").glob("*.parquet")
    check_dog(pq.read_table(table).to_pylist())


def test_a_package_that_does_not_hold_its_towers_is_named(tmp_path, monkeypatch):
    install(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    assert registry.towers_names() == ("audioclip", "compact", "toy", "broken")
    with pytest.raises(WeightsError, match="'broken' of the package their-towers cannot be loaded"):
        load_towers("broken", device="cpu")


def test_our_towers_are_the_folders_that_hold_some():
    assert registry.towers_names() == ("audioclip", "compact")


@pytest.mark.parametrize(("load", "kind"), [(load_towers, "towers"), (load_model, "model")])
def test_an_unknown_name_is_answered_with_the_nearest(load, kind):
    with pytest.raises(WeightsError, match=f"no {kind} 'audoclip'; the nearest name is 'audioclip'"):
        load("audoclip", device="cpu")


def test_a_name_that_is_taken_or_none_is_refused(registered):
    register_towers("toy", toy_towers.load)

    for name in ("toy", "compact"):
        with pytest.raises(ValueError, match="already"):
            register_towers(name, toy_towers.load)
    for name in ("Toy", "my.safetensors", ""):
        with pytest.raises(ValueError, match="is made of"):
            register_towers(name, toy_towers.load)


def test_all_towers_have_what_annotation_needs_and_those_with_features_can_be_trained_over():
    ours = [load_towers("compact", device="cpu"), random_towers()]
    theirs = toy_towers.ToyTowers(CPU)

    assert isinstance(ours[1], AudioClipTowers)
    for towers in (*ours, theirs):
        assert isinstance(towers, Towers)
        assert isinstance(towers.class_evidence(["dog"], {}), ClassEvidence)
    assert all(isinstance(towers, TrainableTowers) for towers in ours)
    with pytest.raises(InputError, match="'toy' give no features"):
        require_trainable(theirs)


def test_positions_stay_together_whatever_is_chosen_of_them():
    both = Positions(joint=torch.arange(6.0).reshape(3, 2), features=torch.arange(3.0).reshape(3, 1))
    back = Positions.stack(list(both))

    assert torch.equal(back.joint, both.joint) and torch.equal(back.features, both.features)
    assert both[None].joint.shape == (1, 3, 2) and both[1:].features.tolist() == [[1.0], [2.0]]
    assert len(both) == 3 and list(Positions(joint=both.joint).tensors()) == ["joint"]


@pytest.mark.parametrize("samples", [15_600, 16_000, 40_000, 40_001])
def test_a_finer_hop_gives_the_towers_own_positions_and_those_between(samples):
    towers = load_towers("compact", device="cpu")
    found = towers.class_evidence(["dog"], {})
    wave = torch.randn(1, samples, generator=torch.Generator().manual_seed(0)) * 0.1
    hop = round(towers.sound_hop_s * towers.sample_rate)
    fine, own = read_finely(found, wave, hop=hop, times=4), found.read_sounds(wave)
    late = found.read_sounds(wave[:, hop // 4 :])

    assert torch.equal(fine[0][::4].joint, own[0].joint)
    assert torch.equal(fine[0][1::4].joint, late[0].joint)
    with pytest.raises(ValueError, match="divide"):
        read_finely(found, wave, hop=hop, times=7)
    with pytest.raises(InputError, match="shorter"):
        read_finely(found, wave[:, :100], hop=hop, times=4)
