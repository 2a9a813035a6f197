"""A model carries its vocabulary: what its heads were trained on is looked for, and known by name."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest
import torch
from typer.testing import CliRunner

from tests.builders import make_clip
from tvsl_cli.app import app
from tvsl_core.annotate.options import TRAINED, AnnotateOptions
from tvsl_core.batch.engines.task import choose_names
from tvsl_core.errors import ManifestError
from tvsl_core.model.compact import embedded_heads
from tvsl_core.model.facts import WEIGHTS_FILE, trained_names
from tvsl_core.model.heads import TvslHeads, options_for
from tvsl_core.model.heads_file import HeadsInfo, dump_heads
from tvsl_core.model.load import load_model, load_towers
from tvsl_core.vocabulary.classes import load_vocabulary

TAUGHT = ("vuvuzela", "playing cello", "puppy")
DEFAULT = load_vocabulary()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Heads, untrained, that say of themselves that they know a new class, an old one and an alias."""
    towers = load_towers("compact", device="cpu")
    torch.manual_seed(0)
    info = HeadsInfo(
        towers="compact",
        towers_sha256=towers.weights_sha256,
        classes=TAUGHT,
        text=towers.embed_names(TAUGHT).clone(),
    )
    path = tmp_path_factory.mktemp("taught") / "taught.safetensors"
    path.write_bytes(dump_heads(TvslHeads(options_for(towers, hidden=8)), info))
    return path


def test_the_classes_of_heads_are_looked_for_beside_the_default_ones(file):
    model = load_model(file, device="cpu")

    assert model.vocabulary.names == (*DEFAULT.names, "vuvuzela", "puppy")
    trained = dict(zip(model.vocabulary.names, model.is_sound_trained, strict=True))
    assert trained["vuvuzela"] and trained["puppy"] and trained["cello"] and trained["dog"]
    assert not trained["sheep"]
    assert model.vocabulary.ancestors("puppy") >= {"dog"}  # the generic name gives way


def test_they_are_read_without_loading_anything(file):
    assert trained_names(file) == TAUGHT
    assert trained_names("compact") == trained_names(WEIGHTS_FILE) == embedded_heads()[0][1].classes
    assert trained_names("compact-untrained") == trained_names("nosuch.safetensors") == ()
    code = "import sys; from tvsl_core.model.facts import trained_names; trained_names('compact'); "
    assert (
        subprocess.run([sys.executable, "-c", code + "sys.exit('torch' in sys.modules)"], check=False).returncode == 0
    )


def test_what_ships_with_tvsl_adds_no_name_to_the_default_vocabulary():
    assert DEFAULT.extend(trained_names("compact")) == DEFAULT


def test_a_class_that_was_trained_is_asked_for_without_a_warning(file, tmp_path, caplog):
    own = tmp_path / "own.txt"
    own.write_text("violin\n", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        for vocabulary in (None, own, TRAINED):
            options = AnnotateOptions(classes=("vuvuzela", "violin"), vocabulary=vocabulary)
            assert choose_names(options, trained_names(file)).names == ("vuvuzela", "violin")
    assert not caplog.records

    choose_names(AnnotateOptions(classes=("vuvuzela",)), ())
    assert "judged by its name alone" in caplog.text


def test_a_file_of_names_replaces_them_and_one_word_looks_for_them_alone(file, tmp_path):
    own = tmp_path / "own.txt"
    own.write_text("violin\n", encoding="utf-8")

    assert choose_names(AnnotateOptions(vocabulary=own), TAUGHT).names == ("violin",)
    assert choose_names(AnnotateOptions(vocabulary=TRAINED), TAUGHT).names == ("vuvuzela", "cello", "puppy")
    with pytest.raises(ManifestError, match="trained on no class"):
        choose_names(AnnotateOptions(vocabulary=TRAINED), ())


def test_the_command_shows_what_a_model_looks_for(file):
    shown = CliRunner().invoke(app, ["vocabulary", "--model", str(file), "--json"]).stdout
    classes = {one["name"]: one["trained"] for one in map(json.loads, shown.splitlines())}
    only = CliRunner().invoke(app, ["vocabulary", "--model", str(file), "--vocabulary", "trained"]).stdout

    assert len(classes) == len(DEFAULT) + 2
    assert {name for name, trained in classes.items() if trained} == {"vuvuzela", "puppy", "cello"}
    assert "(trained)" in only and "vuvuzela" in only and "violin" not in only


def test_a_model_that_is_not_there_has_no_vocabulary():
    found = subprocess.run(
        [sys.executable, "-m", "tvsl_cli", "vocabulary", "--model", "gone.safetensors"],
        capture_output=True,
        check=False,
    )

    assert found.returncode != 0
    assert b"No model 'gone.safetensors'" in found.stderr


def test_a_model_without_heads_says_that_its_scores_are_not_calibrated(tmp_path):
    clip, out = str(make_clip(tmp_path / "clip.mp4", seconds=1)), str(tmp_path / "out")
    said = {
        name: CliRunner().invoke(app, ["annotate", clip, "--out", out, "--model", name, "--dry-run"]).stderr
        for name in ("compact", "compact-untrained")
    }

    assert "are not calibrated" in said["compact-untrained"]
    assert "calibrated" not in said["compact"]
