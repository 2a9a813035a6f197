"""The engine on Ray, on a real cluster of two nodes: the same rows as here, whatever is lost on the way."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.builders import make_clip
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.progress import VideoAdvanced
from tvsl_core.annotate.rules import DetectOptions, EventOptions
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.engines.ray import RayEngine
from tvsl_core.batch.engines.task import ModelChoice
from tvsl_core.batch.inputs import find_videos
from tvsl_core.errors import InputError, WeightsError

ROOT = Path(__file__).resolve().parents[2]
HEARD = EventOptions(onset=0.02, offset=0.01)  # tones are no sounds of life: what is told of them is unlikely
OPTIONS = AnnotateOptions(overlay="none", fps=8, events=HEARD, detect=DetectOptions(min_score=0.0))
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
SECOND = {"num_cpus": 1, "object_store_memory": 80 << 20}


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one processor each."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="ray-test-")  # short: Ray makes sockets in it
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("PYTHONPATH", str(ROOT))  # what the nodes start finds this tvsl
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_enable_metrics_collection", "0")
        made = Cluster(initialize_head=True, head_node_args=NODE)
        made.second = made.add_node(**SECOND)
        yield made
        made.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for number in range(4):
        make_clip(folder / f"{number}.mp4", seconds=8, size=(64, 48), sound="tone" if number % 2 else "beep")
    return folder


@pytest.fixture(scope="module")
def expected(videos, tmp_path_factory, model):
    """The tables of an undisturbed run in this process."""
    out = tmp_path_factory.mktemp("here")
    annotate_videos(find_videos([str(videos)]), out=out, model=model, options=OPTIONS)
    return tables(out)


def tables(out):
    return {path.name: pq.read_table(path).to_pandas() for path in sorted((out / "sources").iterdir())}


def assert_equal_rows(found, expected):
    assert list(found) == list(expected)
    for name, table in expected.items():
        assert len(table) > 10
        for column in table.columns.drop("map"):
            one, other = found[name][column].to_numpy(), table[column].to_numpy()
            if table[column].dtype.kind == "f":  # the number of threads may move the last digits
                np.testing.assert_allclose(one, other, atol=1e-4)
            else:
                assert (one == other).all(), column


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_both_nodes_work_and_an_actor_that_is_killed_costs_nothing(cluster, videos, expected, tmp_path):
    import ray

    engine = RayEngine(ModelChoice(device="cpu"), address=cluster.address)
    seen = {"nodes": 0, "killed": False}

    def kill_one(event):
        if isinstance(event, VideoAdvanced) and not seen["killed"]:
            seen["killed"] = True
            seen["nodes"] = len([node for node in ray.nodes() if node["Alive"]])
            at_work = {actor.watch.job.item.name: actor for actor in engine._actors if actor.watch.job}
            ray.kill(at_work[event.video].handle)

    report = annotate_videos(
        find_videos([str(videos)]), out=tmp_path, engine=engine, options=OPTIONS, on_event=kill_one
    )

    assert seen == {"nodes": 2, "killed": True}
    assert engine.workers == 2
    assert sum(engine._losses.values()) == 1
    assert [video.status for video in report.finished] == ["done"] * 4
    assert_equal_rows(tables(tmp_path), expected)
    assert list(tmp_path.rglob(".tvsl-*.part")) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_node_that_is_lost_costs_nothing(cluster, videos, expected, tmp_path):
    import ray

    cluster.remove_node(cluster.second)
    ray.init(address=cluster.address, log_to_driver=False)  # while there is one node: it must not lose its own
    cluster.second = cluster.add_node(**SECOND)
    engine = RayEngine(ModelChoice(device="cpu"))

    def lose_a_node(event):
        if isinstance(event, VideoAdvanced) and cluster.second is not None:
            cluster.remove_node(cluster.second, allow_graceful=False)
            cluster.second = None

    try:
        report = annotate_videos(
            find_videos([str(videos)]), out=tmp_path, engine=engine, options=OPTIONS, on_event=lose_a_node
        )
    finally:
        ray.shutdown()

    assert cluster.second is None
    assert [video.status for video in report.finished] == ["done"] * 4
    assert_equal_rows(tables(tmp_path), expected)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_model_that_cannot_be_loaded_is_our_error(cluster, videos, tmp_path):
    weights = tmp_path / "broken.safetensors"
    weights.write_bytes(b"nothing")
    engine = RayEngine(ModelChoice(name=str(weights), device="cpu"), address=cluster.address, workers=1)

    with pytest.raises((WeightsError, InputError)):
        annotate_videos(find_videos([str(videos)]), out=tmp_path / "out", engine=engine, options=OPTIONS)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_command_starts_a_cluster_of_its_own(videos, tmp_path):
    pytest.importorskip("ray")
    command = [sys.executable, "-m", "tvsl_cli", "annotate", videos / "0.mp4", "--out", tmp_path, "--overlay", "none"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--engine", "ray", "--workers", "1", "--device", "cpu"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'sources' / '0.mp4.parquet'}\n"


def test_without_ray_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(InputError, match="not installed") as caught:
        RayEngine(ModelChoice())
    assert "tvsl[ray]" in caught.value.hint
