"""What ``tvsl evaluate`` was asked, checked once: command line over configuration file over defaults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from tvsl_cli.shared.settings import merged, usage_errors

if TYPE_CHECKING:
    from tvsl_core.report.tables import TableFormat


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateRequest:
    """One evaluation as the user asked for it; see the options of ``tvsl evaluate``."""

    benchmark: str
    """Empty only with ``compare``."""
    annotations: Path | None
    media: Path | None
    model: str
    predictions: Path | None
    protocol: str | None
    classes: str
    floors: bool
    json: Path | None
    out: Path | None
    limit: int | None
    allow_missing: bool
    save_predictions: Path | None
    box_form: str | None
    split: str | None
    heard: Path | None
    training_list: Path | None
    sources: tuple[int, ...]
    workers: int
    shard: tuple[int, int] | None
    """``(I, N)``: predict every N-th sample from the I-th, and score nothing."""
    table: TableFormat | None
    per_class: bool
    compare: tuple[Path, ...]
    """Folders of results, the first against all others; empty when something is scored."""
    device: str
    data: Path | None
    """The data root, from the configuration file or ``TVSL_DATA``."""

    def __post_init__(self) -> None:
        _one_of("classes", self.classes, ("oracle", "predicted", "both"))
        _one_of("box-form", self.box_form, ("xyxy", "xywh", None))
        _one_of("split", self.split, ("heard", "unheard", None))
        _one_of("table", self.table, ("csv", "latex", "markdown", None))
        if bool(self.benchmark) == bool(self.compare):
            raise ValueError("name what is scored with --benchmark NAME, or two results with --compare A B, not both")
        if self.floors and self.predictions is not None:
            raise ValueError("--floors and --predictions exclude each other; floors are printed beside any score")
        if self.shard is not None and self.save_predictions is None:
            raise ValueError("--shard I/N fills a folder of predictions; name it with --save-predictions DIR")
        if self.heard is not None and self.split is None:
            raise ValueError("--heard says which classes were trained on; add --split heard or --split unheard")
        if self.split is not None and self.heard is None:
            raise ValueError("--split needs --heard FILE: the names of the classes that the model was trained on")

    @property
    def modes(self) -> tuple[str, ...]:
        """Which class modes are scored."""
        return ("oracle", "predicted") if self.classes == "both" else (self.classes,)


def request_from(context: typer.Context, config: Path | None) -> EvaluateRequest:
    """Read the request of a running command; a wrong value ends it with one sentence and exit code 2."""
    from tvsl_cli.shared import config_file as kinds
    from tvsl_core.data.benchmarks.catalog import data_root

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
        "workers": kinds.whole,
        "table": kinds.text,
        "per-class": kinds.flag,
        "device": kinds.text,
        "data": kinds.path,
    }
    with usage_errors():
        values: dict[str, Any] = {
            name.replace("-", "_"): value
            for name, value in merged(context, config=config, section="evaluate", keys=keys).items()
        }
        values["sources"] = _numbers(cast("str | None", values["sources"]))
        return EvaluateRequest(
            benchmark=context.params["benchmark"] or "",
            compare=_folders(context.params["compare"], context.params["also"]),
            json=context.params["json_file"],
            shard=_shard(context.params["shard"]),
            save_predictions=context.params["save_predictions"],
            **(values | {"data": data_root() or values["data"]}),
        )


def _folders(pair: tuple[Path, Path] | None, also: list[Path] | None) -> tuple[Path, ...]:
    if also and not pair:
        raise ValueError("--also adds a result to a comparison; add --compare A B")
    return (*(pair or ()), *(also or ()))


def _one_of(option: str, value: str | None, choices: tuple[str | None, ...]) -> None:
    if value not in choices:
        known = ", ".join(choice for choice in choices if choice)
        raise ValueError(f"--{option} must be one of {known}, got '{value}'")


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
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"--sources lists whole numbers such as 1,2,3, got '{text}'") from None
    if min(numbers) < 1:
        raise ValueError(f"--sources counts from 1, got '{text}'")
    return numbers
