"""The networks that see people say the same whether OpenVINO or torch runs them."""

from importlib.util import find_spec

import pytest
import torch

from tvsl_core.model.layers import compiled
from tvsl_core.model.people.load import load_people

if find_spec("openvino") is None:
    pytest.skip("this platform has none, and torch runs the networks", allow_module_level=True)


@pytest.mark.parametrize(("role", "side", "atol"), [("detector", 192, 1e-5), ("mesh", 192, 1e-2), ("mask", 256, 1e-4)])
def test_compiled_answers_are_those_of_torch(monkeypatch, role, side, atol):
    network = getattr(load_people(), role)
    noise = torch.rand((2, 3, side, side), generator=torch.Generator().manual_seed(5))
    pictures = torch.nn.functional.avg_pool2d(noise, 9, 1, 4)
    with torch.inference_mode():
        found = network(pictures)
        assert network in compiled._networks
        monkeypatch.setattr(compiled, "_has_openvino", lambda: False)
        expected = network(pictures)

    for one, other in zip(*((value,) if role == "mask" else value for value in (found, expected)), strict=True):
        torch.testing.assert_close(one, other, atol=atol, rtol=0)  # points are pixels
        assert one.std() > 0
