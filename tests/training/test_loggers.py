"""Programs that follow a run: each is told every step and every validation, and writes into the run's folder."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.training.tiny import make_run
from tvsl_core.errors import InputError
from tvsl_core.training.record import loggers
from tvsl_core.training.record.log import read_metrics
from tvsl_core.training.run import train

CPU = torch.device("cpu")


def followed(tmp_path, name):
    return train(replace(make_run(tmp_path / "run", epochs=1, batch=8), loggers=(name,)), device=CPU)


@pytest.mark.slow
def test_mlflow_has_every_number_of_the_run(tmp_path, monkeypatch):
    tracking = pytest.importorskip("mlflow.tracking")
    pytest.importorskip("alembic")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    followed(tmp_path, "mlflow")
    client = tracking.MlflowClient(f"sqlite:///{tmp_path / 'run/mlflow.db'}")
    (found,) = client.search_runs([client.get_experiment_by_name("tvsl").experiment_id])
    steps = [line for line in read_metrics(tmp_path / "run") if line["kind"] == "train"]

    history = client.get_metric_history(found.info.run_id, "training/loss")
    assert [(one.step, one.value) for one in history] == [(line["step"], line["loss"]) for line in steps]
    assert "validation/heard" in found.data.metrics and found.data.params["batch"] == "8"
    assert found.info.status == "FINISHED"


def test_tensorboard_has_every_number_of_the_run(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    followed(tmp_path, "tensorboard")
    found = accumulator.EventAccumulator(str(tmp_path / "run/tensorboard"))
    found.Reload()

    assert [one.step for one in found.Scalars("training/loss")] == [1, 2, 3]
    assert "validation/heard" in found.Tags()["scalars"]


@pytest.mark.slow
def test_wandb_writes_offline_into_the_run(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_MODE", raising=False)
    followed(tmp_path, "wandb")

    assert list((tmp_path / "run/wandb").glob("offline-run-*/*.wandb"))


def test_a_program_that_is_not_installed_is_named_with_its_extra(tmp_path, monkeypatch):
    def missing(run, facts):
        raise ImportError("no module")

    monkeypatch.setitem(loggers.LOGGERS, "wandb", missing)

    with pytest.raises(InputError, match=r"logger wandb is not installed. .*pip install 'tvsl\[wandb\]'"):
        followed(tmp_path, "wandb")


def test_a_logger_that_there_is_not_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"there is no logger 'wandbb'\. Did you mean 'wandb'\?"):
        loggers.check_loggers(["wandbb"])
