"""A type checker refuses what makes no sense, before anything runs."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CALLS = """
from pathlib import Path

from tvsl_core import (
    AnnotateOptions, EmbedRequest, EvaluateRequest, MergeRequest, SourceOptions, TrainRequest,
    annotate_video, annotate_videos, evaluate, load_model, localize, probe, read_events, train,
)

annotate_video("a.mp4", out="results", options=AnnotateOptions(fps=4, vocabulary=Path("mine.csv")))
annotate_videos(["a.mp4", Path("b.mp4")], out=Path("results"), progress=True)
annotate_videos(Path("folder"), out="results")
annotate_video("a.mp4", out="results", fps=4)
annotate_videos("a.mp4", out="results", overlay="none", min_score=0.3, max_sources=2, strips=False)
read_events(Path("results"), video="a.mp4")
probe("a.mp4")
load_model(Path("my.safetensors"))
evaluate(EvaluateRequest(benchmark="custom", annotations="list.csv", media=Path("media")), progress=True)
train(TrainRequest(sources=SourceOptions(dataset=Path("material")), out="runs/mine"))
EmbedRequest(videos="a.mp4", out="index", texts=("a dog",))
MergeRequest(folders=["one", Path("two")], out="merged")

annotate_video("a.mp4", out="results", fps="four")  # refused: arg-type
annotate_video("a.mp4", out="results", fsp=4)  # refused: call-arg
annotate_videos("a.mp4", out="results", overlay="all")  # refused: arg-type
read_events("results", video=3)  # refused: arg-type
annotate_video("a.mp4", out="results", options=AnnotateOptions(fps="four"))  # refused: arg-type
annotate_video("a.mp4", out="results", options=AnnotateOptions(fsp=4))  # refused: call-arg
annotate_video(3, out="results")  # refused: arg-type
annotate_videos("a.mp4", out="results", workers="two")  # refused: arg-type
EvaluateRequest(benchmark="custom", classes="all")  # refused: arg-type
EvaluateRequest(benchmark="custom", limits=3)  # refused: call-arg
TrainRequest(sources=SourceOptions(dataset="material"), out="runs/mine", model=3)  # refused: arg-type
localize([[0]], [0.0], sample_rate=16_000)  # refused: arg-type
evaluate("composed-duet")  # refused: arg-type
"""


def test_a_type_checker_accepts_good_calls_and_refuses_bad_ones(tmp_path):
    file = tmp_path / "calls.py"
    file.write_text(CALLS)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"), str(file)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout

    refused = {(int(line), code) for line, code in re.findall(r"calls\.py:(\d+): error: .*\[([\w-]+)\]$", found, re.M)}
    wanted = {
        (number, line.partition("# refused: ")[2])
        for number, line in enumerate(CALLS.splitlines(), start=1)
        if "# refused: " in line
    }
    assert refused == wanted, found
