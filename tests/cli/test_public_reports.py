"""Troubles that others reported of their tools, tried on the real program; docs/formats.md lists them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import make_clip

ROOT = Path(__file__).resolve().parents[2]


def annotate(*arguments, **environment):
    command = [
        sys.executable,
        "-m",
        "tvsl_cli",
        "annotate",
        *map(str, arguments),
        "--overlay",
        "combined",
        "--fps",
        "1",
    ]
    asked = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False, env=asked)


@pytest.mark.parametrize("name", ["Video's/it's.mp4", "Guards! & 100% $HOME `x` é 🔥 ﬁn.mp4", " lead and trail .mp4"])
def test_a_name_is_no_obstacle_even_on_an_ascii_terminal(tmp_path, name):
    clip = tmp_path / "in" / name
    clip.parent.mkdir(parents=True)
    make_clip(clip, seconds=1, size=(64, 48))
    before = sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "in").rglob("*"))
    done = annotate(tmp_path / "in", "--out", tmp_path / "out", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out" / "sources").rglob("*.parquet"))) == 1
    assert list((tmp_path / "out" / "heatmaps").rglob("combined.mp4"))
    assert sorted((path, path.stat().st_mtime_ns) for path in (tmp_path / "in").rglob("*")) == before
