"""``tvsl evaluate`` and ``tvsl datasets`` as a user calls them."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pandas
import pytest

from tvsl_cli.__main__ import main
from tvsl_core.data.benchmarks.catalog import DATA_VARIABLE, ENTRIES

ROWS = [("clip0", "dog", 0.1), ("clip1", "cat", 0.3), ("clip2", "dog", 0.5)]


@pytest.fixture
def custom(tmp_path, monkeypatch):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    lines = [f"{name},{klass},{left},0.2,{left + 0.4},0.8" for name, klass, left in ROWS]
    Path("list.csv").write_text("id,class,x_min,y_min,x_max,y_max\n" + "\n".join(lines))
    Path("maps").mkdir()
    for name, klass, left in ROWS:
        maps = np.zeros((1, 10, 10), dtype=np.float32)
        maps[0, 2:8, int(left * 10) : int(left * 10) + 4] = 1
        np.savez(f"maps/{name}.npz", maps=maps, classes=[klass])
    return tmp_path


def evaluate(*more):
    return main(["evaluate", "--benchmark", "custom", "--annotations", "list.csv", "--predictions", "maps", *more])


def test_scores_of_ones_own_list_are_printed_and_written(custom, capsys):
    code = evaluate("--out", "out", "--json", "scores.json")
    printed = capsys.readouterr().out
    content = json.loads(Path("scores.json").read_text())

    assert code == 0
    assert "best floor" in printed
    assert content["scores"]["strict/predicted/cIoU@0.5/sources"]["value"] == 1
    assert content["scores"]["strict/predicted/cIoU@0.5/sources"]["n"] == 3
    assert len(pandas.read_parquet("out/per_sample.parquet")) == 3 * (2 + len({*content["floors"]}) // 21)
    assert Path("out/index.html").read_text().count("data:image/png") >= 3


def test_missing_predictions_are_listed_and_fail_unless_allowed(custom, capsys):
    Path("maps/clip1.npz").unlink()

    assert evaluate() == 1
    assert "clip1: there is no prediction" in capsys.readouterr().err
    assert evaluate("--allow-missing") == 0


def test_a_refused_prediction_fails_even_when_gaps_are_allowed(custom, capsys):
    np.savez("maps/clip1.npz", maps=np.full((1, 2, 2), np.nan), classes=["cat"])

    assert evaluate("--allow-missing") == 1
    assert "NaN" in capsys.readouterr().err


def test_predictions_for_unknown_ids_are_named(custom, capsys):
    np.savez("maps/other.npz", maps=np.ones((1, 2, 2)), classes=["cat"])

    assert evaluate() == 1
    assert "other" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--classes", "all"], "Classes must be one of oracle, predicted, both"),
        (["--floors"], "exclude each other"),
        (["--sources", "two"], "--sources lists whole numbers"),
        (["--split", "unheard"], "A split needs heard"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(custom, capsys, more, message):
    assert evaluate(*more) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_a_misspelled_protocol_names_the_nearest(custom, capsys):
    assert evaluate("--protocol", "noprio") == 1
    assert "noprior" in capsys.readouterr().err


def test_floors_need_annotations_only_and_show_every_protocol(custom, capsys):
    code = main(["evaluate", "--benchmark", "custom", "--annotations", "list.csv", "--floors", "--json", "f.json"])
    content = json.loads(Path("f.json").read_text())

    assert code == 0
    for name in ("strict", "lvs", "ezvsl", "avgn", "noprior", "dsol"):
        assert name in capsys.readouterr().out or f"{name}/whole-frame" in "".join(content["floors"])


def test_unheard_classes_are_scored_alone(custom, capsys):
    Path("heard.txt").write_text("# trained on\nDog\n")

    assert evaluate("--split", "unheard", "--heard", "heard.txt") == 0
    assert "1 samples" in capsys.readouterr().out


def test_tables_come_in_the_format_that_was_asked_for(custom, capsys):
    assert evaluate("--table", "csv") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {row["metric"] for row in rows} >= {"cIoU@0.3", "AUC", "CAP"}
    assert evaluate("--table", "latex", "--per-class") == 0
    assert "dog & oracle" in capsys.readouterr().out
    assert evaluate("--per-class") == 0
    assert "Localization by class" in capsys.readouterr().out
    assert evaluate("--table", "html") == 2


def test_two_results_are_compared_and_more_go_on_the_page(custom, capsys):
    assert evaluate("--out", "a") == 0
    maps = np.zeros((1, 10, 10), dtype=np.float32)
    maps[0, 0, 0] = 1
    np.savez("maps/clip0.npz", maps=maps, classes=["dog"])
    assert evaluate("--out", "b") == 0
    capsys.readouterr()

    assert main(["evaluate", "--compare", "a", "b", "--also", "a", "--table", "csv", "--out", "page"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out.split("classes,", 2)[1].join(["classes,", ""]))))
    assert float(next(row for row in rows if row["metric"] == "cIoU@0.5")["difference"]) == pytest.approx(1 / 3)
    assert Path("page/comparison.html").is_file()
    assert main(["evaluate", "--compare", "a", "missing"]) == 1
    assert "per_sample.parquet" in capsys.readouterr().err


def test_either_a_benchmark_or_a_comparison_is_asked_for(custom, capsys):
    assert main(["evaluate"]) == 2
    assert main(["evaluate", "--benchmark", "custom", "--compare", "a", "b"]) == 2
    assert main(["evaluate", "--benchmark", "custom", "--also", "a"]) == 2
    assert "--compare A B" in capsys.readouterr().err.replace("\n", " ")


def test_a_configuration_file_gives_way_to_the_command_line(custom, capsys):
    Path("tvsl.toml").write_text('[evaluate]\nprotocol = "lvs"\n')

    assert evaluate("--config", "tvsl.toml") == 0
    assert "protocol lvs" in capsys.readouterr().out
    assert evaluate("--config", "tvsl.toml", "--protocol", "dsol") == 0
    assert "protocol dsol" in capsys.readouterr().out


def test_a_configuration_file_may_name_the_benchmark(custom, capsys):
    Path("tvsl.toml").write_text('[evaluate]\nbenchmark = "custom"\nannotations = "list.csv"\npredictions = "maps"\n')

    assert main(["evaluate", "--config", "tvsl.toml"]) == 0
    Path("tvsl.toml").write_text('[evaluate]\nannotations = "list.csv"\n')
    assert main(["evaluate", "--config", "tvsl.toml"]) == 2
    assert "Name what is scored with --benchmark NAME" in capsys.readouterr().err.replace("\n", " ")


def test_without_data_the_answer_says_what_to_do(custom, capsys):
    assert main(["evaluate", "--benchmark", "music-duet"]) == 1
    answer = capsys.readouterr().err.replace("\n", " ")

    for expected in ("TVSL_DATA", "dsol_music_duet_test.json", "github.com", "tvsl datasets check music-duet"):
        assert expected in answer


def test_every_benchmark_is_listed_and_described(capsys):
    assert main(["datasets", "list"]) == 0
    listed = capsys.readouterr().out
    for name, entry in ENTRIES.items():
        assert name in listed
        assert main(["datasets", "describe", name]) == 0
        assert entry.files[0] in capsys.readouterr().out


def test_a_check_finds_what_is_missing(custom, benchmarks, capsys):
    (custom / "frames").mkdir()

    code = main(["datasets", "check", "music-duet-short", "--root", ".", "--annotations", str(benchmarks), "--json"])
    assert code == 1
    assert len(json.loads(capsys.readouterr().out)["missing"]) == 1020
