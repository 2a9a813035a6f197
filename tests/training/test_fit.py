from __future__ import annotations

import dataclasses
import json
import math

import pytest
import torch
from safetensors.torch import load_file

from tests.training.tiny import CLASSES, TinyTowers, digest, make_run, newest
from tvsl_core.errors import InputError, OutputError, TrainingError
from tvsl_core.model.heads_file import load_heads
from tvsl_core.training import fit as fitting
from tvsl_core.training.options import LossWeights, TrainOptions
from tvsl_core.training.record.log import read_metrics, read_run
from tvsl_core.training.run import ExportRequest, export_heads, train

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def losses_of(out, kind="train", key="loss"):
    return [line[key] for line in read_metrics(out) if line["kind"] == kind]


def test_heads_learn_what_sounds_and_where(tmp_path):
    train(make_run(tmp_path, epochs=25, patience=0), device=CPU)
    last = [line for line in read_metrics(tmp_path) if line["kind"] == "validation"][-1]

    assert losses_of(tmp_path)[-1] < 0.3 * losses_of(tmp_path)[0]
    assert last["heard"] > 0.9 and last["exact"] > 0.8 and last["placed"] > 0.9


def test_pictures_without_masks_still_teach_where_a_class_is(tmp_path):
    from tests.training.tiny import TinyScenes

    train(make_run(tmp_path, epochs=25, patience=0, train=TinyScenes(marked=False)), device=CPU)

    assert losses_of(tmp_path, "validation", "placed")[-1] > 0.7


def test_a_run_leaves_everything_in_one_folder(tmp_path):
    run = make_run(tmp_path / "new" / "run")
    done = train(run, device=CPU)
    facts = read_run(run.out)

    assert done.steps == done.counts.step == 12
    assert sorted(path.name for path in run.out.iterdir()) == [
        "checkpoints", "classes.csv", "curves.html", "curves.png", "heads.safetensors", "metrics.jsonl", "run.json",
    ]  # fmt: skip
    assert facts["status"] == "done" and facts["classes"] == list(CLASSES) and facts["steps"] == 12
    assert {"torch", "tvsl"} <= facts["versions"].keys()
    heads, info = load_heads(done.heads)
    assert (info.towers, info.towers_sha256, info.classes) == ("tiny", "tiny0", CLASSES)
    assert all(bool(torch.isfinite(value).all()) for value in heads.state_dict().values())


def test_the_best_weights_are_kept_not_the_last(tmp_path):
    """A learning rate that explodes in the end makes the last weights the worst."""
    run = make_run(tmp_path, epochs=6, patience=0, learning_rate=0.3, warmup=1.0, ema=0.0, clip_norm=1e9)
    done = train(run, device=CPU)
    looks = losses_of(tmp_path, "validation")

    assert done.counts.best == pytest.approx(min(looks))
    assert load_heads(done.heads)[1].details["step"] == done.counts.best_step


def test_a_run_stops_when_validation_no_longer_gains(tmp_path):
    run = make_run(tmp_path, epochs=200, patience=2, learning_rate=0.2, warmup=0.0)
    done = train(run, device=CPU)
    looks = losses_of(tmp_path, "validation")

    assert done.counts.step < done.steps
    assert min(looks[:-2]) <= min(looks[-2:])
    assert newest(tmp_path).stem == f"step-{done.counts.step:08d}"
    again = train(run, device=CPU)
    assert again.counts.step == done.counts.step, "a run that stopped early is done"


@pytest.mark.parametrize("at", [1, 7])
def test_an_interrupted_run_ends_with_the_same_weights(tmp_path, at):
    whole, parts = make_run(tmp_path / "whole"), make_run(tmp_path / "parts")
    train(whole, device=CPU)

    def interrupt(event):
        if getattr(event, "kind", "") == "step" and event.step == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(parts, device=CPU, tell=interrupt)
    assert read_run(parts.out)["status"] == "failed"
    train(parts, device=CPU)

    assert digest(newest(parts.out)) == digest(newest(whole.out))
    assert digest(parts.out / "heads.safetensors") == digest(whole.out / "heads.safetensors")
    assert read_metrics(parts.out) == read_metrics(whole.out)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        train(make_run(tmp_path / name, seed=seed, epochs=1), device=CPU)

    assert digest(newest(tmp_path / "one")) == digest(newest(tmp_path / "same"))
    assert digest(newest(tmp_path / "one")) != digest(newest(tmp_path / "other"))


