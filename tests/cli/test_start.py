"""What a command does not need, it does not load."""

from __future__ import annotations

import dataclasses
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import make_clip
from tvsl_core.annotate.bench import bench_annotate
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.annotate.results.table import read_metadata
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.engines.task import ModelChoice, ModelIdentity
from tvsl_core.batch.engines.threads import ThreadEngine
from tvsl_core.errors import WeightsError
from tvsl_core.model.facts import UNTRAINED, WEIGHTS_FILE
from tvsl_core.system.cache import cache_folder, look_up

SAMPLE = Path(__file__).resolve().parents[2] / "sample_videos" / "dog_and_silent_sheep.mp4"
TABLES = AnnotateOptions(overlay="none", strips=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory, model):
    """A clip and its results, made by the library with a model that was loaded."""
    folder = tmp_path_factory.mktemp("done")
    clip = make_clip(folder / "clip.mp4", seconds=1)
    annotate_videos(clip, out=folder / "out", options=TABLES, model=model)
    return clip, folder / "out"


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_commands_over_finished_results_load_neither_torch_nor_pandas(done, tmp_path):
    clip, out = map(str, done)
    commands = (
        ["annotate", clip, "--out", out, "--overlay", "none", "--no-strips"],
        ["annotate", clip, "--out", str(tmp_path / "new"), "--dry-run"],
        ["status", out],
        ["merge", out, "--out", str(tmp_path / "merged")],
        ["export", out, "--format", "csv", "--out", str(tmp_path / "exports")],
        ["report", out],
    )
    code = f"import sys\nfrom tvsl_cli.__main__ import main\nfor one in {commands}:\n    code = main(one)\n"
    said = run(code + "    print('HEAVY', one[0], code, *({'torch', 'pandas'} & set(sys.modules)))")

    heavy = [line.removeprefix("HEAVY ") for line in said.splitlines() if line.startswith("HEAVY")]
    assert heavy == [f"{command} 0" for command, *_ in commands]


@pytest.mark.slow
def test_a_run_with_nothing_to_do_costs_less_than_importing_torch(done):
    """A ratio, since seconds are the machine's: 0.3 when this was written, and 4 before."""

    def cost(*arguments):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime

    clip, out = map(str, done)
    again = ["-m", "tvsl_cli", "annotate", clip, "--out", out, "--overlay", "none", "--no-strips"]
    cost(*again)  # the first one may have to find out what the code says

    assert min(cost(*again) for _ in range(3)) < 0.7 * min(cost("-c", "import torch") for _ in range(3))


@pytest.mark.slow
def test_the_whole_takes_no_longer_than_its_parts_by_themselves(model):
    """Ratios, since seconds are the machine's: about 1.2, 0.3 and 0.8 on a busy machine when this was written."""
    found = bench_annotate(SAMPLE, model, AnnotateOptions(end_s=4.0))

    assert found.tables_to_sum < 1.6
    assert found.pictures_to_sum < 1.6
    assert found.to_sum < 1.6


def test_a_finished_video_is_known_without_its_model(done):
    clip, out = done
    engine = ThreadEngine(ModelChoice())
    engine.start = engine.begin = pytest.fail

    report = annotate_videos(clip, out=out, options=TABLES, engine=engine)

    assert [video.status for video in report.finished] == ["skipped"]


@pytest.mark.parametrize("name", ["compact", UNTRAINED, "copy"])
def test_a_file_says_of_a_model_what_the_loaded_one_says(name, tmp_path):
    if name == "copy":
        name = str(shutil.copy(WEIGHTS_FILE, tmp_path / "copy.safetensors"))
    choice = ModelChoice(name=name, device="cpu")

    assert choice.identify() == ModelIdentity.of(choice.load())


def test_bf16_is_part_of_the_fingerprint_and_auto_is_fp32(model):
    auto, exact, fast = (ModelChoice(device="cpu", precision=one) for one in ("auto", "fp32", "bf16"))
    prints = [choice.identify().fingerprint(TABLES) for choice in (auto, exact, fast)]

    assert prints[0] == prints[1] == ModelIdentity.of(model).fingerprint(TABLES) != prints[2]
    assert exact.identify() == exact.identity_of(model)


def test_tables_say_with_which_precision_they_were_made(done):
    clip, out = done

    assert read_metadata(out / "sources" / f"{clip.name}.parquet")["precision"] == "fp32"


def test_a_model_that_changed_since_the_plan_is_refused(done, tmp_path):
    class Changed(ThreadEngine):
        def identify(self):
            return dataclasses.replace(super().identify(), sha256="another")

    with pytest.raises(WeightsError, match="changed"):
        annotate_videos(done[0], out=tmp_path / "out", options=TABLES, engine=Changed(ModelChoice(device="cpu")))


def test_loading_a_model_leaves_the_compiler_of_torch_alone():
    code = "import sys; from tvsl_core.model.load import load_model; load_model(device='cpu'); "

    assert run(code + "print('torch._dynamo' in sys.modules)").strip() == "False"


def test_tables_are_made_without_pandas_which_is_there_all_the_same():
    code = """
import sys
from tvsl_core.system.arrow import leave_pandas_out
leave_pandas_out()
import pyarrow as pa
table = pa.Table.from_pylist([{"a": 1}])
print("pandas" in sys.modules, table.to_pandas().a.sum())
"""
    assert run(code).split() == ["False", "1"]


def test_a_fact_is_found_out_once_and_again_when_its_key_is_another(tmp_path, monkeypatch):
    monkeypatch.setenv("TVSL_CACHE", str(tmp_path))
    asked = []

    def find_out():
        asked.append(1)
        return f"fact {len(asked)}"

    assert [look_up("one", "a", find_out) for _ in range(2)] == ["fact 1"] * 2
    assert look_up("one", "b", find_out) == "fact 2"
    (cache_folder() / "facts" / "one.json").write_text("{")
    assert look_up("one", "b", find_out) == "fact 3"


def test_a_cache_that_cannot_be_used_is_as_good_as_none(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TVSL_CACHE", str(tmp_path / "file" / "below"))

    assert look_up("one", "a", lambda: "fact") == "fact"
