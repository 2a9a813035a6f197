"""A batch is measured by running one, while processor and GPU are watched."""

import os
import time
from pathlib import Path

import pytest

from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.batch.bench import BatchBench, bench_batch
from tvsl_core.batch.engines.task import ModelChoice
from tvsl_core.errors import TvslError
from tvsl_core.system.usage import Usage

FIGURES = {"videos": 6, "video_s": 5.0, "workers": 2, "start_s": 1.0, "elapsed_s": 3.0}


@pytest.mark.slow
def test_a_batch_is_measured_apart_from_its_start(tmp_path):
    clip = tmp_path / "clip.mp4"
    make_clip(clip, seconds=1, size=(96, 64), sound="tone")
    began = time.perf_counter()
    found = bench_batch(clip, ModelChoice(device="cpu"), AnnotateOptions(overlay="none"), copies=3, workers=1)
    whole_s = time.perf_counter() - began

    assert (found.videos, found.workers, found.gpu) == (3, 1, None)
    assert found.video_s == pytest.approx(1.0, abs=0.1)
    assert 0 < found.start_s + found.elapsed_s < whole_s
    assert found.speed == pytest.approx(3 * found.video_s / found.elapsed_s)
    assert found.cores is None or 0 < found.cores <= 1


@pytest.mark.slow
def test_a_batch_that_fails_is_no_figure(tmp_path):
    clip = tmp_path / "clip.mp4"
    make_clip(clip, seconds=1, size=(96, 64), sound="tone")
    with pytest.raises(TvslError, match=r"A copy could not be annotated: --start 5 lies behind the end"):
        bench_batch(clip, ModelChoice(device="cpu"), AnnotateOptions(overlay="none", start_s=5.0), copies=1)


@pytest.mark.parametrize(
    ("cores", "gpu", "bottleneck"),
    [(0.99, None, "the processor"), (0.95, 0.3, "the processor"), (0.4, 0.97, "the GPU"), (0.4, 0.3, "neither"),
     (None, None, "neither")],
)  # fmt: skip
def test_what_has_nothing_left_to_give_is_the_bottleneck(cores, gpu, bottleneck):
    found = BatchBench(**FIGURES, cores=cores, gpu=gpu)
    assert (found.bottleneck, found.clips_per_s, found.speed) == (bottleneck, 2.0, 10.0)


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="the system does not say how busy its cores are")
def test_a_busy_core_is_seen():
    with Usage() as usage:
        until = time.perf_counter() + 0.5
        while time.perf_counter() < until:
            pass

    assert usage.cores is not None
    assert 0.5 / (os.cpu_count() or 1) < usage.cores <= 1
    assert usage.gpu is None


def test_what_the_tool_of_the_gpu_says_is_averaged_until_the_end(tmp_path, monkeypatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\necho "$@" > "$0.asked"\nprintf "20\\n[N/A]\\n60\\n"\nexec sleep 60\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with Usage(gpu=1) as usage:
        until = time.perf_counter() + 10
        while (usage.gpu or 0) < 0.4 and time.perf_counter() < until:
            time.sleep(0.01)

    assert usage.gpu == pytest.approx(0.4)
    assert "--id=1" in (tmp_path / "nvidia-smi.asked").read_text()


def test_without_the_tool_of_the_gpu_nothing_is_known_of_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with Usage(gpu=0) as usage:
        pass
    assert usage.gpu is None
