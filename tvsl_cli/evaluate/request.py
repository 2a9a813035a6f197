"""What ``tvsl evaluate`` was asked: command line over configuration file over defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from tvsl_cli.shared import config_file as kinds
from tvsl_cli.shared.settings import SAMPLE_VIDEOS, merged, usage_errors

if TYPE_CHECKING:
    from tvsl_core.api.evaluate_request import EvaluateRequest
    from tvsl_core.report.tables import TableFormat

KEYS: dict[str, kinds.Converter] = {
    "benchmark": kinds.text,
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
    "workers": kinds.whole,
    "table": kinds.text,
    "per-class": kinds.flag,
    "device": kinds.text,
    "data": kinds.path,
}
"""What the section [evaluate] of a file may set, for ``tvsl evaluate`` and for ``tvsl train --then evaluate``."""
_OUTPUT = ("out", "allow_missing", "table", "per_class")
_WHAT = "name what is scored with --benchmark NAME, or two results with --compare A B"


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateOutput:
    """What becomes of the scores."""

    json: Path | None
    out: Path | None
    allow_missing: bool
    table: TableFormat | None
    per_class: bool
    shard: tuple[int, int] | None
    """``(I, N)``: predict every N-th sample from the I-th, and score nothing."""


def request_from(context: typer.Context, config: Path | None) -> tuple[EvaluateRequest, EvaluateOutput]:
    """Read the request of a running command; a wrong value ends it with one sentence and exit code 2."""
    with usage_errors():
        settings = merged(context, config=config, section="evaluate", keys=KEYS)
        if settings["benchmark"] is None:
            raise ValueError(_WHAT)
        found = {key.replace("-", "_"): value for key, value in settings.items()}
        output = EvaluateOutput(
            json=context.params["json_file"],
            out=found["out"],
            allow_missing=found["allow_missing"],
            table=_table(found["table"]),
            per_class=found["per_class"],
            shard=_shard(context.params["shard"]),
        )
        if output.shard is not None and context.params["save_predictions"] is None:
            raise ValueError("--shard I/N fills a folder of predictions; name it with --save-predictions DIR")
        return request_of(settings, save_predictions=context.params["save_predictions"]), output


def request_of(settings: Mapping[str, Any], **more: Any) -> EvaluateRequest:
    """What is asked by settings under the names of options; ``more`` are other fields of the request.

    Raises: ValueError: A value is wrong.
    """
    from tvsl_core.api.evaluate_request import EvaluateRequest
    from tvsl_core.data.benchmarks.catalog import COMPOSED, EVENTS, data_root

    values = {key.replace("-", "_"): value for key, value in settings.items()}
    values = {name: value for name, value in values.items() if name not in _OUTPUT}
    if values["benchmark"] in (*COMPOSED, EVENTS) and values.get("media") is None:
        values["media"] = SAMPLE_VIDEOS
    values["sources"] = _numbers(cast("str | None", values.get("sources")))
    values["data"] = data_root() or values.get("data")
    return EvaluateRequest(**values, **more)


def compared(context: typer.Context) -> tuple[Path, ...]:
    """The folders of ``--compare`` and ``--also``; none when something is to be scored.

    A wrong combination ends the command with one sentence and exit code 2.
    """
    pair, also = context.params["compare"], context.params["also"]
    with usage_errors():
        if also and not pair:
            raise ValueError("--also adds a result to a comparison; add --compare A B")
        if context.params["benchmark"] and pair:
            raise ValueError(f"{_WHAT}, not both")
    return (*(pair or ()), *(also or ()))


def table_format(context: typer.Context) -> TableFormat | None:
    """The format of ``--table``; a wrong one ends the command with exit code 2."""
    with usage_errors():
        return _table(context.params["table"])


def _table(text: str | None) -> TableFormat | None:
    from tvsl_core.report.tables import TABLE_FORMATS

    if text is None or text in TABLE_FORMATS:
        return text
    raise ValueError(f"--table must be one of {', '.join(TABLE_FORMATS)}, got '{text}'")


def _shard(text: str | None) -> tuple[int, int] | None:
    """``2/8`` as numbers."""
    if text is None:
        return None
    index, _, count = text.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise ValueError(f"--shard is I/N with I from 1 to N, such as 2/8, got '{text}'")
    return int(index), int(count)


def _numbers(text: str | None) -> tuple[int, ...]:
    """``1,2,4`` as numbers."""
    if text is None:
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--sources lists whole numbers such as 1,2,3, got '{text}'") from None
