from pathlib import Path

import pytest
import torch

from tvsl_core.errors import WeightsError
from tvsl_core.model.scorer import EventScorer, ScorerLayout, load_scorer, save_scorer

LAYOUT = ScorerLayout(position_features=("a", "b", "c"), event_features=("d", "e"))


def fitted(seed: int = 0) -> EventScorer:
    torch.manual_seed(seed)
    scorer = EventScorer(LAYOUT).eval()
    scorer.positions.standardise(torch.randn(50, 3) * 4 + 2)
    scorer.temperature.copy_(torch.tensor([2.0, 0.5]))
    return scorer


def test_a_scorer_comes_back_as_it_was_written(tmp_path: Path):
    before, path = fitted(), tmp_path / "scorer.safetensors"
    save_scorer(before, path, details={"reliability": [[0.1, 0.2]]})
    after, details = load_scorer(path, layout=LAYOUT)
    positions, events = torch.randn(7, 5, 3), torch.randn(4, 2)

    torch.testing.assert_close(after.sounding(positions), before.sounding(positions), rtol=0, atol=0)
    for one, other in zip(after.judge(events), before.judge(events), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert details == {"reliability": [[0.1, 0.2]]}


def test_a_scorer_of_other_features_is_refused(tmp_path: Path):
    path = tmp_path / "scorer.safetensors"
    save_scorer(fitted(), path, details={})

    with pytest.raises(WeightsError, match="other features"):
        load_scorer(path, layout=ScorerLayout(position_features=("b", "a", "c"), event_features=("d", "e")))


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"not tensors")

    with pytest.raises(WeightsError, match="holds no scorer"):
        load_scorer(tmp_path / "other.safetensors", layout=LAYOUT)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_scorer(tmp_path / "broken.safetensors", layout=LAYOUT)


def test_a_higher_temperature_is_less_sure():
    scorer, events = fitted(), torch.randn(20, 2)
    sure = (scorer.judge(events)[0] - 0.5).abs()
    scorer.temperature *= 3

    assert ((scorer.judge(events)[0] - 0.5).abs() < sure).all()


def test_unheard_of_values_say_no_more_than_extreme_ones():
    network = fitted().positions

    torch.testing.assert_close(network(torch.full((1, 3), 1e3)), network(torch.full((1, 3), 1e5)))
