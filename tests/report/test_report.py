"""Files and page of an evaluation."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas
import pytest

from tvsl_core.data.benchmarks.sample import Benchmark, Sample, Source
from tvsl_core.data.predictions.prediction import Prediction
from tvsl_core.evaluation.protocols import PROTOCOLS
from tvsl_core.evaluation.run import Problem, evaluate
from tvsl_core.report.page import render_page
from tvsl_core.report.scores import as_json, write_json, write_rows
from tvsl_core.report.thumbnails import draw, pick_rows

EVIL = "<script>alert('x')</script>\" onload=\"x"


def predict(sample):
    maps = np.random.default_rng(len(sample.id)).random((2, 7, 7)).astype(np.float32)
    return Prediction(classes=("dog", EVIL), maps=maps, scores=(0.9, 0.4), detected=(True, True))


@pytest.fixture(scope="module")
def evaluation():
    samples = tuple(
        Sample(
            id=f"clip{number}",
            video=f"video{number // 2}",
            clips=(f"clip{number}",),
            sources=(Source(name="dog" if number % 2 else EVIL, boxes=((0.1 * (number % 5), 0.2, 0.7, 0.8),)),),
        )
        for number in range(12)
    )
    benchmark = Benchmark(name="music-duet", samples=samples, classes=("dog", EVIL), notes=(EVIL,))
    found = evaluate(benchmark, predict, PROTOCOLS["strict"], draws=20)
    return replace(found, missing=(Problem(id=EVIL, reason="gone"),)), {sample.id: sample for sample in samples}


class Reader(HTMLParser):
    VOID = ("meta", "img", "line", "rect", "polyline")

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.links = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        self.links += [value for name, value in attributes if name in ("src", "href")]
        assert not any(name.startswith("on") for name, _ in attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


def page(evaluation):
    found, samples = evaluation
    sheets = {
        title: [draw(row, samples[row.sample], predict(samples[row.sample]), lambda _sample: None) for row in rows]
        for title, rows in pick_rows(found.rows, each=2).items()
    }
    return render_page(found, sheets)


def test_the_page_is_whole_needs_no_other_file_and_runs_nothing(evaluation):
    reader = Reader()
    reader.feed(page(evaluation))

    assert reader.open == []
    assert "script" not in reader.seen
    assert reader.seen.count("svg") == 3
    assert reader.seen.count("img") == 6
    assert all(link.startswith("data:image/png;base64,") for link in reader.links)


def test_a_browser_shows_the_page(evaluation, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    file = tmp_path / "index.html"
    file.write_text(page(evaluation))
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    shot = tmp_path / "page.png"
    command += ["--window-size=1100,3000", f"--screenshot={shot}", file.as_uri()]
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "HOME": str(tmp_path)}
    )

    assert shot.is_file(), result.stderr[-500:]
    import cv2

    picture = cv2.imread(str(shot))
    assert picture.std() > 10  # not blank
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 200


def test_the_json_names_everything_that_a_score_depends_on(evaluation, tmp_path):
    found, _ = evaluation
    write_json(tmp_path / "scores.json", as_json(found, command=["evaluate"]))
    content = json.loads((tmp_path / "scores.json").read_text())
    score = content["scores"]["strict/oracle/cIoU@0.3/sources"]

    assert set(score) >= {"value", "n", "interval", "floor", "floor_name", "margin", "videos", "protocol"}
    assert score["n"] == 12
    assert score["margin"] == pytest.approx(score["value"] - score["floor"])
    assert content["counts"]["missing"] == 1
    assert {name.split("/")[1] for name in content["floors"]} == set(found.floor_rows)
    assert content["reported"]["percent"]["T-VSL"]["AUC"] == 35.9


def test_the_rows_read_back_into_the_scores(evaluation, tmp_path):
    found, _ = evaluation
    write_rows(tmp_path / "rows.parquet", found)
    rows = pandas.read_parquet(tmp_path / "rows.parquet")
    score = found.find("mean cIoU", "oracle")

    assert score is not None
    assert rows[rows["classes"] == "oracle"]["ciou"].mean() == pytest.approx(score.value)
    assert set(rows["classes"]) == {"oracle", "predicted", *found.floor_rows}


def test_nothing_half_written_is_left_behind(evaluation, tmp_path):
    from tvsl_core.errors import OutputError

    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file stands where a folder must be"):
        write_json(tmp_path / "file" / "scores.json", {})
    write_json(tmp_path / "scores.json", {"value": float("nan")})
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert json.loads((tmp_path / "scores.json").read_text()) == {"value": None}


def test_names_of_benchmarks_and_classes_are_text_and_not_markup(evaluation):
    found, _ = evaluation
    text = render_page(replace(found, benchmark=EVIL))

    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_contact_sheet_shows_a_sample_once(evaluation):
    found, _ = evaluation
    for rows in pick_rows([*found.rows, *found.rows], each=4).values():
        assert len({row.sample for row in rows}) == len(rows) == 4
