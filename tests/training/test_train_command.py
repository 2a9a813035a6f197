"""``tvsl train`` as a user calls it, on a small folder of material and the shipped towers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from tests.material import make_material
from tvsl_cli.__main__ import main
from tvsl_core.model.heads_file import load_heads

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[train]
batch = 4
epochs = 2
scenes = 8
workers = 0
amp = "off"

[train.mixtures]
sizes = [[96, 64]]
seconds = 1.0

[train.heads]
hidden = 8

[train.losses]
detect = 0.5
"""


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    return make_material(tmp_path_factory.mktemp("material"))


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """Its own folder, cache and data root, and one thread."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TVSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TVSL_DATA", raising=False)
    (tmp_path / "run.toml").write_text(CONFIG)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_train_then_go_on_then_export(material, tmp_path, capsys):
    arguments = ["train", "--dataset", str(material), "--config", "run.toml", "--out", "mine"]
    assert main([*arguments, "--dry-run"]) == 0
    announced = capsys.readouterr().out
    assert re.search(r"cache\t0\.\d+ GB in .*cache/features, 2 epochs of mixtures, built in", announced)
    assert "mixtures\t2 epochs of fresh pairs, none repeats" in announced
    assert re.search(r"steps\t4 of 4 scenes, 2 an epoch", announced)
    assert not (tmp_path / "mine").exists() and not (tmp_path / "cache").exists()

    assert main([*arguments, "--max-steps", "3"]) == 0
    assert capsys.readouterr().out.strip() == str(Path("mine/heads.safetensors"))
    facts = json.loads(Path("mine/run.json").read_text())
    assert facts["status"] == "done" and facts["steps"] == 3
    assert facts["options"]["losses"]["detect"] == 0.5 and facts["options"]["heads"] == {"hidden": 8}
    assert len(facts["held_out"]) >= 1

    assert main(["train", "--resume", "mine"]) == 0
    said = capsys.readouterr().err
    assert "there already" in said and "step 1" not in said
    assert main(["models", "export", "mine", "--out", "my.safetensors"]) == 0
    _, info = load_heads(Path("my.safetensors"))
    assert (info.towers, info.classes) == ("compact", ("bell", "dog", "flute"))


def test_a_class_of_the_training_set_must_exist(material, capsys):
    assert main(["train", "--dataset", str(material), "--classes", "dog,zither"]) == 1
    assert "has no class 'zither'. Its classes: bell, dog, flute" in capsys.readouterr().err


def test_without_data_the_answer_says_what_to_fetch(capsys):
    assert main(["train", "--dataset", "vggsound-instruments"]) == 1
    said = capsys.readouterr().err

    for part in ("TVSL_DATA", "vgginstruments_train.txt", "tvsl datasets prepare vggsound-instruments"):
        assert part in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--dataset says what to train on"),
        (["--dataset", "x", "--model", "clip"], "towers, audioclip or compact, got 'clip'"),
        (["--dataset", "x", "--epochs", "0"], "epochs must be at least 1, got 0"),
        (["--dataset", "x", "--validation", "1"], "validation must lie in [0, 1), got 1"),
        (["--resume", "nowhere"], "nowhere is not the folder of a training run"),
    ],
)
def test_wrong_options_end_with_one_sentence(arguments, message, capsys):
    assert main(["train", *arguments]) == 2
    assert message.lower() in capsys.readouterr().err.lower()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nlearningrate = 1.0", "no key 'learningrate'. Did you mean 'learning-rate'?"),
        ("[train.losses]\nsea = 1.0", "losses has no key 'sea'; did you mean 'see'?"),
        ("[train.mixtures]\nlayout = [1.0]", "mixtures has no key 'layout'; did you mean 'layouts'?"),
        ("[train.heads]\ntext_weight = 'max'", "text_weight must be relu, softmax or sign"),
        ("[train.losses]\nsee = -1.0", "loss weight see must not be negative"),
    ],
)
def test_a_mistake_in_the_configuration_names_the_nearest_key(text, message, capsys):
    Path("bad.toml").write_text(text)

    assert main(["train", "--dataset", "x", "--config", "bad.toml"]) == 2
    assert message.lower() in capsys.readouterr().err.lower()


def test_the_settings_of_a_run_cannot_be_changed_when_it_goes_on(material, capsys):
    Path("mine").mkdir()
    Path("mine/run.json").write_text('{"request": {"dataset": "x"}}')

    assert main(["train", "--resume", "mine", "--epochs", "3"]) == 2
    assert "--epochs cannot be changed; use --init" in capsys.readouterr().err


def test_every_configuration_in_the_documents_is_understood():
    from tvsl_cli.shared.config_file import read_config
    from tvsl_cli.train.request import KEYS, fine_keys

    shown = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/training.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    assert {"ema", "checkpoint-steps", "sound-pool", "losses"} <= fine_keys().keys()
    assert not fine_keys().keys() & KEYS.keys()
    for number, text in enumerate(shown):
        Path(f"{number}.toml").write_text(text)
        assert read_config(Path(f"{number}.toml"), section="train", keys=KEYS | fine_keys(), sections=["train"])


@pytest.mark.slow
def test_broken_files_are_left_out_and_named(material, tmp_path, capsys):
    import shutil

    copy = shutil.copytree(material, tmp_path / "copy")
    broken = copy / "sounds/dog/src1__a.wav"
    broken.write_bytes(broken.read_bytes()[:20])
    (copy / "images/bell/src2__a.png").write_bytes(b"no picture")
    arguments = ["train", "--dataset", str(copy), "--config", "run.toml", "--out", "mine", "--max-steps", "1"]

    assert main(arguments) == 0
    said = " ".join(capsys.readouterr().err.split())
    for name in ("src1__a.wav", "src2__a.png"):
        assert re.search(rf"{name} is left out", said), said


def test_a_file_that_breaks_while_training_runs_is_replaced_and_named(material, tmp_path):
    """Found in order at the start, gone when scenes are made."""
    import shutil

    from tvsl_core.data.scenes.options import MixtureOptions
    from tvsl_core.model.load import load_towers
    from tvsl_core.training.options import TrainOptions
    from tvsl_core.training.run import train
    from tvsl_core.training.sources import SourceOptions, load_sources
    from tvsl_core.training.training_run import TrainingRun

    copy = shutil.copytree(material, tmp_path / "copy")
    mixtures = MixtureOptions(sizes=((96, 64),), seconds=1.0)
    found = load_sources(SourceOptions(dataset=str(copy), validation=0, scenes=16, mixtures=mixtures))
    (copy / "images/dog/src0__a.png").unlink()
    (copy / "sounds/flute/src3__a.wav").write_bytes(b"RIFF")
    run = TrainingRun(
        towers=load_towers("compact", device="cpu"),
        train=found.train,
        validation=None,
        out=tmp_path / "run",
        cache=tmp_path / "features",
        options=TrainOptions(batch=8, max_steps=1, heads={"hidden": 8}),
    )
    done = train(run, device=torch.device("cpu"))

    assert {text.split(":")[0].split("/")[-1] for text in done.problems} == {"src0__a.png", "src3__a.wav"}


def test_a_class_of_which_nothing_can_be_read_is_named(material, tmp_path, capsys):
    import shutil

    copy = shutil.copytree(material, tmp_path / "copy")
    for file in (copy / "sounds/dog", copy / "images/dog"):
        for one in file.iterdir():
            one.write_bytes(b"nothing")

    assert main(["train", "--dataset", str(copy), "--config", "run.toml", "--out", "mine"]) == 1
    assert "dog" in capsys.readouterr().err
    assert not Path("mine").exists()


def test_tensorboard_is_written_where_it_is_installed_and_else_named(material, capsys):
    from importlib.util import find_spec

    arguments = [
        "train",
        "--dataset",
        str(material),
        "--config",
        "run.toml",
        "--out",
        "mine",
        "--logger",
        "tensorboard",
    ]
    if find_spec("tensorboard") is None:
        assert main(arguments) == 1
        assert "pip install 'tvsl[tensorboard]'" in capsys.readouterr().err
    else:
        assert main([*arguments, "--max-steps", "1"]) == 0
        assert list(Path("mine/tensorboard").glob("events.*"))
