import pytest
import torch
from typer.testing import CliRunner

from tvsl_cli.app import app
from tvsl_core.errors import WeightsError

run = CliRunner().invoke


def test_list_says_what_is_missing(tmp_path):
    result = run(app, ["models", "list", "--cache-dir", str(tmp_path)])

    rows = [line.split("\t") for line in result.stdout.splitlines()]
    assert [(row[0], row[1]) for row in rows] == [("audioclip", "missing"), ("audioclip-partial", "missing")]


@pytest.mark.parametrize("command", [["path"], ["verify"], ["download", "--offline"]])
def test_missing_weights_are_one_clear_error(tmp_path, command):
    result = run(app, ["models", *command, "--cache-dir", str(tmp_path)])

    assert isinstance(result.exception, WeightsError)
    assert "tvsl models download audioclip" in str(result.exception)


def test_import_refuses_other_weights(tmp_path):
    file = tmp_path / "other.pt"
    torch.save({"weight": torch.zeros(3)}, file)

    result = run(app, ["models", "import", str(file), "--cache-dir", str(tmp_path / "cache")])
    assert isinstance(result.exception, WeightsError)
    assert "861 tensors are missing" in str(result.exception)
    assert not (tmp_path / "cache").exists()


def test_import_refuses_an_unknown_precision(tmp_path):
    assert run(app, ["models", "import", "x.pt", "--precision", "int4"]).exit_code == 2


def test_remove_of_nothing_frees_nothing(tmp_path):
    assert run(app, ["models", "remove", "audioclip", "--cache-dir", str(tmp_path)]).exit_code == 0