def test_training_leaves_the_chance_of_the_program_as_it_was(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(make_run(tmp_path, epochs=1), device=CPU)

    assert torch.equal(torch.rand(3), expected)


def test_a_loss_that_is_no_number_ends_the_run_and_loses_nothing(tmp_path):
    class Poisoned(TinyTowers):
        def image_features(self, images):
            features, grid = super().image_features(images)
            return (features if self.pictures_seen < 120 else features * float("nan")), grid

    run = make_run(tmp_path, towers=Poisoned(), validation=0)

    message = r"at step \d+ the loss .* is no number any more. The last checkpoint before it is .*step-0000"
    with pytest.raises(TrainingError, match=message) as caught:
        train(run, device=CPU)
    assert "lower learning rate than 0.01" in str(caught.value)
    assert all(bool(torch.isfinite(value).all()) for value in load_file(newest(tmp_path)).values())
    assert read_run(tmp_path)["status"] == "failed"
    assert "no number" in read_run(tmp_path)["error"]


def test_memory_that_runs_out_says_what_to_lower(tmp_path):
    class Huge(TinyTowers):
        def embed_names(self, names):
            return super().embed_names(names)

        def image_features(self, images):
            features, grid = super().image_features(images)
            if self.pictures_seen > 60:
                torch.empty(1 << 60)  # more than any machine has
            return features, grid

    with pytest.raises(TrainingError, match=r"memory ran out on cpu with 8 scenes a step. Lower --batch, .* to 4"):
        train(make_run(tmp_path, towers=Huge(), validation=0), device=CPU)


def test_other_settings_do_not_continue_a_run(tmp_path):
    train(make_run(tmp_path, epochs=1), device=CPU)

    with pytest.raises(TrainingError, match="holds a run with other settings"):
        train(make_run(tmp_path, epochs=1, learning_rate=5e-3), device=CPU)
    with pytest.raises(TrainingError, match="holds a run with other settings"):
        train(make_run(tmp_path, epochs=1, towers=TinyTowers(seed=3)), device=CPU)


def test_how_often_checkpoints_are_written_does_not_matter(tmp_path):
    train(make_run(tmp_path / "often", checkpoint_steps=1, keep_checkpoints=1), device=CPU)
    train(make_run(tmp_path / "seldom", checkpoint_steps=100), device=CPU)

    assert digest(newest(tmp_path / "often")) == digest(newest(tmp_path / "seldom"))
    assert len(list((tmp_path / "often/checkpoints").iterdir())) == 1


def test_a_run_can_begin_with_the_heads_of_another(tmp_path):
    first = train(make_run(tmp_path / "first", epochs=20, patience=0), device=CPU)
    second = make_run(tmp_path / "second", epochs=1, learning_rate=1e-6)
    train(dataclasses.replace(second, init=first.heads), device=CPU)

    assert losses_of(tmp_path / "second")[0] < 0.6 * losses_of(tmp_path / "first")[0]


def test_without_a_validation_split_the_newest_weights_are_kept(tmp_path):
    done = train(make_run(tmp_path, validation=0, ema=0.0), device=CPU)
    kept, state = load_file(done.heads), load_file(newest(tmp_path))

    assert torch.equal(kept["heads.key.gate"], state["heads.key.gate"])


def test_the_average_follows_the_weights_slowly(tmp_path):
    train(make_run(tmp_path, ema=0.9, validation=0), device=CPU)
    state = load_file(newest(tmp_path))

    assert not torch.equal(state["average.key.gate"], state["heads.key.gate"])
    assert torch.allclose(state["average.key.gate"], state["heads.key.gate"], atol=0.1)


def test_a_loss_without_weight_is_not_computed(tmp_path):
    train(make_run(tmp_path, epochs=1, losses=LossWeights(see=0, correspond=0)), device=CPU)
    line = read_metrics(tmp_path)[0]

    assert {"hear", "detect"} <= line.keys() and not {"see", "correspond"} & line.keys()


def test_distilling_keeps_the_untrained_mapping_of_other_names(tmp_path):
    losses = LossWeights(distill_image=1.0, distill_sound=1.0)
    run = make_run(tmp_path, epochs=10, patience=0, losses=losses)
    train(dataclasses.replace(run, outside=("siren", "cat")), device=CPU)

    for name in ("distill_image", "distill_sound"):
        assert losses_of(tmp_path, key=name)[-1] < losses_of(tmp_path, key=name)[0]
    with pytest.raises(InputError, match="none is given"):
        train(make_run(tmp_path / "none", losses=losses), device=CPU)


def test_the_gradient_is_shortened(tmp_path):
    """Adam undoes any common factor, so only the log shows the length before; a tiny limit makes epsilon bite."""
    train(make_run(tmp_path / "free", epochs=1, clip_norm=1e9), device=CPU)
    train(make_run(tmp_path / "held", epochs=1, clip_norm=1e-9), device=CPU)
    free, held = (load_file(newest(tmp_path / name))["heads.key.gate"] for name in ("free", "held"))

    assert losses_of(tmp_path / "free", key="gradient")[0] > 0.1
    assert abs(float(held) - 0.9) < abs(float(free) - 0.9)


def test_the_learning_rate_rises_then_falls_to_nothing():
    options = TrainOptions(learning_rate=1.0, warmup=0.1)
    rates = [fitting.learning_rate(step, 100, options) for step in range(100)]

    assert rates[0] == pytest.approx(0.1) and rates[9] == pytest.approx(1.0)
    assert rates == sorted(rates[:10]) + sorted(rates[10:], reverse=True)
    assert rates[55] == pytest.approx(0.5, abs=0.01) and rates[-1] < 0.001


def test_max_steps_ends_a_run(tmp_path):
    done = train(make_run(tmp_path, max_steps=5), device=CPU)

    assert done.counts.step == done.steps == 5


def test_bfloat16_is_for_perceptrons_and_hardly_changes_a_loss(tmp_path):
    train(make_run(tmp_path / "exact", epochs=1), device=CPU)
    train(make_run(tmp_path / "fast", epochs=1, amp="on"), device=CPU)
    exact, fast = losses_of(tmp_path / "exact")[0], losses_of(tmp_path / "fast")[0]

    assert exact != fast and math.isclose(exact, fast, rel_tol=0.01)
    assert {value.dtype for value in load_file(newest(tmp_path / "fast")).values()} == {torch.float32}


def test_a_full_disk_ends_the_run_with_its_last_checkpoint_whole(tmp_path):
    """A file that outgrows a limit of the system is refused as on a full disk."""
    import resource

    run = make_run(tmp_path, checkpoint_steps=2, keep_checkpoints=5)
    size = []

    def limit(event):
        if getattr(event, "kind", "") == "checkpoint" and event.step == 4:
            size.append(newest(tmp_path).stat().st_size)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size[0] // 2, before[1]))

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(OutputError, match=r"Cannot write .*checkpoints/step-00000006"):
            train(run, device=CPU, tell=limit)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert newest(tmp_path).name == "step-00000004.safetensors"
    assert newest(tmp_path).stat().st_size == size[0]
    assert not list((tmp_path / "checkpoints").glob(".tvsl-*"))
    assert train(run, device=CPU).counts.step == 12


def test_a_damaged_newest_checkpoint_gives_way_to_the_one_before(tmp_path):
    run = make_run(tmp_path, keep_checkpoints=3)
    train(run, device=CPU)
    expected = digest(newest(tmp_path))
    newest(tmp_path).write_bytes(newest(tmp_path).read_bytes()[:-50])
    train(run, device=CPU)

    assert digest(newest(tmp_path)) == expected


def test_the_log_is_one_json_object_a_line(tmp_path):
    train(make_run(tmp_path, epochs=1), device=CPU)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]

    assert {line["kind"] for line in lines} == {"train", "validation"}
    assert all({"step", "loss"} <= line.keys() for line in lines)


