from __future__ import annotations

import dataclasses

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.model.heads.test_heads import DIM, make_heads, unit
from tvsl_core.errors import WeightsError
from tvsl_core.model.heads_file import HeadsInfo, check_towers, dump_heads, is_heads_file, load_heads

INFO = HeadsInfo(
    towers="compact",
    towers_sha256="ab" * 32,
    classes=("dog", "violin"),
    text=unit(2, DIM),
    trained_on="composed",
    details={"steps": 7},
    calibration={"threshold": 0.4},
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my.safetensors"
    path.write_bytes(dump_heads(make_heads(project=True), INFO))
    return path


def rewrite(path, change):
    """Save the tensors of a file again, changed, under its own metadata."""
    from tvsl_core.model.weights.safe_load import read_metadata

    tensors, about = dict(load_file(path)), read_metadata(path)
    change(tensors, about)
    save_file(tensors, path, metadata=about)
    return path


def test_heads_come_back_as_they_were(file):
    heads, info = load_heads(file)
    before = make_heads(project=True)

    assert heads.options == before.options
    assert all(torch.equal(value, before.state_dict()[name]) for name, value in heads.state_dict().items())
    assert not heads.training and not any(parameter.requires_grad for parameter in heads.parameters())
    assert torch.equal(info.text, INFO.text)
    assert dataclasses.replace(info, text=INFO.text) == INFO
    features = torch.rand(1, 3, 24)
    assert torch.equal(heads.see(features), before.see(features))


def test_the_same_heads_give_the_same_bytes(file):
    assert dump_heads(make_heads(project=True), INFO) == file.read_bytes()
    there, back = ({"steps": 7, "seed": 1}, {"seed": 1, "steps": 7})
    assert dump_heads(make_heads(), dataclasses.replace(INFO, details=there)) == dump_heads(
        make_heads(), dataclasses.replace(INFO, details=back)
    )


def test_a_file_of_heads_is_told_from_any_other(file, tmp_path):
    other = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, other)
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"nothing")

    assert [is_heads_file(path) for path in (file, other, noise, tmp_path / "none")] == [True, False, False, False]


def test_a_cut_off_file_is_refused(file):
    file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(WeightsError, match="damaged or cut off"):
        load_heads(file)


def test_a_missing_tensor_is_named(file):
    rewrite(file, lambda tensors, _: tensors.pop("heads.key.gate"))

    with pytest.raises(WeightsError, match=r"1 tensors are missing \(key.gate\)"):
        load_heads(file)


def test_tensors_that_are_not_finite_are_refused(file):
    rewrite(file, lambda tensors, _: tensors["heads.background"].fill_(float("nan")))

    with pytest.raises(WeightsError, match="background holds NaN"):
        load_heads(file)


def test_vectors_that_do_not_fit_the_names_are_refused(file):
    rewrite(file, lambda tensors, _: tensors.update(text=torch.zeros(3, DIM)))

    with pytest.raises(WeightsError, match=r"text is \[3, 16\] instead of \[2, 16\]"):
        load_heads(file)


def test_other_safetensors_are_refused_with_what_makes_such_a_file(tmp_path):
    other = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, other)

    with pytest.raises(WeightsError, match=r"its metadata is missing\. Make such a file with 'tvsl models export"):
        load_heads(other)


def test_heads_of_another_version_are_refused(file):
    rewrite(file, lambda _, about: about.update(tvsl=about["tvsl"].replace('"version": 1', '"version": 9')))

    with pytest.raises(WeightsError, match="'tvsl-heads' version 9; this tvsl reads 'tvsl-heads' version 1"):
        load_heads(file)


def test_heads_belong_to_the_towers_that_they_were_trained_on(tmp_path):
    check_towers(INFO, towers="compact", sha256="ab" * 32, path=tmp_path)

    with pytest.raises(WeightsError, match="heads for the compact towers, not for audioclip"):
        check_towers(INFO, towers="audioclip", sha256="ab" * 32, path=tmp_path)
    with pytest.raises(WeightsError, match="other compact weights \\(sha256 abababababab, here cdcdcdcdcdcd\\)"):
        check_towers(INFO, towers="compact", sha256="cd" * 32, path=tmp_path)


@pytest.mark.parametrize("lean", [False, True])
def test_a_scorer_travels_with_its_heads_and_leaves_them_as_they_are(lean):
    from tvsl_core.model.heads_file import parse_heads
    from tvsl_core.model.scorer import EventScorer, ScorerLayout, restore_scorer, store_scorer

    layout = ScorerLayout(position_features=("a", "b"), event_features=("c",))
    scorer = EventScorer(layout)
    stored = store_scorer(scorer, {"scenes": 3})
    heads = make_heads(project=True)
    content = dump_heads(heads, dataclasses.replace(INFO, scorer=stored), half=True, lean=lean)
    back, info = parse_heads(content, source="memory")
    found, details = restore_scorer(*info.scorer, layout=layout, where="memory")

    assert all(torch.equal(value, scorer.state_dict()[name]) for name, value in found.state_dict().items())
    assert details == {"scenes": 3} and set(back.state_dict()) == set(heads.state_dict())
    assert parse_heads(dump_heads(heads, INFO), source="memory")[1].scorer is None
