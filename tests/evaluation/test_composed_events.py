"""``tvsl evaluate --benchmark composed-events``: when a model says that things sound."""

import json
from pathlib import Path

import pytest

from tests.builders import make_material
from tvsl_cli.__main__ import main
from tvsl_core import EvaluateRequest, evaluate
from tvsl_core.data.material.folder import load_material
from tvsl_core.data.material.samples import write_samples

SAMPLES = Path(__file__).resolve().parents[2] / "sample_videos"

pytestmark = pytest.mark.skipif(not (SAMPLES / "truth.json").is_file(), reason="the sample videos are not here")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    code = main(["evaluate", "--benchmark", "composed-events", "--media", str(SAMPLES), "--limit", "8",
                 "--out", str(folder)])  # fmt: skip
    assert code == 0
    return json.loads((folder / "scores.json").read_text()), (folder / "index.html").read_text()


@pytest.mark.slow
def test_a_model_is_scored_beside_what_doing_nothing_says(written):
    scores, _ = written
    timing = scores["timing"]

    assert set(timing) == {"predicted", "throughout", "loudness"}
    assert scores["counts"]["samples"] == 8
    # Who says that everything sounds all the time misses no second, and finds no pause.
    assert timing["throughout"]["events: F1, of all"]["value"] < 0.3
    seconds = {name: found["seconds: F1, of classes found"]["value"] for name, found in timing.items()}
    assert seconds["throughout"] < seconds["predicted"] <= 1


@pytest.mark.slow
def test_the_page_shows_what_scores_mean(written):
    scores, page = written
    certainty = scores["certainty"]
    filled = [one for one in certainty["reliability"] if one["count"]]

    assert sum(one["count"] for one in filled) == certainty["count"] > 0
    assert page.count("<circle") == len(filled)
    assert "floor: loudness" in page and "src=" not in page


def test_floors_need_no_answers_of_a_model_and_take_a_material_folder(tmp_path):
    request = EvaluateRequest(
        benchmark="composed-events", media=make_material(tmp_path, seconds=2.0), floors=True, limit=3
    )
    (found,) = evaluate(request).evaluations

    assert set(found.timing) == {"throughout", "loudness"} and found.samples == 3
    assert all(one.all.segments.missed == 0 for one in [found.timing["throughout"]])
    assert "All files of the folder" in found.notes[0]


@pytest.mark.parametrize("option", [("--predictions", "maps"), ("--protocol", "lvs"), ("--save-predictions", "maps")])
def test_what_asks_where_is_refused(option, capsys):
    assert main(["evaluate", "--benchmark", "composed-events", *option]) == 2
    assert f"leave out {option[0][2:]}" in capsys.readouterr().err


def test_the_folder_must_be_named_from_python():
    with pytest.raises(Exception, match="composed of sample videos or of a material folder"):
        evaluate(EvaluateRequest(benchmark="composed-events"))


def test_the_samples_become_material_of_what_sounds_alone(tmp_path):
    pool = load_material(write_samples(SAMPLES, tmp_path)).pool

    assert {"owl", "dog", "acoustic guitar"} <= set(pool.classes)
    assert {item.group for item in pool.sounds} <= {path.stem for path in SAMPLES.iterdir()}
    for item in pool.sounds:
        assert item.seconds >= 0.8
        assert sum(end - start for start, end in item.active) > 0.4 * item.seconds
