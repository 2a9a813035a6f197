"""Several real processes share the videos of one folder, as machines of a cluster do."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.builders import make_clip
from tvsl_core.batch.shard import Shard

ROOT = Path(__file__).resolve().parents[2]
NAMES = [f"{number}.mp4" for number in range(5)]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for name in NAMES:
        make_clip(folder / name, seconds=1, size=(64, 48), sound="tone")
    return folder


def start(videos, out, *options, environment=None):
    command = [sys.executable, "-m", "tvsl_cli", "annotate", videos, "--out", out, "--overlay", "none", *options]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    variables = clean | {"OMP_NUM_THREADS": "1"} | (environment or {})
    return subprocess.Popen(command, cwd=ROOT, text=True, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process) -> tuple[int, list[str], str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, sorted(Path(line).name.removesuffix(".parquet") for line in out.splitlines()), err


@pytest.mark.slow
def test_tasks_of_a_job_array_share_the_work_and_the_folder(videos, tmp_path):
    tasks = [
        start(
            videos,
            tmp_path,
            environment={
                "SLURM_ARRAY_TASK_ID": str(task),
                "SLURM_ARRAY_TASK_COUNT": "2",
                "SLURM_ARRAY_TASK_MIN": "10",
                "SLURM_ARRAY_TASK_MAX": "11",
            },
        )
        for task in (10, 11)
    ]
    done = [ended(task) for task in tasks]

    assert [code for code, _, _ in done] == [0, 0], done
    for number, (_, tables, said) in enumerate(done, start=1):
        expected = [name for name in NAMES if Shard(number=number, count=2).holds(name)]
        assert tables == expected
        assert f"Shard {number}/2: {len(expected)} of 5 videos." in said
    assert pq.read_table(tmp_path / "videos.parquet")["video"].to_pylist() == NAMES
    merge = [sys.executable, "-m", "tvsl_cli", "merge", tmp_path, "--out", tmp_path / "merged"]
    merged = subprocess.run(merge, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    parts = [tmp_path / "merged" / f"{kind}-00000.parquet" for kind in ("part", "events")]
    assert (merged.returncode, merged.stdout.split()) == (0, [str(part) for part in parts]), merged.stderr
    assert "of 5 videos" in merged.stderr
    code, tables, said = ended(start(videos, tmp_path))
    assert (code, tables) == (0, NAMES)
    assert "5 skipped" in said


@pytest.mark.slow
def test_the_option_is_stronger_than_the_variables_and_all_takes_everything(videos, tmp_path):
    array = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "2"}
    ours = [name for name in NAMES if Shard(number=1, count=3).holds(name)]

    _, tables, _ = ended(start(videos, tmp_path, "--shard", "1/3", "--dry-run", environment=array))
    assert tables == ours
    _, tables, said = ended(start(videos, tmp_path, "--shard", "all", "--dry-run", environment=array))
    assert tables == NAMES
    assert "Shard" not in said


@pytest.mark.parametrize("shard", ["0/2", "3/2", "half"])
def test_what_names_no_shard_is_a_usage_error(videos, tmp_path, shard):
    code, tables, said = ended(start(videos, tmp_path / "out", "--shard", shard))

    assert (code, tables, len(said.splitlines())) == (2, [], 1)
    assert not (tmp_path / "out").exists()
