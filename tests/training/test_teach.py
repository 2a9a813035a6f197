"""Heads that are taught new classes go on knowing the old ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.tiny import CLASSES, TinyScenes, TinyTowers, make_run
from tvsl_core.model.heads_file import FOR_TRAINING, load_heads
from tvsl_core.model.memory import Memory, dump_memory, load_memory
from tvsl_core.system.files import write_bytes
from tvsl_core.training.batch import assemble
from tvsl_core.training.features.live import LiveFeatures, sample_features
from tvsl_core.training.options import LossWeights, TrainOptions
from tvsl_core.training.run import train

OLD, NEW = CLASSES[:2], CLASSES[2:]
TEACHING = make_run("unused", epochs=30, patience=0).options
CPU = torch.device("cpu")


class SomeScenes(TinyScenes):
    """Scenes of some of the classes."""

    def __init__(self, count: int, classes: tuple[str, ...], **given) -> None:
        super().__init__(count, **given)
        self.classes = classes

    def fingerprint(self):
        return f"{super().fingerprint()} {self.classes}"

    def _plan(self, index, epoch):
        rng, _ = super()._plan(index, epoch)
        return rng, [CLASSES.index(self.classes[index % len(self.classes)])]


def run_on(out: Path, classes, **given):
    run = make_run(out, train=SomeScenes(24, classes), epochs=30, patience=0)
    return replace(run, validation=SomeScenes(8, classes, seed=9), **given)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """Heads that know two classes, what they learned from, and both ways to teach them two more."""
    folder = tmp_path_factory.mktemp("taught")
    first = run_on(folder / "old", OLD)
    train(first, device=CPU)
    memory = sample_features(LiveFeatures(first.train, first.towers))
    write_bytes(folder / "memory.safetensors", dump_memory(memory, towers_sha256=first.towers.weights_sha256))
    init = folder / "old" / "heads.safetensors"
    for name, remembered in (("with", folder / "memory.safetensors"), ("without", None)):
        options = replace(TEACHING, init_share=0.0)
        train(replace(run_on(folder / name, NEW, init=init, memory=remembered), options=options), device=CPU)
    return folder


@pytest.mark.slow
def test_what_is_kept_lies_between_the_old_heads_and_the_new(taught, tmp_path):
    init = taught / "old" / "heads.safetensors"
    train(replace(run_on(tmp_path, NEW, init=init), options=TEACHING), device=CPU)
    folders = (taught / "old", taught / "without", tmp_path)
    old, learned, kept = (load_heads(folder / "heads.safetensors")[0].background for folder in folders)

    torch.testing.assert_close(kept, (old + learned) / 2)


def test_what_was_known_stays_as_it_was_bit_for_bit(taught, tmp_path):
    init = taught / "old" / "heads.safetensors"
    known, before = load_heads(init)
    heads, info = load_heads(taught / "with" / "heads.safetensors")

    assert info.earlier is not None and info.earlier.known == len(OLD)
    kept = info.earlier.heads.state_dict()
    assert all(torch.equal(kept[name], known.state_dict()[name]) for name in kept if not name.startswith(FOR_TRAINING))
    assert torch.equal(info.text[: len(OLD)], before.text)
    assert not torch.equal(heads.background, known.background)


def test_what_is_taught_twice_keeps_what_was_known_first(taught, tmp_path):
    init = taught / "with" / "heads.safetensors"
    run = run_on(tmp_path, OLD[:1], init=init)
    train(replace(run, options=replace(TEACHING, epochs=1)), device=CPU)
    (_, once), (_, twice) = load_heads(init), load_heads(tmp_path / "heads.safetensors")

    assert once.earlier is not None and twice.earlier is not None
    assert twice.earlier.known == len(OLD) and twice.classes == once.classes
    assert torch.equal(twice.earlier.heads.background, once.earlier.heads.background)


def share_heard(path: Path, classes) -> float:
    """Share of scenes whose class is the strongest in their sound, among all that the heads know."""
    heads, info = load_heads(path)
    live = LiveFeatures(SomeScenes(24, classes, seed=5), TinyTowers(), classes=info.classes)
    batch = assemble(live, live.usable, 0, TrainOptions(), augment=False)
    strongest = heads.sound_logits(heads.hear(batch.sound), info.text).amax(dim=1).argmax(dim=1)
    return float((strongest == batch.sounding.argmax(dim=1)).float().mean())


def test_new_classes_stand_behind_those_that_the_heads_know(taught):
    _, info = load_heads(taught / "with" / "heads.safetensors")

    assert info.classes == (*OLD, *NEW)
    assert set(info.details["sounds"]) == set(info.details["looks"]) == set(CLASSES)


def test_what_is_replayed_is_not_forgotten(taught):
    before = share_heard(taught / "old" / "heads.safetensors", OLD)
    with_replay, without = (taught / name / "heads.safetensors" for name in ("with", "without"))

    assert before > 0.9 and share_heard(with_replay, NEW) > 0.9
    assert share_heard(with_replay, OLD) > before - 0.1
    assert share_heard(without, OLD) < before - 0.3


def test_more_of_the_same_classes_adds_none(taught, tmp_path):
    run = run_on(tmp_path, OLD, init=taught / "old" / "heads.safetensors")

    assert run.classes == OLD and not run.extended


def test_features_are_for_the_towers_that_made_them(taught, tmp_path):
    path = taught / "memory.safetensors"
    sha256 = TinyTowers().weights_sha256
    memory = load_memory(path, towers_sha256=sha256)

    assert isinstance(memory, Memory) and memory.image.shape[1:] == (12,) and memory.sound.shape[1:] == (10,)
    assert load_memory(path, towers_sha256="other") is None


def test_a_run_that_begins_anew_replays_nothing(tmp_path):
    from tvsl_core.training.distributed import Group
    from tvsl_core.training.prepare import make_objective

    run = run_on(tmp_path, OLD)
    objective = make_objective(run, run.towers.embed_names(OLD), Group())

    assert LossWeights().active().keys() - objective.weights.keys() == {"replay_image", "replay_sound"}


def test_a_place_that_is_marked_nowhere_has_no_score(tmp_path):
    from tvsl_core.training.record.log import read_metrics

    for name, marked in (("marked", True), ("unmarked", False)):
        run = make_run(tmp_path / name, epochs=1)
        train(replace(run, validation=TinyScenes(8, seed=9, marked=marked)), device=CPU)
        (look,) = (line for line in read_metrics(tmp_path / name) if line["kind"] == "validation")

        assert "heard" in look and ("placed" in look) == marked
