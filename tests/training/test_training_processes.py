"""Runs as programs of their own: killed at any step, and several that share a batch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.tiny import HEADS, digest, make_run, newest
from tvsl_core.training.record.log import read_metrics
from tvsl_core.training.run import train

HERE = Path(__file__).resolve().parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"}


def start(*arguments, processes=1):
    program = [sys.executable]
    if processes > 1:
        program += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return subprocess.Popen(
        [*program, str(HERE / "tiny.py"), *map(str, arguments)], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    )


def finish(*arguments, processes=1):
    process = start(*arguments, processes=processes)
    process.communicate(timeout=240)
    assert process.returncode == 0
    return Path(str(arguments[0]))


def finish_here(out, **options):
    """The same in this process, which is faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    train(make_run(out, **options), device=torch.device("cpu"))
    torch.set_num_threads(before)
    return out


def kill_after(step, *arguments):
    process = start(*arguments)
    for line in process.stdout:
        if line == f"step {step}\n":
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait(timeout=60) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("step", [5])
def test_a_run_killed_at_any_moment_ends_with_the_same_weights(tmp_path, step):
    whole = finish_here(tmp_path / "whole")
    kill_after(step, tmp_path / "killed", "pause=0.01")
    killed = finish_here(tmp_path / "killed")

    assert digest(newest(killed)) == digest(newest(whole))
    assert digest(killed / "heads.safetensors") == digest(whole / "heads.safetensors")
    assert read_metrics(killed) == read_metrics(whole)


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_same_weights(tmp_path):
    whole = finish(tmp_path / "whole", "epochs=8")
    for step in (1, 2, 4, 9, 16, 23):
        kill_after(step, tmp_path / "killed", "epochs=8")
    killed = finish(tmp_path / "killed", "epochs=8")

    assert digest(newest(killed)) == digest(newest(whole))


@pytest.mark.slow
def test_two_processes_compute_what_one_does(tmp_path):
    """Batches of 7 and 20 pictures: the processes have different numbers of scenes, and of pairs."""
    arguments = ("exact=1", "batch=7", "count=20", "epochs=3", "swap_sounds=0.3")
    one = finish_here(tmp_path / "one", batch=7, count=20, epochs=3, swap_sounds=0.3, heads=HEADS | {"dropout": 0.0})
    two = finish(tmp_path / "two", *arguments, processes=2)
    alone, shared = (load_file(newest(run)) for run in (one, two))

    for name, value in alone.items():
        if name.startswith(("heads.", "average.")):
            assert (value - shared[name]).abs().max() < 1e-5, name
    for line, other in zip(read_metrics(one), read_metrics(two), strict=True):
        assert line.keys() == other.keys()
        assert all(line[key] == other[key] or abs(line[key] - other[key]) < 1e-4 for key in line), (line, other)
