"""Requests check themselves, and command line and library ask the same."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tests.material import make_material
from tvsl_cli.__main__ import main
from tvsl_core import (
    CalibrateRequest,
    EmbedRequest,
    EvaluateRequest,
    InputError,
    LossWeights,
    MergeRequest,
    MixtureOptions,
    ScoreRequest,
    SourceOptions,
    TrainOptions,
    TrainRequest,
    WeightsError,
    calibrate,
    embed,
    evaluate,
    train,
)


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TVSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TVSL_DATA", raising=False)


def maps(names=("one", "two", "three")):
    """A list of one's own, and somebody's maps for it."""
    Path("list.csv").write_text(
        "id,class,x_min,y_min,x_max,y_max\n" + "\n".join(f"{name},dog,0.1,0.2,0.5,0.8" for name in names)
    )
    Path("maps").mkdir()
    for name in names:
        np.savez(f"maps/{name}.npz", maps=np.eye(8, dtype=np.float32)[None], classes=["dog"])
    return EvaluateRequest(benchmark="custom", annotations="list.csv", predictions="maps")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EvaluateRequest(benchmark="custom", limit=0), "limit must be at least 1"),
        (lambda: EvaluateRequest(benchmark="custom", sources=(0,)), "sources counts from 1"),
        (lambda: EvaluateRequest(benchmark="custom", split="heard"), "a split needs heard"),
        (lambda: EvaluateRequest(benchmark="custom", heard="names.txt"), "also choose the split"),
        (lambda: EmbedRequest(videos="a.mp4", out="x", precision="fp8"), "precision must be auto, fp32 or bf16"),
        (lambda: MergeRequest(folders=[], out="x"), "at least one"),
        (lambda: MergeRequest(folders="results", out="x"), "folders are several"),
        (lambda: MergeRequest(folders=["results"], out="x", rows_a_group=3, rows_a_file=4), "must be a multiple"),
        (lambda: ScoreRequest(material="x", each=0), "each must be at least 1"),
        (lambda: CalibrateRequest(heads="x", material="x", out="x", each=0), "each must be at least 1"),
        (lambda: TrainRequest(sources=SourceOptions(dataset="x"), out="x", workers=-1), "workers must not be negative"),
        (lambda: TrainRequest(sources=SourceOptions(dataset="x"), out="x", cache_epochs=0), "cache-epochs must be"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_library_scores_what_the_command_prints(capsys):
    request = maps()
    told = []
    result = evaluate(request, progress=lambda *what: told.append(what))
    result.write_json("ours.json", command=("evaluate",))
    command = ["evaluate", "--benchmark", "custom", "--annotations", "list.csv", "--predictions", "maps"]
    assert main([*command, "--json", "theirs.json"]) == 0
    ours, theirs = (json.loads(Path(name).read_text()) for name in ("ours.json", "theirs.json"))

    assert ours.pop("command") == ["evaluate"] and theirs.pop("command")
    assert ours == theirs
    assert told == [("custom", 1, 3), ("custom", 2, 3), ("custom", 3, 3)]
    assert result.complete and result.warnings == ()


def test_samples_that_were_trained_on_are_told_by_both(capsys):
    request = maps()
    Path("trained.txt").write_text("two\n")
    warning = "1 of 3 test samples of custom hold clips that 'trained.txt' trains on, such as two."

    assert evaluate(dataclasses.replace(request, training_list="trained.txt")).warnings == (warning,)
    command = ["evaluate", "--benchmark", "custom", "--annotations", "list.csv", "--predictions", "maps"]
    assert main([*command, "--training-list", "trained.txt"]) == 0
    assert f"Warning: {warning}" in " ".join(capsys.readouterr().err.split())


def test_what_keeps_an_evaluation_from_being_complete_is_told_apart():
    request = maps()
    Path("maps/two.npz").unlink()
    missing = evaluate(request)
    assert (missing.complete, missing.only_missing) == (False, True)

    np.savez("maps/two.npz", maps=np.full((1, 2, 2), np.nan), classes=["dog"])
    refused = evaluate(request)
    assert (refused.complete, refused.only_missing) == (False, False)


def test_a_composed_benchmark_asks_the_library_for_the_sample_videos():
    with pytest.raises(InputError, match="composed of the sample videos"):
        evaluate(EvaluateRequest(benchmark="composed-duet"))


def training(**changes):
    return TrainRequest(
        sources=SourceOptions(
            dataset=str(make_material(Path("material").absolute())),
            classes=("dog", "bell"),
            scenes=8,
            validation_sources=("src1",),
            mixtures=MixtureOptions(sizes=((96, 64),), seconds=1.0),
        ),
        options=TrainOptions(
            batch=4, max_steps=2, amp="off", ema=0.5, losses=LossWeights(see=0.5), heads={"hidden": 8}
        ),
        out=Path("mine").absolute(),
        workers=0,
        cache=Path("features").absolute(),
        **changes,
    )


def test_a_run_begun_from_python_goes_on_with_the_command(monkeypatch, capsys):
    """Whatever the request says stands in run.json, and is understood there."""
    request = training(use_cache=False, outside=("violin",), init=Path("other.safetensors").absolute(), device="cpu")
    Path("mine").mkdir()
    Path("mine/run.json").write_text(json.dumps({"request": request.settings()}))
    asked = []
    monkeypatch.setattr("tvsl_cli.train.run.run", lambda request, **_: asked.append(request))
    assert main(["train", "--resume", "mine"]) == 0

    found = dataclasses.replace(asked[0], command=(), out=asked[0].out.absolute())
    assert dataclasses.replace(found, cache=Path(found.cache)) == request


def test_the_same_request_goes_on_where_a_run_stopped(capsys):
    request = training()
    told = []
    first = train(request, on_event=told.append)
    again = train(request, progress=True)

    assert {type(event).__name__ for event in told} == {"CacheProgress", "Event"}
    assert first.counts.step == again.counts.step == 2
    assert first.heads == again.heads and again.heads.is_file()
    assert json.loads(Path("mine/run.json").read_text())["continued_from"] != []


def test_heads_that_cannot_be_read_are_not_calibrated_and_leave_no_file():
    with pytest.raises(WeightsError, match="cannot be read"):
        calibrate(CalibrateRequest(heads="none", material=make_material(Path("material")), out="out.safetensors"))

    assert not Path("out.safetensors").exists()


def test_a_video_that_cannot_be_embedded_does_not_stop_the_others(capsys):
    Path("bad.mp4").write_text("no video")
    told, counted = [], []
    request = EmbedRequest(videos=["bad.mp4", "gone.mp4"], out="index", texts=("a dog",), device="cpu")
    result = embed(request, progress=lambda *what: counted.append(what), on_event=told.append)

    assert result.failed == 2 and [video.status for video in result.videos] == ["failed", "failed"]
    assert result.texts.table.is_file() and told == [result.texts, *result.videos]
    assert counted == [("videos", 1, 2), ("videos", 2, 2)]
    assert capsys.readouterr() == ("", "")
