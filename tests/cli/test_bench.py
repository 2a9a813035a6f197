"""``tvsl bench``: the same figures as a table and as JSON, with the machine and the versions they belong to."""

import json

import pytest

from tests.builders import make_clip
from tvsl_cli.__main__ import main
from tvsl_cli.bench import all as bench_all
from tvsl_cli.bench import annotate, batch
from tvsl_cli.bench.document import figures, write_figures
from tvsl_core.annotate.bench import AnnotateBench, StageTime
from tvsl_core.batch.bench import BatchBench


def stage(name, elapsed_s):
    return StageTime(stage=name, elapsed_s=elapsed_s, speed=60 / elapsed_s)


@pytest.fixture
def annotated():
    times = {"decode": 2.0, "model": 8.0, "draw": 3.0, "encode": 7.0}
    return AnnotateBench(
        video_s=60.0,
        width=1280,
        height=720,
        frame_rate=30.0,
        stages=tuple(stage(name, elapsed_s) for name, elapsed_s in times.items()),
        tables_only=stage("tables only", 11.0),
        pictures_only=stage("heatmap video", 6.0),
        whole=stage("whole", 16.0),
    )


def test_the_document_holds_all_that_the_table_shows(annotated, capsys):
    batched = BatchBench(videos=8, video_s=60.0, workers=2, start_s=2.0, elapsed_s=48.0, cores=0.9, gpu=None)
    write_figures((), as_json=True, annotate=[annotated], batch=batched)
    found = json.loads(capsys.readouterr().out)

    assert set(found) == {"machine", "versions", "annotate", "batch"}
    assert found["machine"]["processors"] >= 1
    assert found["machine"]["processor"]
    assert found["versions"]["tvsl"]
    (one,) = found["annotate"]
    assert one["stages"][1] == {"stage": "model", "elapsed_s": 8.0, "speed": 7.5}
    assert (one["to_sum"], one["tables_to_sum"], one["to_slowest"]) == (0.8, 1.1, 2.0)
    assert (found["batch"]["speed"], found["batch"]["bottleneck"]) == (10.0, "the processor")
    table = "\n".join([*annotate.lines(annotated), *batch.lines(batched)])
    for value in ("8.00 s", "7.50 x", "0.80", "1.10", "1280 x 720", "10.0 x real time", "the processor"):
        assert value in table


def test_what_has_no_figures_stays_as_it_is():
    assert figures({"a": (1, None)}) == {"a": (1, None)}
    assert figures(()) == []


def test_the_cost_of_a_second_has_a_line_a_stage_and_a_column_a_resolution(annotated):
    head, *lines = bench_all._costs([annotated, annotated])

    assert head.split() == ["1280", "x", "720"] * 2
    assert lines[0].split() == ["decode", "0.0333", "0.0333"]
    assert lines[-1].split() == ["whole", "0.2667", "0.2667"]
    assert len(lines) == 7


@pytest.mark.slow
def test_one_command_measures_a_video_and_a_batch_of_it(tmp_path, capsys):
    clip = make_clip(tmp_path / "clip.mp4", seconds=2, size=(160, 96), sound="tone")
    arguments = ["bench", "all", str(clip), "--copies", "2", "--device", "cpu", "--no-audioclip"]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["width"] for one in found["annotate"]] == [160]
    assert found["batch"]["videos"] == 2
    assert found["model"] == found["train"] == []

    assert main(arguments) == 0
    said = capsys.readouterr().out
    for title in ("machine: ", "versions: ", str(clip), "2 copies of ", "seconds for a second of video"):
        assert title in said
