from __future__ import annotations

import os
import subprocess
import sys
import threading
from importlib.util import find_spec

import pytest
import torch
from torch import nn

from tvsl_core.model.compact.efficientnet_lite import SameConv2d
from tvsl_core.model.layers import compiled
from tvsl_core.model.layers.compiled import MOST_SIZES, OFTEN, run

if find_spec("openvino") is None:  # to import it here would tell its maker
    pytest.skip("this platform has none, and torch runs the networks", allow_module_level=True)


class Net(nn.Module):
    """One layer of every kind, two maps of answers."""

    def __init__(self, kernel: int = 3, stride: int = 2) -> None:
        super().__init__()
        self.stem = SameConv2d(3, 16, kernel=kernel, stride=stride)
        self.filter = SameConv2d(16, 16, kernel=kernel, groups=16)
        self.mix = SameConv2d(16, 16)
        self.halves = SameConv2d(16, 8, kernel=kernel, stride=stride, groups=2)
        torch.manual_seed(kernel + stride)
        for weight in self.parameters():
            nn.init.normal_(weight)
        self.requires_grad_(False)

    def maps(self, x):
        stem = self.stem(x, activation="relu6")
        added = self.mix(self.filter(stem, activation="sigmoid"), shortcut=stem)
        return self.halves(added, activation="relu"), added


def answer(net: Net, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return run(net, net.maps, x, clips=2)


def picture(height: int, width: int, *, clips: int = 1) -> torch.Tensor:
    return torch.randn((clips, 3, height, width), generator=torch.Generator().manual_seed(height * width))


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2), (5, 2)])
def test_answers_are_those_of_torch(kernel, stride):
    net = Net(kernel, stride)
    for x in (picture(8, 12), picture(9, 12), picture(7, 15), picture(8, 12, clips=3)):
        for found, expected in zip(answer(net, x), net.maps(x), strict=True):
            assert found.shape == expected.shape
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-5)
    assert net in compiled._networks


def test_a_size_that_comes_often_is_compiled_for_itself_and_answers_the_same():
    net, sizes = Net(), [picture(8, 8 + 2 * more) for more in range(MOST_SIZES + 2)]
    answer(net, sizes[0])
    forms = compiled._networks[net]._compiled
    assert [form.size for form in forms] == [(8, 8, 3)]  # most videos have one size

    once = [answer(net, x)[0].clone() for x in sizes]
    assert [form.size for form in forms] == [(8, 8, 3), None]

    for _ in range(OFTEN):
        again = [answer(net, x)[0] for x in sizes]
    assert len(forms) == MOST_SIZES + 1
    torch.testing.assert_close(again, once, atol=1e-5, rtol=1e-5)


def test_an_answer_stays_when_the_next_one_is_asked_for():
    net = Net()
    kept = answer(net, picture(8, 8))[0]
    before = kept.clone()

    answer(net, picture(8, 8) * 2)
    assert torch.equal(kept, before)


def test_threads_get_their_own_answers():
    net = Net()
    asked = [picture(16, 16 + 2 * number) for number in range(4)]
    expected, found = [net.maps(x)[0] for x in asked], {}

    def ask(number: int) -> None:
        for _ in range(20):
            found[number] = answer(net, asked[number])[0]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, one in enumerate(expected):
        torch.testing.assert_close(found[number], one, atol=1e-4, rtol=1e-5)


def test_who_trains_gets_gradients_and_the_weights_of_now():
    net = Net().requires_grad_(True)

    answer(net, picture(8, 8))[0].sum().backward()
    assert net.stem.weight.grad is not None
    assert net not in compiled._networks


def test_half_precision_and_empty_batches_are_for_torch():
    net, half = Net(), Net().bfloat16()

    assert answer(half, picture(8, 8).bfloat16())[0].dtype == torch.bfloat16
    assert answer(net, picture(8, 8)[:0])[0].shape == (0, 8, 2, 2)
    assert net not in compiled._networks and half not in compiled._networks


def test_without_openvino_torch_answers(monkeypatch):
    monkeypatch.setattr(compiled, "_has_openvino", lambda: False)
    net = Net()

    assert torch.equal(answer(net, picture(8, 8))[0], net.maps(picture(8, 8))[0])
    assert net not in compiled._networks


def in_a_process(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a Python of its own, in which nothing was used before."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


SIGNALLED = """
import ctypes, os, signal, time
from tests.model.layers.test_compiled import Net, picture, run
net = Net()
run(net, net.maps, picture(8, 8), clips=1)
from tvsl_core.system.platforms import _SS_DISABLE, _SignalStack
stack = _SignalStack()
ctypes.CDLL(None).sigaltstack(None, ctypes.byref(stack))
assert stack.flags == _SS_DISABLE, stack.size
def end(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, end)
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(20)
except KeyboardInterrupt:
    print("caught", flush=True)
    os._exit(0)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems are not given another stack")
def test_a_signal_is_handled_behind_it():
    ran = in_a_process(SIGNALLED)
    assert (ran.returncode, ran.stdout) == (0, "caught\n"), ran.stderr


SILENT = """
import sys
from tests.model.layers.test_compiled import Net, compiled, picture
asked = []
sys.addaudithook(lambda event, _: asked.append(event) if event.startswith(("socket", "subprocess")) else None)
net = Net()
compiled.run(net, net.maps, picture(8, 8), clips=2)
assert net in compiled._networks and "openvino" in sys.modules
assert compiled.TELEMETRY not in sys.modules and not asked, asked
import openvino_telemetry
"""

AT_ONCE = """
import sys, threading
sys.setswitchinterval(1e-6)
from tests.model.layers.test_compiled import Net, picture, run
net, ready = Net(), threading.Barrier(8)
def ask():
    ready.wait()
    run(net, net.maps, picture(8, 8), clips=1)
threads = [threading.Thread(target=ask) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(4))
def test_threads_may_be_the_first_to_ask_together(attempt):
    ran = in_a_process(AT_ONCE)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
def test_nobody_is_told_that_it_runs(tmp_path):
    ran = in_a_process(SILENT, HOME=str(tmp_path), USERPROFILE=str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert not list(tmp_path.iterdir())