def test_export_hands_out_the_best_weights(tmp_path):
    done = train(make_run(tmp_path / "run"), device=CPU)
    info = export_heads(ExportRequest(run=tmp_path / "run", out=tmp_path / "my.safetensors"))

    assert info.classes == CLASSES
    kept, (shared, _) = load_file(done.heads), load_heads(tmp_path / "my.safetensors")
    assert all(torch.allclose(value, kept[f"heads.{name}"], atol=1e-3) for name, value in shared.state_dict().items())
    assert (tmp_path / "my.safetensors").stat().st_size < 0.8 * done.heads.stat().st_size
    export_heads(ExportRequest(run=tmp_path / "run", out=tmp_path / "full.safetensors", half=False))
    assert (tmp_path / "full.safetensors").read_bytes() == done.heads.read_bytes()
    with pytest.raises(TrainingError, match="is not the folder of a training run"):
        export_heads(ExportRequest(run=tmp_path, out=tmp_path / "none.safetensors"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0.0"),
        ({"warmup": 1.5}, r"warmup must lie in \[0, 1\], got 1.5"),
        ({"ema": 1.0}, r"ema must lie in \[0, 1\), got 1.0"),
        ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
        ({"amp": "maybe"}, "amp must be auto, on or off, got 'maybe'"),
        ({"losses": {"see": -1.0}}, "loss weight see must not be negative, got -1.0"),
    ],
)
def test_impossible_options_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        if "losses" in change:
            LossWeights(**change["losses"])
        TrainOptions(**change)
