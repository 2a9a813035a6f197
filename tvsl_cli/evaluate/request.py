"""What ``tvsl evaluate`` was asked: command line over configuration file over defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from tvsl_cli.shared.settings import merged, usage_errors

if TYPE_CHECKING:
    from tvsl_core.api.evaluate_request import EvaluateRequest

SAMPLE_VIDEOS = Path("sample_videos")
"""What composed benchmarks are made of, when --media does not say where it lies."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateOutput:
    """What becomes of the scores."""

    json: Path | None
    out: Path | None
    allow_missing: bool


def request_from(context: typer.Context, config: Path | None) -> tuple[EvaluateRequest, EvaluateOutput]:
    """Read the request of a running command; a wrong value ends it with one sentence and exit code 2."""
    from tvsl_cli.shared import config_file as kinds
    from tvsl_core.api.evaluate_request import EvaluateRequest
    from tvsl_core.data.benchmarks.catalog import COMPOSED, data_root

    keys = {
        "annotations": kinds.path,
        "media": kinds.path,
        "model": kinds.text,
        "predictions": kinds.path,
        "protocol": kinds.text,
        "classes": kinds.text,
        "floors": kinds.flag,
        "out": kinds.path,
        "limit": kinds.whole,
        "allow-missing": kinds.flag,
        "box-form": kinds.text,
        "split": kinds.text,
        "heard": kinds.path,
        "training-list": kinds.path,
        "sources": kinds.text,
        "device": kinds.text,
        "data": kinds.path,
    }
    with usage_errors():
        values: dict[str, Any] = {
            name.replace("-", "_"): value
            for name, value in merged(context, config=config, section="evaluate", keys=keys).items()
        }
        benchmark = context.params["benchmark"]
        if benchmark in COMPOSED and values["media"] is None:
            values["media"] = SAMPLE_VIDEOS
        values["sources"] = _numbers(cast("str | None", values["sources"]))
        values["data"] = data_root() or values["data"]
        output = EvaluateOutput(
            json=context.params["json_file"], out=values.pop("out"), allow_missing=values.pop("allow_missing")
        )
        request = EvaluateRequest(benchmark=benchmark, save_predictions=context.params["save_predictions"], **values)
        return request, output


def _numbers(text: str | None) -> tuple[int, ...]:
    """``1,2,4`` as numbers."""
    if text is None:
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--sources lists whole numbers such as 1,2,3, got '{text}'") from None
